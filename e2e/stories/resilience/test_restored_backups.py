"""An etcd that is restored from a backup: nothing that was lost is believed to be there.

These stories have a control plane of their own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from towline.records import chain

from e2e.faults import proxy as proxies
from e2e.harness import cluster as clusters
from e2e.harness import controlplane, repositories
from e2e.harness.audit import Mark
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator, Operators
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import managed_objects, manifests

CRDS = Path(__file__).parents[3] / "crds"
UNTRUE_SECONDS = 75.0
"""For so long Ready may say what is not so any more."""

KEPT = tuple(f"kept-{number:02}" for number in range(15))
CHANGED = tuple(f"changed-{number:02}" for number in range(10))
PRUNED = tuple(f"pruned-{number}" for number in range(5))
ADDED = tuple(f"added-{number:02}" for number in range(15))
LATER = {**dict.fromkeys(KEPT, "blue"), **dict.fromkeys(CHANGED + ADDED, "red")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """An application that was backed up between two commits."""

    plane: ControlPlane
    cluster: Cluster
    repository: Repository
    backup: Path
    sha: str

    def colours(self) -> dict[str, str]:
        found = managed_objects.config_maps(self.cluster, self.repository)
        return {name: body["data"]["colour"] for name, body in found.items()}

    def version(self) -> int:
        """Return how much has been written so far, as the revision of the store."""
        return int(
            self.cluster.kubectl("get", "--raw", "/api/v1/namespaces?limit=1")
            .partition('"resourceVersion":"')[2]
            .partition('"')[0]
        )

    def write_until(self, version: int) -> None:
        """Have somebody else write more than this."""
        others = [manifests.config_map(f"other-{number:03}", "default") for number in range(200)]
        self.cluster.kubectl("create", "-f", "-", stdin=manifests.text(*others))
        assert self.version() > version

    def until_true(self) -> None:
        """Wait until the second commit is applied once more, and everything is as it says."""
        eventually(
            lambda: self.colours() == LATER, deadline=UNTRUE_SECONDS, message="all that the commit declares"
        )
        self.repository.until_ready(self.sha, deadline=UNTRUE_SECONDS)

    def serves_on(self, git_server: GitServer) -> None:
        """Have a hand edit repaired, and a new resource applied."""
        namespace = self.repository.namespace
        self.cluster.patch("v1", "ConfigMap", KEPT[0], namespace, {"data": {"colour": "theirs"}})
        repo = git_server.create(f"{namespace}-new")
        sha = repo.commit(manifests.config_maps(["new"]))
        repositories.create(self.cluster, namespace, "new", url=repo.url).until_ready(sha)
        eventually(lambda: self.colours() == LATER, deadline=30, message="the repair of a hand edit")

    def has_lost_nothing(self, mark: Mark) -> None:
        """Check that only what the second commit prunes was deleted, and that the records are one chain."""
        written = managed_objects.writes(self.plane.audit, mark, self.repository)
        assert {event.name for event in written if event.verb == "delete"} <= set(PRUNED)
        records = self.repository.records()
        assert chain.verify(records) == ()
        assert [each["spec"]["sequence"] for each in records] == list(range(1, len(records) + 1))
        assert {each["status"]["outcome"] for each in records} == {"Succeeded"}


Backed = Callable[[Operator], Shop]
"""Starts the operator and makes the application with it."""


@pytest.fixture(scope="module")
def own_plane(binaries: Path) -> Iterator[ControlPlane]:
    """A control plane of this file alone; nothing has to run on it."""
    with controlplane.running(binaries, controlplane.BARE) as running:
        yield running


@pytest.fixture(scope="module")
def own_cluster(own_plane: ControlPlane) -> Iterator[Cluster]:
    """That control plane with our CRDs."""
    cache = own_plane.folder / "kubectl"
    kubectl = clusters.Kubectl(binary=own_plane.kubectl, kubeconfig=own_plane.kubeconfig(), cache=cache)
    kubectl("apply", "-f", str(CRDS))
    kubectl.until_established("-f", str(CRDS))
    with clusters.connected(kubectl) as connected:
        yield connected


@pytest.fixture(scope="module")
def known_operators(own_plane: ControlPlane) -> Operators:
    """The operators of that control plane."""
    return Operators(own_plane)


@pytest.fixture
def own_operators(known_operators: Operators) -> Iterator[Operators]:
    """The same, of which none runs on after a test."""
    yield known_operators
    known_operators.end_private()


@pytest.fixture
def shop(own_plane: ControlPlane, own_cluster: Cluster, git_server: GitServer, tmp_path: Path) -> Backed:
    """What makes the application for an operator that runs."""

    def backed(operator: Operator) -> Shop:
        operator.start()
        name = f"shop-{secrets.token_hex(3)}"
        repo = git_server.create(name)
        own_cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        first = repo.commit(manifests.config_maps(KEPT + CHANGED + PRUNED, colour="blue"))
        repository = repositories.create(own_cluster, name, "app", url=repo.url, interval="1h")
        repository.until_ready(first)
        own_plane.back_up(tmp_path / "backup")
        gone = dict.fromkeys(f"{name}.yaml" for name in PRUNED)
        sha = repo.commit({**manifests.config_maps(CHANGED + ADDED, colour="red"), **gone})
        repository.annotate(reconcile="now")
        repository.until_ready(sha)
        return Shop(
            plane=own_plane, cluster=own_cluster, repository=repository, backup=tmp_path / "backup", sha=sha
        )

    return backed


def test_what_a_restored_backup_lacks_is_applied_again_by_the_operator_that_ran_on(
    own_operators: Operators, shop: Backed, git_server: GitServer
) -> None:
    operator = own_operators.private()
    backed = shop(operator)
    mark = backed.plane.audit.mark()
    backed.plane.restore(backed.backup)
    backed.plane.start_api_server()
    backed.until_true()
    backed.serves_on(git_server)
    backed.has_lost_nothing(mark)
    assert operator.program.running()


def test_what_a_restored_backup_lacks_is_applied_again_by_the_operator_that_starts_later(
    own_operators: Operators, shop: Backed, git_server: GitServer
) -> None:
    operator = own_operators.private()
    backed = shop(operator)
    operator.stop()
    mark = backed.plane.audit.mark()
    backed.plane.restore(backed.backup)
    backed.plane.start_api_server()
    operator.start()
    backed.until_true()
    backed.serves_on(git_server)
    backed.has_lost_nothing(mark)


def test_a_restored_backup_is_noticed_although_as_much_was_written_since_as_was_lost(
    own_operators: Operators, shop: Backed, git_server: GitServer, own_plane: ControlPlane, tmp_path: Path
) -> None:
    with proxies.between(own_plane, tmp_path) as proxy:
        operator = own_operators.private(environment=proxy.environment())
        backed = shop(operator)
        mark = own_plane.audit.mark()
        lost = backed.version()
        proxy.cut()
        own_plane.restore(backed.backup)
        own_plane.start_api_server()
        backed.write_until(lost)
        proxy.mend()
        backed.until_true()
        backed.serves_on(git_server)
        backed.has_lost_nothing(mark)
        assert operator.program.running()
        own_operators.end_private()
