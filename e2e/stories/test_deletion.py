"""A GitRepository that is deleted takes along what it brought, or leaves it; it never hangs, and never takes more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from e2e.harness import repositories
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Kubectl, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import Fault, GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.stories import manifests, obstacles, shops, traces
from e2e.stories.shops import Shop

NAMES = ("first", "second", "third")

STAYING = {
    "deletionPolicy: Orphan": {"deletionPolicy": "Orphan"},
    "suspend: true": {"suspend": True},
    "prune: false": {"prune": False},
}
"""The specs under which the objects outlive their GitRepository."""

staying = pytest.mark.parametrize("spec", STAYING.values(), ids=STAYING)


@pytest.fixture
def shop(cluster: Cluster, namespace: str) -> Iterator[Shop]:
    """An application of which nothing exists yet."""
    with shops.opened(cluster, namespace) as opened:
        yield opened


@pytest.fixture
def elsewhere(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A second namespace of one's own."""
    name = f"{namespace}-elsewhere"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.delete("v1", "Namespace", name)


def test_kubectl_delete_takes_the_objects_along_and_returns(
    operator: Operator,
    cluster: Cluster,
    kubectl: Kubectl,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    bodies = _application()
    repository = git_repository()
    repository.until_ready(repo.commit({"all.yaml": manifests.text(*bodies)}))
    uids = {body["kind"]: _live(cluster, repository, body)["metadata"]["uid"] for body in bodies}
    mark = audit.mark()
    kubectl("delete", repositories.RESOURCE, repository.name, "-n", repository.namespace, "--timeout=30s")
    for body in bodies:
        _until_gone(cluster, repository, body)
    written = traces.writes(audit, mark, repository.namespace)
    assert {(event.verb, event.succeeded) for event in written} == {("delete", True)}
    assert sorted(event.body["preconditions"]["uid"] for event in written) == sorted(uids.values())


def test_the_end_of_a_repository_is_recorded_like_any_sync(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repository = git_repository()
    sha = repo.commit(manifests.config_maps(NAMES))
    repository.until_ready(sha)
    repository.delete()
    repository.until_gone()
    record = repository.records()[-1]
    assert (record["spec"]["trigger"], record["status"]["outcome"]) == ("Delete", "Succeeded")
    assert record["status"]["counts"]["pruned"] == len(NAMES)
    told = {
        (each["object"], each["action"], each["file"], each["commit"]) for each in record["spec"]["changes"]
    }
    space = repository.namespace
    assert told == {(f"ConfigMap/{space}/{name}", "prune", f"{name}.yaml", sha) for name in NAMES}


def test_what_must_not_be_deleted_is_released_and_listed_and_holds_nothing_up(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    shop: Shop,
) -> None:
    pinned = manifests.config_map("pinned", shop.namespace, colour="blue")
    pinned["metadata"]["annotations"] = {"towline.dev/prune": "disabled"}
    claim, child = manifests.claim("state", shop.namespace), manifests.child(repo.url)
    repository = git_repository()
    everything = (*shop.objects, pinned, claim, child)
    repository.until_ready(repo.commit({"all.yaml": manifests.text(*everything)}))
    repository.delete()
    repository.until_gone()
    kept = [pinned, claim, child, manifests.namespace(shop.namespace), manifests.widgets(shop.group)]
    gone = [body for body in everything if _name(body) not in map(_name, kept)]
    for body in gone:
        _until_gone(cluster, repository, body)
    own = {"towline.dev/prune"}
    assert [traces.marks(_live(cluster, repository, body)) - own for body in kept] == [set()] * len(kept)
    assert [body["metadata"].get("deletionTimestamp") for body in kept] == [None] * len(kept)
    record = repository.records()[-1]
    released = [each["object"] for each in record["spec"]["changes"] if each["action"] == "release"]
    assert sorted(name.rpartition("/")[2] for name in released) == sorted(_name(body)[1] for body in kept)
    counts = record["status"]["counts"]
    assert (counts["released"], counts["pruned"]) == (len(kept), len(gone))


@staying
def test_the_objects_stay_and_nothing_of_us_stays_on_them(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    spec: dict[str, Any],
) -> None:
    bodies = [body for body in _application() if body["kind"] != "Deployment"]
    repository = git_repository()
    repository.until_ready(repo.commit({"all.yaml": manifests.text(*bodies)}))
    before = [traces.content(_live(cluster, repository, body)) for body in bodies]
    repository.change(**spec)
    repository.delete()
    repository.until_gone()
    after = [_live(cluster, repository, body) for body in bodies]
    assert [traces.content(body) for body in after] == before
    assert [traces.marks(body) for body in after] == [set()] * len(bodies)
    assert repository.records()[-1]["status"]["counts"]["released"] == len(bodies)


@staying
def test_each_object_that_stays_is_released_by_one_patch(
    operator: Operator,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
    spec: dict[str, Any],
) -> None:
    repository = git_repository(**{name: value for name, value in spec.items() if name != "suspend"})
    repository.until_ready(repo.commit(manifests.config_maps(NAMES)))
    repository.change(**spec)
    mark = audit.mark()
    repository.delete()
    repository.until_gone()
    written = traces.writes(audit, mark, repository.namespace)
    assert sorted((event.verb, event.name, event.code) for event in written) == [
        ("patch", name, 200) for name in NAMES
    ]
    tested = [{step["path"] for step in event.body if step["op"] == "test"} for event in written]
    assert tested == [{"/metadata/resourceVersion"}] * len(NAMES)


def test_the_pods_of_a_released_deployment_are_not_replaced(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    web = manifests.deployment()
    repository = git_repository(deletionPolicy="Orphan")
    repository.until_ready(repo.commit({"web.yaml": manifests.text(web)}))
    before = _rolled_out(cluster, repository, web)
    repository.delete()
    repository.until_gone()
    after = _rolled_out(cluster, repository, web)
    assert after["spec"] == before["spec"]
    assert traces.marks(after) == set()
    assert "change-cause" not in str(after["metadata"].get("annotations"))
    (pods,) = cluster.list("apps/v1", "ReplicaSet", repository.namespace)
    assert pods["metadata"]["ownerReferences"][0]["uid"] == before["metadata"]["uid"]


def test_an_invalid_spec_does_not_stand_in_the_way_of_a_deletion(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repository = git_repository()
    repository.until_ready(repo.commit(manifests.config_maps(NAMES)))
    repository.change(ref={"semver": "1.x.y.z"})
    repository.until_reason("InvalidRef")
    repository.delete()
    repository.until_gone()
    assert _config_maps(cluster, repository) == set()


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.ERROR, Fault.HANG], ids=lambda fault: fault.name)
def test_git_is_not_needed_for_a_deletion(
    operator: Operator,
    cluster: Cluster,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
    fault: Fault,
) -> None:
    repository = git_repository(timeout="5s")
    repository.until_ready(repo.commit(manifests.config_maps(NAMES)))
    with git_server.failing(repo.path.stem, fault):
        asked = len(git_server.requests(repo.path.stem))
        eventually(lambda: len(git_server.requests(repo.path.stem)) > asked, deadline=30, message="a look")
        repository.delete()
        repository.until_gone()
    assert _config_maps(cluster, repository) == set()


def test_a_repository_that_never_applied_anything_goes_at_once(
    operator: Operator, audit: AuditLog, git_repository: Callable[..., Repository]
) -> None:
    repository = git_repository(ref={"branch": "nowhere"})
    repository.until_reason("RefNotFound")
    mark = audit.mark()
    repository.delete()
    repository.until_gone()
    assert traces.writes(audit, mark, repository.namespace) == []


def test_a_deletion_that_is_refused_says_by_whom_and_goes_on_when_it_is_allowed(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repository = git_repository()
    repository.until_ready(repo.commit(manifests.config_maps(NAMES)))
    with obstacles.undeletable(cluster, repository.namespace, "second", "not on my watch"):
        repository.delete()
        status = repository.until_reason("PruneFailed")
        (failure,) = status["failures"]
        assert failure["object"] == f"ConfigMap/{repository.namespace}/second"
        assert failure["reason"] == "AdmissionDenied"
        assert "not on my watch" in failure["message"]
        assert _config_maps(cluster, repository) == {"second"}
    repository.until_gone()
    assert _config_maps(cluster, repository) == set()


def test_a_whole_namespace_goes_and_what_its_repository_brought_elsewhere_goes_with_it(
    operator: Operator,
    cluster: Cluster,
    kubectl: Kubectl,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
    elsewhere: str,
) -> None:
    far = manifests.config_map("far", elsewhere)
    repository = git_repository()
    files = {"near.yaml": manifests.text(*_application()), "far.yaml": manifests.text(far)}
    repository.until_ready(repo.commit(files))
    log, mark = operator.mark(), audit.mark()
    kubectl("delete", "namespace", repository.namespace, "--timeout=60s", deadline=70)
    assert cluster.find("v1", "ConfigMap", "far", elsewhere) is None
    assert cluster.find("v1", "Namespace", elsewhere) is not None
    written = traces.writes(audit, mark, repository.namespace, elsewhere)
    assert [(event.verb, event.namespace, event.name) for event in written] == [("delete", elsewhere, "far")]
    told = operator.wait_for_log(lambda line: _ends(line.get("record")), mark=log)["record"]
    (change,) = told["spec"]["changes"]
    assert (change["object"], change["action"]) == (f"ConfigMap/{elsewhere}/far", "prune")


@staying
def test_a_new_resource_of_the_same_name_for_another_url_takes_nothing_of_the_first_away(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
    spec: dict[str, Any],
) -> None:
    first = git_repository()
    first.until_ready(repo.commit(manifests.config_maps(NAMES)))
    first.change(**spec)
    first.delete()
    first.until_gone()
    mark = audit.mark()
    other = git_server.create(f"{first.namespace}-other")
    second = git_repository(url=other.url)
    second.until_ready(other.commit(manifests.config_maps(["mine", "theirs"])))
    second.until_ready(other.commit({"theirs.yaml": None}))
    second.delete()
    second.until_gone()
    assert _config_maps(cluster, first) == set(NAMES)
    touched = {event.name for event in traces.writes(audit, mark, first.namespace)}
    assert touched == {"mine", "theirs"}


def test_what_a_repository_without_its_finalizer_left_behind_is_not_pruned_by_its_namesake(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    first = git_repository()
    first.until_ready(repo.commit(manifests.config_maps(NAMES)))
    operator.stop()
    repositories.abandon(cluster, first.namespace)
    first.until_gone()
    mark = audit.mark()
    other = git_server.create(f"{first.namespace}-other")
    other.commit(manifests.config_maps(["first", "mine"], colour="red"))
    second = git_repository(url=other.url)
    operator.start()
    status = second.until_reason("PruneBlocked")
    waiting = {(each["object"].rpartition("/")[2], each["reason"]) for each in status["blocked"]["prunes"]}
    assert waiting == {("second", "Inherited"), ("third", "Inherited")}
    second.delete()
    second.until_gone()
    assert _config_maps(cluster, first) == {"second", "third"}
    deleted = {event.name for event in traces.writes(audit, mark, first.namespace) if event.verb == "delete"}
    assert deleted == {"first", "mine"}


def test_what_a_namesake_left_behind_is_pruned_once_that_is_confirmed(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    first = git_repository()
    first.until_ready(repo.commit(manifests.config_maps(NAMES)))
    operator.stop()
    repositories.abandon(cluster, first.namespace)
    first.until_gone()
    other = git_server.create(f"{first.namespace}-other")
    sha = other.commit(manifests.config_maps(["mine"]))
    second = git_repository(url=other.url)
    operator.start()
    second.until_reason("PruneBlocked")
    second.confirm_prune()
    second.until_ready(sha)
    assert _config_maps(cluster, first) == {"mine"}


def _application() -> tuple[Object, ...]:
    return (
        manifests.config_map("settings", colour="blue"),
        manifests.service("web"),
        manifests.service_account("web"),
        manifests.role("reader"),
        manifests.deployment("web"),
    )


def _ends(record: Any) -> bool:
    """Say whether this is the closed record of a deletion, not only the name of one."""
    return isinstance(record, dict) and record["spec"]["trigger"] == "Delete" and "status" in record


def _rolled_out(cluster: Cluster, repository: Repository, body: Object) -> Object:
    """Return a Deployment once its controller has seen it as it is now."""

    def seen() -> Object | None:
        live = _live(cluster, repository, body)
        return live if live["status"].get("observedGeneration") == live["metadata"]["generation"] else None

    return eventually(seen, deadline=30, message="the controller of the Deployment")


def _name(body: Object) -> tuple[str, str]:
    return body["kind"], body["metadata"]["name"]


def _live(cluster: Cluster, repository: Repository, body: Object) -> Object:
    return cluster.get(body["apiVersion"], *_place(repository, body))


def _until_gone(cluster: Cluster, repository: Repository, body: Object) -> None:
    cluster.until_gone(body["apiVersion"], *_place(repository, body))


def _place(repository: Repository, body: Object) -> tuple[str, str, str]:
    kind, name = _name(body)
    cluster_wide = kind in {"Namespace", "CustomResourceDefinition"}
    return kind, name, "" if cluster_wide else body["metadata"].get("namespace", repository.namespace)


def _config_maps(cluster: Cluster, repository: Repository) -> set[str]:
    """Return the names of the ConfigMaps in the repository's namespace but for the server's own."""
    found = {body["metadata"]["name"] for body in cluster.list("v1", "ConfigMap", repository.namespace)}
    return found - {"kube-root-ca.crt"}
