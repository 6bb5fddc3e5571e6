"""An operator that ends at any moment, however it ends, loses nothing and leaves nothing half-done."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from towline.records import chain

from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import Fault, GitServer
from e2e.harness.operator import Line, Operator
from e2e.harness.repositories import Repository
from e2e.scenes import cluster_limits, head_lookups, managed_objects, manifests, stopped_halfway
from e2e.scenes.stopped_halfway import Standstill

NAMES = tuple(f"settings-{number:02}" for number in range(40))


@pytest.fixture
def half_way(cluster: Cluster, namespace: str) -> Iterator[Standstill]:
    """Files whose sync stands still when half of them are written."""
    with stopped_halfway.prepared(cluster, namespace) as prepared:
        yield prepared


@pytest.fixture
def killed(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    half_way: Standstill,
) -> tuple[Operator, Repository]:
    """An operator that was killed when half of a first commit was written; its definition is never healthy."""
    operator = private_operator()
    operator.start()
    repo.commit(half_way.files())
    repository = git_repository()
    half_way.reached(repository)
    operator.kill()
    assert set(managed_objects.config_maps(cluster, repository)) == half_way.early
    return operator, repository


def test_a_sync_that_was_killed_is_finished_by_the_next_start_and_nothing_is_written_twice(
    killed: tuple[Operator, Repository],
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    half_way: Standstill,
) -> None:
    operator, repository = killed
    before = managed_objects.config_maps(cluster, repository)
    mark = audit.mark()
    operator.start()
    repository.until_applied(repo.sha())
    after = managed_objects.config_maps(cluster, repository)
    assert set(after) == half_way.early | half_way.late
    assert {name: after[name] for name in half_way.early} == before
    assert Counter(event.name for event in _writes(audit, mark, repository)) == dict.fromkeys(
        half_way.late, 1
    )


def test_the_record_of_a_killed_sync_is_closed_as_interrupted_and_tells_how_far_it_came(
    killed: tuple[Operator, Repository], repo: Repo, half_way: Standstill
) -> None:
    operator, repository = killed
    (left,) = repository.records()
    assert "status" not in left
    operator.start()
    repository.until_applied(repo.sha())
    interrupted, finished = repository.records()
    assert interrupted["spec"] == left["spec"]
    assert (interrupted["status"]["outcome"], interrupted["status"]["counts"]["created"]) == (
        "Interrupted",
        21,
    )
    assert (finished["status"]["outcome"], finished["status"]["counts"]["created"]) == ("Succeeded", 20)
    assert finished["spec"]["to"] == repo.sha()
    assert chain.verify(repository.records()) == ()


def test_the_record_of_a_killed_sync_is_closed_although_nothing_is_left_to_do(
    killed: tuple[Operator, Repository], repo: Repo, half_way: Standstill
) -> None:
    operator, repository = killed
    sha = repo.commit(dict.fromkeys(manifests.config_maps(half_way.late)))
    operator.start()
    status = repository.until_applied(sha)
    (record,) = repository.records()
    assert (record["status"]["outcome"], record["status"]["counts"]["created"]) == ("Interrupted", 21)
    assert status["lastRecord"] == record["metadata"]["name"]


def test_an_operator_that_starts_without_the_data_of_the_killed_one_finishes_its_sync_too(
    killed: tuple[Operator, Repository],
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    half_way: Standstill,
) -> None:
    _, repository = killed
    private_operator().start()
    repository.until_applied(repo.sha())
    assert set(managed_objects.config_maps(cluster, repository)) == half_way.early | half_way.late
    assert [record["status"]["outcome"] for record in repository.records()] == ["Interrupted", "Succeeded"]
    assert chain.verify(repository.records()) == ()


def test_what_a_killed_sync_had_written_goes_with_its_repository(
    killed: tuple[Operator, Repository], cluster: Cluster
) -> None:
    operator, repository = killed
    repository.delete()
    operator.start()
    repository.until_gone()
    assert managed_objects.config_maps(cluster, repository) == {}


def test_what_a_killed_sync_had_written_is_pruned_when_it_has_left_git_meanwhile(
    killed: tuple[Operator, Repository], cluster: Cluster, repo: Repo, half_way: Standstill
) -> None:
    operator, repository = killed
    sha = repo.commit({"early-00.yaml": None})
    operator.start()
    repository.until_applied(sha)
    assert set(managed_objects.config_maps(cluster, repository)) == (half_way.early | half_way.late) - {
        "early-00"
    }


def test_an_operator_that_is_killed_again_and_again_ends_where_it_would_have(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    repository = git_repository()
    for name in (NAMES[1], NAMES[5], NAMES[17], NAMES[39]):
        repo.commit(manifests.config_maps(NAMES, colour=f"the one of {name}"))
        mark = audit.mark()
        operator.start()
        _until_written(audit, mark, repository, name)
        operator.kill()
    operator.start()
    repository.until_ready(repo.sha())
    found = managed_objects.config_maps(cluster, repository)
    colours = {name: body["data"]["colour"] for name, body in found.items()}
    assert colours == dict.fromkeys(NAMES, f"the one of {NAMES[39]}")
    assert {managed_objects.origin(body) for body in found.values()} == {
        (repo.sha(), f"{name}.yaml") for name in NAMES
    }
    assert chain.verify(repository.records()) == ()
    records = repository.records()
    assert [record["metadata"]["name"] for record in records if "status" not in record] == []
    assert repository.status()["lastRecord"] == records[-1]["metadata"]["name"]


def test_a_deletion_that_was_killed_is_finished_by_the_next_start(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(manifests.config_maps(["first", "second"]))
    repository = git_repository()
    repository.until_ready(sha)
    with cluster_limits.undeletable(cluster, repository.namespace, "second", "not on my watch"):
        repository.delete()
        repository.until_reason("PruneFailed")
        operator.kill()
    operator.start()
    repository.until_gone()
    assert managed_objects.config_maps(cluster, repository) == {}
    assert chain.verify(repository.records()) == ()


def test_an_idle_operator_ends_at_once_when_it_is_asked_to(
    private_operator: Callable[..., Operator], repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    operator = private_operator()
    operator.start()
    git_repository().until_ready(repo.commit(manifests.config_maps(NAMES)))
    assert _stops_at_once(operator)
    assert _complaints(operator) == []


def test_an_operator_ends_in_the_middle_of_a_sync_and_the_next_one_finishes_it(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    half_way: Standstill,
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(half_way.files())
    repository = git_repository()
    half_way.reached(repository)
    assert _stops_at_once(operator)
    assert _complaints(operator) == []
    assert set(managed_objects.config_maps(cluster, repository)) == half_way.early
    operator.start()
    repository.until_applied(sha)
    assert set(managed_objects.config_maps(cluster, repository)) == half_way.early | half_way.late
    assert chain.verify(repository.records()) == ()


def test_an_operator_ends_while_it_waits_for_a_git_server(
    private_operator: Callable[..., Operator],
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    git_repository().until_ready(repo.commit(manifests.config_maps(["first"])))
    with git_server.failing(repo.path.stem, Fault.HANG):
        head_lookups.wait(git_server, repo, times=1)
        assert _stops_at_once(operator)
    assert _complaints(operator) == []


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=lambda signum: signum.name)
def test_an_operator_that_has_hardly_begun_ends_when_it_is_asked_to(
    private_operator: Callable[..., Operator], audit: AuditLog, signum: signal.Signals
) -> None:
    operator = private_operator()
    mark = audit.mark()
    operator.start()
    audit.until(lambda event: event.user == "towline", mark=mark, deadline=30)
    operator.program.send(signum)
    assert operator.program.wait() == 0
    assert _complaints(operator) == []


def _stops_at_once(operator: Operator) -> bool:
    """Say whether it ends well, and before kopf loses its patience with tasks that do not end by themselves."""
    asked_at = time.monotonic()
    return operator.stop() == 0 and time.monotonic() - asked_at < 4


def _until_written(audit: AuditLog, mark: Mark, repository: Repository, name: str) -> None:
    """Wait for the write of one ConfigMap, which may be the first or the last of many."""

    def found(event: AuditEvent) -> bool:
        about = (event.namespace, event.resource, event.name)
        return event.writes and about == (repository.namespace, "configmaps", name)

    audit.until(found, mark=mark, deadline=30, message=f"the write of {name}")


def _writes(audit: AuditLog, mark: Mark, repository: Repository) -> list[AuditEvent]:
    return [
        event for event in managed_objects.writes(audit, mark, repository) if event.resource == "configmaps"
    ]


def _complaints(operator: Operator) -> list[Line]:
    """Return the lines of the log that an operator that is well never writes: traces and errors."""
    return [
        line
        for line in operator.log()
        if line["level"] in {"raw", "error", "critical"} or "exception" in line
    ]
