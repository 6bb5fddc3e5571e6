"""A GitRepository that is deleted takes along what it brought, or leaves it; it never hangs, and never takes more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from e2e.harness import identity, repositories
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Kubectl, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import Fault, GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import cluster_limits, head_lookups, live_objects, managed_objects, manifests, shop_app
from e2e.scenes.shop_app import Shop

NAMES = ("first", "second", "third")


@pytest.fixture
def shop(cluster: Cluster, namespace: str) -> Iterator[Shop]:
    """An application of which nothing exists yet."""
    with shop_app.opened(cluster, namespace) as opened:
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
    sha = repo.commit({"all.yaml": manifests.text(*bodies)})
    repository = git_repository()
    repository.until_ready(sha)
    uids = {body["kind"]: live_objects.live(cluster, repository, body)["metadata"]["uid"] for body in bodies}
    mark = audit.mark()
    kubectl("delete", repositories.RESOURCE, repository.name, "-n", repository.namespace, "--timeout=30s")
    for body in bodies:
        live_objects.until_gone(cluster, repository, body)
    written = managed_objects.writes(audit, mark, repository)
    assert {(event.verb, event.succeeded) for event in written} == {("delete", True)}
    assert sorted(event.body["preconditions"]["uid"] for event in written) == sorted(uids.values())


def test_the_end_of_a_repository_is_recorded_like_any_sync(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
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


def test_a_repository_that_is_deleted_waits_for_what_a_finalizer_keeps_and_names_who_set_it(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(sha)
    where = ("v1", "ConfigMap", "second", repository.namespace)
    cluster.patch(*where, {"metadata": {"finalizers": ["example.com/hold"]}}, manager="backup")
    repository.delete()
    repository.until(
        lambda _: (
            (
                f"Deletion waits for 1 object, at most 1m: ConfigMap {repository.namespace}/second is being deleted, "
                "and waits for finalizer example.com/hold (set by backup)"
            )
            == repository.condition()["message"]
        ),
        "the finalizer's name",
    )
    counts = repository.records()[-1]["status"]["counts"]
    assert (counts["pruned"], counts["deleting"]) == (2, 1)
    cluster.patch(*where, {"metadata": {"finalizers": None}})
    repository.until_gone()


def test_what_must_not_be_deleted_is_released_and_listed_and_holds_nothing_up(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    shop: Shop,
) -> None:
    pinned = manifests.config_map("pinned", shop.namespace, colour="blue")
    pinned["metadata"]["annotations"] = {"towline.dev/prune": "Disabled"}
    claim, child = manifests.claim("state", shop.namespace), manifests.child(repo.url)
    repository = git_repository()
    everything = (*shop.objects, pinned, claim, child)
    repository.until_applied(repo.commit({"all.yaml": manifests.text(*everything)}))
    repository.delete()
    repository.until_gone()
    kept = [pinned, claim, child, manifests.namespace(shop.namespace), manifests.widgets(shop.group)]
    gone = [body for body in everything if live_objects.name(body) not in map(live_objects.name, kept)]
    for body in gone:
        live_objects.until_gone(cluster, repository, body)
    own = {"towline.dev/prune"}
    assert [live_objects.marks(live_objects.live(cluster, repository, body)) - own for body in kept] == [
        set()
    ] * len(kept)
    assert [body["metadata"].get("deletionTimestamp") for body in kept] == [None] * len(kept)
    record = repository.records()[-1]
    released = [each["object"] for each in record["spec"]["changes"] if each["action"] == "release"]
    assert sorted(name.rpartition("/")[2] for name in released) == sorted(
        live_objects.name(body)[1] for body in kept
    )
    counts = record["status"]["counts"]
    assert (counts["released"], counts["pruned"]) == (len(kept), len(gone))


def test_an_invalid_spec_does_not_stand_in_the_way_of_a_deletion(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(sha)
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
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository(timeout="5s")
    repository.until_ready(sha)
    with git_server.failing(repo.path.stem, fault):
        head_lookups.wait(git_server, repo, times=1)
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
    assert managed_objects.writes(audit, mark, repository) == []


def test_a_deletion_that_is_refused_says_by_whom_and_goes_on_when_it_is_allowed(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(sha)
    with cluster_limits.undeletable(cluster, repository.namespace, "second", "not on my watch"):
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
    files = {**manifests.config_maps(NAMES), "far.yaml": manifests.text(far)}
    repository.until_ready(repo.commit(files))
    log, mark = operator.mark(), audit.mark()
    kubectl("delete", "namespace", repository.namespace, "--timeout=60s", deadline=70)
    assert cluster.find("v1", "ConfigMap", "far", elsewhere) is None
    assert cluster.find("v1", "Namespace", elsewhere) is not None
    deleted = [event for event in audit.writes(mark, identity.OPERATOR) if event.verb == "delete"]
    assert [(event.namespace, event.name) for event in deleted] == [(elsewhere, "far")]
    told = operator.wait_for_log(lambda line: _ends(line.get("record")), mark=log)["record"]
    (change,) = told["spec"]["changes"]
    assert (change["object"], change["action"]) == (f"ConfigMap/{elsewhere}/far", "prune")


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


def _config_maps(cluster: Cluster, repository: Repository) -> set[str]:
    """Return the names of the ConfigMaps in the repository's namespace but for the server's own."""
    found = {body["metadata"]["name"] for body in cluster.list("v1", "ConfigMap", repository.namespace)}
    return found - {"kube-root-ca.crt"}
