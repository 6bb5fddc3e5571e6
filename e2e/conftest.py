"""What stories share: a control plane, a Git server, an operator, and a namespace for each."""

from __future__ import annotations

import os
import re
import secrets
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.controlplane import assemble
from e2e.harness import cluster as clusters
from e2e.harness import controlplane, gitrepo, gitserver, repositories
from e2e.harness.audit import AuditLog
from e2e.harness.operator import Operator, Operators

FOLDER = pytest.StashKey[Path]()
"""The folder of this process's control plane."""

KEPT = pytest.StashKey[list[str]]()
"""The folders that the workers of this process left behind."""

WORKER = "towline-kept"
"""Under which name a worker of pytest-xdist tells of what it leaves."""

CRDS = Path(__file__).parents[1] / "crds"


def pytest_configure() -> None:
    """Let SIGTERM end a run as Ctrl-C does: fixtures stop what they started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the operator logged beside the failure of a story."""
    report = yield
    operators = getattr(item, "funcargs", {}).get("operators")
    if report.failed and isinstance(operators, Operators):
        report.sections.append(("operator log", operators.tail()))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Say which logs a failed run leaves behind: at once, or to the process that shows the results."""
    folder = session.config.stash.get(FOLDER, None)
    if folder is not None and folder.exists():
        output = getattr(session.config, "workeroutput", None)
        kept = session.config.stash.setdefault(KEPT, []) if output is None else output.setdefault(WORKER, [])
        kept.append(str(folder))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a worker which logs it leaves behind; one that crashed says nothing."""
    kept = getattr(node, "workeroutput", {}).get(WORKER, [])
    node.config.stash.setdefault(KEPT, []).extend(kept)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the logs that a failed run leaves behind."""
    for folder in config.stash.get(KEPT, []):
        terminalreporter.write_line(f"logs of the control plane: {folder}")


@pytest.fixture(scope="session")
def binaries() -> Path:
    """The folder with the programs of the control plane; `make controlplane` builds them."""
    return assemble.ready(os.environ)


@pytest.fixture(scope="session")
def bare_plane(binaries: Path, request: pytest.FixtureRequest) -> Iterator[controlplane.ControlPlane]:
    """A control plane without our CRDs."""
    with controlplane.running(binaries, failed=lambda: request.session.testsfailed > 0) as running:
        request.config.stash[FOLDER] = running.folder
        yield running


@pytest.fixture(scope="session")
def kubectl(bare_plane: controlplane.ControlPlane) -> clusters.Kubectl:
    """Kubectl as the administrator."""
    return clusters.Kubectl(
        binary=bare_plane.kubectl, kubeconfig=bare_plane.kubeconfig(), cache=bare_plane.folder / "kubectl"
    )


@pytest.fixture(scope="session")
def plane(bare_plane: controlplane.ControlPlane, kubectl: clusters.Kubectl) -> controlplane.ControlPlane:
    """The control plane, with our CRDs installed as the documentation says."""
    kubectl("apply", "-f", str(CRDS))
    kubectl.until_established("-f", str(CRDS))
    return bare_plane


@pytest.fixture(scope="session")
def cluster(kubectl: clusters.Kubectl) -> Iterator[clusters.Cluster]:
    """The cluster through kubectl and the official client."""
    with clusters.connected(kubectl) as connected:
        yield connected


@pytest.fixture
def audit(plane: controlplane.ControlPlane) -> AuditLog:
    """What the API server was asked: the oracle for what was written."""
    return plane.audit


@pytest.fixture(scope="session")
def git_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gitserver.GitServer]:
    """A Git server over smart HTTP."""
    with gitserver.serving(tmp_path_factory.mktemp("git")) as server:
        yield server


@pytest.fixture(scope="session")
def operators(plane: controlplane.ControlPlane) -> Iterator[Operators]:
    """The operators of this control plane; tests use `operator` or `private_operator`."""
    known = Operators(plane)
    try:
        yield known
    finally:
        known.stop()


@pytest.fixture
def operator(operators: Operators) -> Operator:
    """The operator that all tests share; it runs."""
    return operators.shared()


@pytest.fixture
def private_operator(operators: Operators) -> Iterator[Callable[..., Operator]]:
    """Make operators of one's own (see `Operators.private`): not started yet, killed at the test's end."""
    yield operators.private
    operators.end_private()


@pytest.fixture
def namespace(
    cluster: clusters.Cluster, plane: controlplane.ControlPlane, request: pytest.FixtureRequest
) -> Iterator[str]:
    """A namespace of one's own; its name is free for names of cluster-scoped objects too."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    with repositories.namespaced(cluster, f"{words[:30].strip('-')}-{secrets.token_hex(2)}") as name:
        yield name


@pytest.fixture
def repo(git_server: gitserver.GitServer, namespace: str) -> gitrepo.Repo:
    """An empty Git repository of one's own; its name on the server is that of the namespace."""
    return git_server.create(namespace)


@pytest.fixture
def git_repository(
    cluster: clusters.Cluster, namespace: str, repo: gitrepo.Repo
) -> Callable[..., repositories.Repository]:
    """Create GitRepositories in the namespace, for `repo` unless the keywords (spec fields) differ."""

    def create(name: str = "app", **spec: Any) -> repositories.Repository:
        return repositories.create(cluster, namespace, name, **{"url": repo.url, **spec})

    return create
