"""Of several replicas one works; when it goes, however it goes, another one does."""

from __future__ import annotations

import http.client
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from e2e.harness import components, identity
from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

LEASE = 15.0
OTHER = "bob"
"""As whom the second replica runs: so the audit log tells the two apart."""

RIGHTS: Object = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "second-replica"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": OTHER}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    leader: Operator
    standby: Operator
    probed: tuple[int, int]


@pytest.fixture
def replicas(cluster: Cluster, private_operator: Callable[..., Operator]) -> Iterator[Replicas]:
    """Two operators that have agreed on who works."""
    cluster.create(RIGHTS)
    first, second = components.free_ports(2)
    pair = Replicas(
        leader=private_operator("--leader-elect", "--listen", f"127.0.0.1:{first}"),
        standby=private_operator("--leader-elect", "--listen", f"127.0.0.1:{second}", user=OTHER),
        probed=(first, second),
    )
    pair.leader.start()
    pair.leader.wait_for_log("leading", deadline=30)
    pair.standby.start()
    pair.standby.wait_for_log("waiting to lead", deadline=30)
    yield pair
    for one in (pair.leader, pair.standby):
        one.kill()
    cluster.delete("coordination.k8s.io/v1", "Lease", "towline", "default")
    cluster.delete(RIGHTS["apiVersion"], RIGHTS["kind"], RIGHTS["metadata"]["name"])


def test_one_of_two_replicas_writes(
    replicas: Replicas,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    mark = audit.mark()
    repository = git_repository()
    for colour in ("red", "green", "blue"):
        repository.until_ready(repo.commit(manifests.config_maps(["settings"], colour=colour)))
    assert _written(audit, mark, identity.OPERATOR)
    assert _written(audit, mark, OTHER) == []
    lease = cluster.get("coordination.k8s.io/v1", "Lease", "towline", "default")["spec"]
    assert (lease["leaseDurationSeconds"], lease["leaseTransitions"]) == (LEASE, 1)


def test_another_replica_works_within_five_seconds_when_the_leader_is_told_to_stop(
    replicas: Replicas, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"], colour="red"))
    repository = git_repository()
    repository.until_ready(sha)
    sha = repo.commit(manifests.config_maps(["settings"], colour="blue"))
    replicas.leader.program.send(signal.SIGTERM)
    repository.until_applied(sha, deadline=5)
    assert replicas.leader.program.wait() == 0


def test_another_replica_works_within_the_lease_and_five_seconds_when_the_leader_dies(
    replicas: Replicas, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"], colour="red"))
    repository = git_repository()
    repository.until_ready(sha)
    replicas.leader.kill()
    sha = repo.commit(manifests.config_maps(["settings"], colour="blue"))
    repository.until_applied(sha, deadline=LEASE + 5)


def test_a_leader_that_slept_in_the_middle_of_a_sync_writes_nothing_when_it_wakes(
    replicas: Replicas, audit: AuditLog, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    names = [f"settings-{number}" for number in range(400)]
    repo.commit(manifests.config_maps(names, colour="red"))
    mark = audit.mark()
    repository = git_repository()
    audit.until(lambda event: event.writes and event.resource == "configmaps", mark=mark, deadline=30)
    replicas.leader.program.send(signal.SIGSTOP)
    slept = time.monotonic()
    sha = repo.commit(manifests.config_maps(names, colour="blue"))
    repository.until_applied(sha, deadline=LEASE + 20)
    eventually(lambda: time.monotonic() > slept + 2 * LEASE, deadline=2 * LEASE)
    assert repository.records()[0]["status"]["outcome"] == "Interrupted"
    mark = audit.mark()
    replicas.leader.program.send(signal.SIGCONT)
    assert replicas.leader.program.wait() == 1
    assert _written(audit, mark, identity.OPERATOR) == []
    (said,) = (line for line in replicas.leader.log() if line["event"] == "the operator ends")
    assert "the Lease is lost" in said["error"]


def test_a_replica_that_waits_is_healthy_and_ready(replicas: Replicas) -> None:
    asked = [(port, path) for port in replicas.probed for path in ("/healthz", "/readyz")]
    eventually(lambda: [_probe(*one) for one in asked] == [200] * 4, message="four probes")


def _probe(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _written(audit: AuditLog, mark: Mark, user: str) -> list[AuditEvent]:
    return [event for event in audit.writes(mark, user) if event.resource != "leases"]
