"""Objects that only look like ours: copies, restored backups, hand-made ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

pytestmark = pytest.mark.usefixtures("operator")

LABEL = "towline.dev/repository"
OWNER = "towline.dev/owner"
SLICES = ("discovery.k8s.io/v1", "EndpointSlice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalikes:
    """Objects that somebody made from one of ours, as they were then."""

    cluster: Cluster
    bodies: tuple[Object, ...]

    def untouched(self) -> bool:
        """Say whether all of them are exactly as they were made."""
        return all(self._now(body) == body for body in self.bodies)

    def requests(self, audit: AuditLog, mark: Mark) -> list[AuditEvent]:
        """Return what the operator wrote to them, or tried to."""
        names = {(body["metadata"]["namespace"], body["metadata"]["name"]) for body in self.bodies}
        return [event for event in audit.writes(mark, "towline") if (event.namespace, event.name) in names]

    def _now(self, body: Object) -> Object | None:
        metadata = body["metadata"]
        return self.cluster.find(body["apiVersion"], body["kind"], metadata["name"], metadata["namespace"])


@pytest.fixture
def app(repo: Repo, git_repository: Callable[..., Repository]) -> Repository:
    """A repository that has applied two ConfigMaps."""
    sha = repo.commit(manifests.config_maps(["kept", "removed"], colour="blue"))
    found = git_repository()
    found.until_ready(sha)
    return found


@pytest.fixture
def lookalikes(app: Repository, elsewhere: str) -> Lookalikes:
    """One of each kind, made from the ConfigMap `removed`."""
    original = app.cluster.get("v1", "ConfigMap", "removed", app.namespace)
    made = (
        restored(original, elsewhere, "removed"),
        restored(original, app.namespace, "restored-beside"),
        labelled(original, app.namespace, "labelled"),
        copied(original, app.namespace, "copied-with-a-forged-owner"),
        applied(original, app.namespace, "applied-in-our-name"),
    )
    for body in made:
        assert body["metadata"]["labels"][LABEL] == original["metadata"]["labels"][LABEL]
    return Lookalikes(cluster=app.cluster, bodies=tuple(app.cluster.create(body) for body in made))


def test_lookalikes_are_not_pruned_with_the_object_that_they_resemble(
    app: Repository, lookalikes: Lookalikes, audit: AuditLog, repo: Repo
) -> None:
    mark = audit.mark()
    status = app.until_ready(repo.commit({"removed.yaml": None}))

    assert app.cluster.find("v1", "ConfigMap", "removed", app.namespace) is None
    assert (status["objects"]["declared"], status.get("failuresTotal")) == (1, None)
    assert app.records()[-1]["status"]["counts"]["pruned"] == 1
    assert lookalikes.untouched()
    assert lookalikes.requests(audit, mark) == []


def test_lookalikes_are_neither_listed_nor_pruned_when_an_empty_source_is_confirmed(
    app: Repository, lookalikes: Lookalikes, audit: AuditLog, repo: Repo
) -> None:
    mark = audit.mark()
    sha = repo.clear()
    status = app.until_reason("PruneBlocked")
    assert {prune["object"] for prune in status["blocked"]["prunes"]} == {
        f"ConfigMap/{app.namespace}/kept",
        f"ConfigMap/{app.namespace}/removed",
    }

    app.confirm_prune()
    app.until_applied(sha)

    assert app.cluster.find("v1", "ConfigMap", "kept", app.namespace) is None
    assert lookalikes.untouched()
    assert lookalikes.requests(audit, mark) == []


def test_a_source_without_manifests_owns_nothing_by_a_lookalike(
    cluster: Cluster, repo: Repo, namespace: str, git_repository: Callable[..., Repository]
) -> None:
    body = manifests.config_map("labelled", namespace)
    body["metadata"]["labels"] = {LABEL: f"{namespace}.app"}
    theirs = cluster.create(body)
    repo.commit({"README.md": "nothing here"})

    git_repository().until_reason("SourceEmpty")

    assert cluster.get("v1", "ConfigMap", "labelled", namespace) == theirs


@pytest.mark.parametrize("spec", [{}, {"deletionPolicy": "Orphan"}, {"prune": False}], ids=str)
def test_the_deletion_of_the_repository_neither_deletes_nor_releases_lookalikes(
    app: Repository, lookalikes: Lookalikes, audit: AuditLog, spec: Object
) -> None:
    app.change(**spec)
    app.until(lambda status: status["observedGeneration"] == app.read()["metadata"]["generation"], "the spec")
    mark = audit.mark()
    app.delete()
    app.until_gone()

    gone = app.cluster.find("v1", "ConfigMap", "removed", app.namespace) is None
    assert gone == (not spec)
    assert lookalikes.untouched()
    assert lookalikes.requests(audit, mark) == []


def test_objects_that_leave_git_under_prune_false_are_released_and_lookalikes_left_alone(
    app: Repository, lookalikes: Lookalikes, audit: AuditLog, repo: Repo
) -> None:
    app.change(prune=False)
    mark = audit.mark()
    app.until_ready(repo.commit({"removed.yaml": None}))

    released = app.cluster.get("v1", "ConfigMap", "removed", app.namespace)
    assert LABEL not in released["metadata"].get("labels", {})
    assert lookalikes.untouched()
    assert lookalikes.requests(audit, mark) == []


def test_a_lookalike_of_a_declared_object_is_not_overwritten_where_nothing_may_be_adopted(
    app: Repository, lookalikes: Lookalikes, audit: AuditLog, repo: Repo, elsewhere: str
) -> None:
    app.change(adopt="Never")
    mark = audit.mark()
    repo.commit({"there.yaml": manifests.text(manifests.config_map("removed", elsewhere, colour="red"))})
    status = app.until_reason("ApplyFailed")

    [failure] = status["failures"]
    assert (failure["reason"], failure["object"]) == ("NotOurs", f"ConfigMap/{elsewhere}/removed")
    assert "towline.dev/owner" in failure["message"]
    assert lookalikes.untouched()
    assert lookalikes.requests(audit, mark) == []


def test_the_endpoint_slices_to_which_a_service_hands_its_labels_are_never_pruned(
    audit: AuditLog, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    own = {"apiVersion": SLICES[0], "kind": SLICES[1], "metadata": {"name": "own"}, "endpoints": []}
    sha = repo.commit(
        {
            "web.yaml": manifests.text(manifests.service("web")),
            "own.yaml": manifests.text({**own, "addressType": "IPv4"}),
            **manifests.config_maps(["kept"]),
        }
    )
    app = git_repository()
    app.until_ready(sha)
    copies = eventually(lambda: slices_of(app, "web"), message="the slices of the Service", deadline=30)
    assert all(copy["metadata"]["labels"][LABEL] == f"{app.namespace}.app" for copy in copies)
    mark = audit.mark()

    status = app.until_ready(repo.commit({"own.yaml": None}))

    assert status["objects"]["declared"] == 2
    assert deleted(audit, mark) == {"own"}
    assert [copy["metadata"]["uid"] for copy in slices_of(app, "web")] == [
        copy["metadata"]["uid"] for copy in copies
    ]
    app.delete()
    app.until_gone()
    assert deleted(audit, mark) == {"own", "web", "kept"}


def slices_of(app: Repository, service: str) -> list[Object]:
    """Return the EndpointSlices of a Service."""
    return app.cluster.list(*SLICES, app.namespace, labels=f"kubernetes.io/service-name={service}")


def deleted(audit: AuditLog, mark: Mark) -> set[str]:
    """Return the names of what the operator has deleted, or tried to."""
    return {event.name for event in audit.writes(mark, "towline") if event.verb == "delete"}


def restored(original: Object, namespace: str, name: str) -> Object:
    """Return what a backup restores: everything but what only the first object can have."""
    kept = ("labels", "annotations", "managedFields")
    metadata = {key: original["metadata"][key] for key in kept}
    return {**original, "metadata": {**metadata, "name": name, "namespace": namespace}}


def labelled(original: Object, namespace: str, name: str) -> Object:
    """Return a copy with labels alone."""
    body = restored(original, namespace, name)
    del body["metadata"]["annotations"], body["metadata"]["managedFields"]
    return body


def copied(original: Object, namespace: str, name: str) -> Object:
    """Return a copy with labels and annotations, whose owner annotation names the copy itself."""
    body = restored(original, namespace, name)
    uid, _, _ = original["metadata"]["annotations"][OWNER].partition(":")
    owner = {OWNER: f"{uid}:ConfigMap/{namespace}/{name}"}
    body["metadata"]["annotations"] = {**original["metadata"]["annotations"], **owner}
    del body["metadata"]["managedFields"]
    return body


def applied(original: Object, namespace: str, name: str) -> Object:
    """Return a copy with our label and Apply entry, and no annotation."""
    body = restored(original, namespace, name)
    del body["metadata"]["annotations"]
    return body
