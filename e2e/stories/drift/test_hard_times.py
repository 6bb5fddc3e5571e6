"""Drift is restored whatever else goes on: a sync, a commit that does not build, a restart, a deletion that waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import Fault, GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import managed_objects, manifests, stopped_halfway
from e2e.scenes.stopped_halfway import Standstill

SOON = 5.0
"""Seconds for what the issue promises within one."""

NAMES = ("edited", "deleted", "kept")
FILES = manifests.config_maps(NAMES, colour="blue")


def disturb(cluster: Cluster, namespace: str) -> None:
    """Change one ConfigMap and delete another."""
    cluster.patch("v1", "ConfigMap", "edited", namespace, {"data": {"colour": "theirs"}})
    cluster.delete("v1", "ConfigMap", "deleted", namespace)


def until_restored(cluster: Cluster, repository: Repository, deadline: float = SOON) -> None:
    """Wait until all three are as they are declared."""

    def restored() -> bool:
        found = managed_objects.config_maps(cluster, repository)
        return {name: found[name]["data"]["colour"] for name in NAMES if name in found} == dict.fromkeys(
            NAMES, "blue"
        )

    eventually(restored, deadline=deadline, message="the ConfigMaps as they are declared")


def test_drift_is_restored_while_a_newer_commit_does_not_build(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(FILES)
    repository = git_repository()
    repository.until_ready(sha)
    repo.commit({"kept.yaml": "kind: ConfigMap\ndata: [\n"})
    repository.until_reason("BuildFailed")
    disturb(cluster, repository.namespace)
    until_restored(cluster, repository)
    assert repository.condition()["reason"] == "BuildFailed"


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.HANG])
def test_drift_is_restored_while_the_git_server_does_not_answer(
    operator: Operator,
    cluster: Cluster,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
    fault: Fault,
) -> None:
    sha = repo.commit(FILES)
    repository = git_repository()
    repository.until_ready(sha)
    name = repo.path.stem
    with git_server.failing(name, fault):
        asked = len(git_server.requests(name))
        eventually(lambda: len(git_server.requests(name)) > asked, message="a look at the head")
        disturb(cluster, repository.namespace)
        until_restored(cluster, repository)


@pytest.fixture
def half_way(cluster: Cluster, namespace: str) -> Iterator[Standstill]:
    """Files whose sync stands still when half of them are written."""
    with stopped_halfway.prepared(cluster, namespace) as prepared:
        yield prepared


def test_drift_during_a_sync_is_restored_whether_the_sync_had_written_the_object_or_not(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    half_way: Standstill,
) -> None:
    sha = repo.commit(FILES)
    repository = git_repository()
    repository.until_ready(sha)
    sha = repo.commit(half_way.files(colour="blue"))
    half_way.reached(repository)
    disturb(cluster, repository.namespace)
    cluster.patch("v1", "ConfigMap", "early-00", repository.namespace, {"data": {"colour": "theirs"}})
    half_way.settle()
    until_restored(cluster, repository, deadline=40)
    eventually(
        lambda: _colour(cluster, repository, "early-00") == "blue", message="what the sync had written"
    )
    repository.until_ready(sha)


def test_drift_during_the_first_sync_of_all_is_restored_when_it_ends(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    half_way: Standstill,
) -> None:
    private_operator().start()
    sha = repo.commit(half_way.files(colour="blue"))
    repository = git_repository()
    half_way.reached(repository)
    cluster.patch("v1", "ConfigMap", "early-00", repository.namespace, {"data": {"colour": "theirs"}})
    cluster.delete("v1", "ConfigMap", "early-01", repository.namespace)
    half_way.settle()
    repository.until_ready(sha)
    eventually(
        lambda: {_colour(cluster, repository, f"early-0{number}") for number in range(3)} == {"blue"},
        message="what the sync had written",
    )


def test_what_happened_while_the_operator_was_down_is_restored_and_nothing_else_is_written(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(FILES)
    repository = git_repository(interval="1h")
    repository.until_ready(sha)
    operator.stop()
    disturb(cluster, repository.namespace)
    foreign = {"metadata": {"annotations": {"example.com/note": "foreign"}}}
    cluster.patch("v1", "ConfigMap", "kept", repository.namespace, foreign)
    mark = audit.mark()
    operator.start()
    until_restored(cluster, repository, deadline=20)
    assert {event.name for event in managed_objects.writes(audit, mark, repository)} == {"edited", "deleted"}


def test_an_object_whose_deletion_waits_is_created_again_when_it_is_gone(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(FILES)
    repository = git_repository()
    repository.until_ready(sha)
    hold = {"metadata": {"finalizers": ["example.com/hold"]}}
    uid = cluster.patch("v1", "ConfigMap", "kept", repository.namespace, hold)["metadata"]["uid"]
    cluster.delete("v1", "ConfigMap", "kept", repository.namespace)
    status = repository.until(lambda status: status.get("failures"), "a failure")
    (failure,) = status["failures"]
    assert (failure["object"], failure["reason"]) == (
        f"ConfigMap/{repository.namespace}/kept",
        "Terminating",
    )
    disturb(cluster, repository.namespace)
    until_others_restored(cluster, repository)
    assert _kept(cluster, repository)["metadata"]["uid"] == uid
    cluster.patch("v1", "ConfigMap", "kept", repository.namespace, {"metadata": {"finalizers": None}})
    until_restored(cluster, repository)
    assert _kept(cluster, repository)["metadata"]["uid"] != uid
    repository.until_reason("Succeeded")


def until_others_restored(cluster: Cluster, repository: Repository) -> None:
    """Wait until the two are as they are declared that are not being deleted."""

    def restored() -> bool:
        found = managed_objects.config_maps(cluster, repository)
        return [found[name]["data"]["colour"] for name in ("edited", "deleted") if name in found] == [
            "blue"
        ] * 2

    eventually(restored, deadline=SOON, message="the other ConfigMaps as they are declared")


@pytest.mark.parametrize("force", [False, True])
def test_an_object_that_others_made_immutable_is_replaced_where_that_is_allowed_and_else_named(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    force: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    sha = repo.commit(FILES)
    repository = git_repository(force=force)
    repository.until_ready(sha)
    sealed = {"data": {"colour": "theirs"}, "immutable": True}
    cluster.patch("v1", "ConfigMap", "kept", repository.namespace, sealed)
    if force:
        until_restored(cluster, repository)
        return
    status = repository.until(lambda status: status.get("drift"), "the refused repair as drift")
    assert [(each["field"], each["reason"]) for each in status["drift"]] == [
        ("/data/colour", "ImmutableField")
    ]
    assert repository.condition("Ready")["status"] == "True"
    assert "towline.dev/force: Enabled" in repository.condition("Drifted")["message"]
    disturb(cluster, repository.namespace)
    until_others_restored(cluster, repository)


def _kept(cluster: Cluster, repository: Repository) -> Object:
    return cluster.get("v1", "ConfigMap", "kept", repository.namespace)


def _colour(cluster: Cluster, repository: Repository, name: str) -> str:
    return str(managed_objects.config_maps(cluster, repository).get(name, {}).get("data", {}).get("colour"))
