"""Taking our CRDs away never takes anything else away; the stories have a control plane of their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.harness import cluster as clusters
from e2e.harness import controlplane, repositories
from e2e.harness.cluster import Cluster, Object
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator, Operators
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import live_objects, managed_objects, manifests

CRDS = Path(__file__).parents[3] / "crds"
DEFINITION = "CustomResourceDefinition"
DECLARED = (manifests.config_map("settings"), manifests.secret(word="open sesame"), manifests.deployment())


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A control plane with our CRDs, and an operator that runs on it."""

    plane: ControlPlane
    cluster: Cluster
    operator: Operator
    git_server: GitServer

    def application(self) -> Repository:
        """Apply an application in a namespace of its own."""
        name = f"shop-{secrets.token_hex(3)}"
        self.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        repo = self.git_server.create(name)
        sha = repo.commit({"all.yaml": manifests.text(*DECLARED)})
        repository = repositories.create(self.cluster, name, "app", url=repo.url)
        repository.until_applied(sha)  # no controller runs here, so that no Deployment ever becomes ready
        return repository

    def install_crds(self) -> None:
        """Install our CRDs as the documentation says."""
        self.cluster.kubectl("apply", "-f", str(CRDS))
        self.cluster.kubectl.until_established("-f", str(CRDS))

    def remove_crds(self, *arguments: str) -> None:
        """Take our CRDs away as the documentation says."""
        self.cluster.kubectl("delete", "-f", str(CRDS), "--timeout=60s", *arguments, deadline=70)

    def live(self, repository: Repository) -> list[Object]:
        """Return the objects of an application; raises where one is missing."""
        return [
            self.cluster.get(body["apiVersion"], body["kind"], body["metadata"]["name"], repository.namespace)
            for body in DECLARED
        ]

    def crds(self) -> set[str]:
        """Return the names of our CRDs that exist."""
        found = self.cluster.list("apiextensions.k8s.io/v1", DEFINITION)
        return {body["metadata"]["name"] for body in found}


@pytest.fixture(scope="module")
def own_plane(binaries: Path) -> Iterator[ControlPlane]:
    """A control plane of this file alone; nothing has to run on it."""
    with controlplane.running(binaries, controlplane.BARE) as running:
        yield running


@pytest.fixture(scope="module")
def own_operators(own_plane: ControlPlane) -> Iterator[Operators]:
    """The operators of that control plane."""
    operators = Operators(own_plane)
    yield operators
    operators.stop()


@pytest.fixture
def installation(
    own_plane: ControlPlane, own_operators: Operators, git_server: GitServer
) -> Iterator[Installation]:
    """Our CRDs, installed, and an operator that runs."""
    cache = own_plane.folder / "kubectl"
    kubectl = clusters.Kubectl(binary=own_plane.kubectl, kubeconfig=own_plane.kubeconfig(), cache=cache)
    with clusters.connected(kubectl) as cluster:
        installation = Installation(
            plane=own_plane, cluster=cluster, operator=own_operators.shared(), git_server=git_server
        )
        installation.install_crds()
        yield installation


def test_taking_the_crds_away_deletes_nothing_and_releases_everything(
    installation: Installation,
) -> None:
    applications = [installation.application(), installation.application()]
    before = [live_objects.content(body) for each in applications for body in installation.live(each)]
    mark = installation.plane.audit.mark()
    installation.remove_crds()
    assert installation.crds() == set()
    after = [body for each in applications for body in installation.live(each)]
    assert [live_objects.content(body) for body in after] == before
    assert [live_objects.marks(body) for body in after] == [set()] * len(after)
    for each in applications:
        written = managed_objects.writes(installation.plane.audit, mark, each)
        assert {(event.verb, event.code) for event in written} == {("patch", 200)}


def test_crds_that_were_taken_away_while_no_operator_ran_go_when_one_starts(
    installation: Installation,
) -> None:
    application = installation.application()
    installation.operator.stop()
    mark = installation.plane.audit.mark()
    installation.remove_crds("--wait=false")
    installation.operator.start()
    eventually(lambda: not installation.crds(), deadline=60, message="the end of our CRDs")
    after = installation.live(application)
    assert [live_objects.marks(body) for body in after] == [set()] * len(after)
    written = managed_objects.writes(installation.plane.audit, mark, application)
    assert {event.verb for event in written} == {"patch"}


def test_the_objects_stay_although_the_records_were_taken_away_first(
    installation: Installation,
) -> None:
    application = installation.application()
    kubectl = installation.cluster.kubectl
    for name in ("syncrecords.towline.dev", "gitrepositories.towline.dev"):
        kubectl("delete", "crd", name, "--timeout=60s", deadline=70)
    after = installation.live(application)
    assert [live_objects.marks(body) for body in after] == [set()] * len(after)


def test_an_operator_whose_crds_were_taken_away_goes_on_when_they_come_back(
    installation: Installation,
) -> None:
    installation.application()
    log = installation.operator.mark()
    installation.remove_crds()
    installation.install_crds()
    installation.application()
    assert installation.operator.program.running()
    assert [
        line for line in installation.operator.log(log) if line["level"] == "raw" or "exception" in line
    ] == []


def test_an_operator_that_starts_before_the_crds_serves_them_once_they_are_there(
    installation: Installation,
) -> None:
    installation.remove_crds()
    log = installation.operator.mark()
    installation.operator.restart()
    line = installation.operator.wait_for_log(lambda line: "gitrepositories" in line["event"], mark=log)
    assert "creating their CRDs" in line["event"]
    installation.install_crds()
    installation.application()
    assert installation.operator.program.running()
