"""What measurements share: one control plane, one Git server, and fresh operators that are at rest."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from e2e.bench import counting, procfs
from e2e.harness import cluster as clusters
from e2e.harness import controlplane, identity, repositories
from e2e.harness.audit import AuditEvent, Mark
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator, Operators
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually

PATIENCE = 600.0
"""Seconds after which a measurement is given up; figures are taken from logs, so waiting costs none of them."""

_REST = 0.02
"""Seconds of processor time within half a second: who uses no more is at rest."""

_CALM = 15.0
"""Seconds, longer than doubtful events are left alone before their objects are read."""

_COLLECTIONS = (
    "/api/v1/namespaces/{}/configmaps",
    "/api/v1/namespaces/{}/secrets",
    "/api/v1/namespaces/{}/services",
    "/apis/apps/v1/namespaces/{}/deployments",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was used until one moment: by the operator with its children, and by the API server."""

    operator: procfs.Cpu
    server: float

    def __sub__(self, earlier: Reading) -> Reading:
        return Reading(operator=self.operator - earlier.operator, server=self.server - earlier.server)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """The parts of a run; `say` prints one line about its progress."""

    plane: controlplane.ControlPlane
    server: GitServer
    operators: Operators
    cluster: clusters.Cluster
    say: Callable[[str], None]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def operator(self, *flags: str) -> Iterator[Operator]:
        """Run a fresh operator for a while; it watches, and is at rest, when this is entered."""
        operator = self.operators.private(*flags)
        self.start(operator)
        try:
            yield operator
        finally:
            operator.stop()

    def start(self, operator: Operator) -> None:
        """Start an operator and wait until it watches GitRepositories and is at rest."""
        mark = self.plane.audit.mark()
        operator.start()
        self.plane.audit.until(_watches, mark=mark, deadline=PATIENCE, message="the operator's watch")
        self.rest(operator)

    def rest(self, operator: Operator) -> None:
        """Wait until an operator has nothing to do."""
        before = procfs.cpu(operator.program.pid).total

        def rests() -> bool:
            nonlocal before
            now = procfs.cpu(operator.program.pid).total
            used, before = now - before, now
            return used <= _REST

        eventually(rests, deadline=PATIENCE, poll=0.5, message="an operator at rest")

    def calm(self, operator: Operator) -> None:
        """Wait until nothing is asked about objects: what controllers do to new ones is read once, soon after."""
        self.rest(operator)
        mark, since = self.plane.audit.mark(), time.monotonic()

        def is_calm() -> bool:
            nonlocal mark, since
            if counting.about_objects(self.events(mark)):
                mark, since = self.plane.audit.mark(), time.monotonic()
            return time.monotonic() - since >= _CALM

        eventually(
            is_calm, deadline=PATIENCE, poll=1.0, message="an operator that asks nothing about objects"
        )

    def namespace(self) -> str:
        """Make a namespace of one's own."""
        name = f"bench-{next(self._numbers)}-{secrets.token_hex(2)}"
        self.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    def repo(self, files: Mapping[str, str]) -> tuple[Repo, str]:
        """Make a Git repository with one commit; returns its sha, too."""
        repo = self.server.create(f"repo-{next(self._numbers)}")
        return repo, repo.commit(files)

    @contextmanager
    def repository(self, repo: Repo, **spec: Any) -> Iterator[Repository]:
        """Make a GitRepository in a namespace of its own; at the end it is gone, and all its objects."""
        namespace = self.namespace()
        repository = repositories.create(self.cluster, namespace, "app", url=repo.url, **spec)
        try:
            yield repository
        finally:
            self.clear(namespace)

    def clear(self, namespace: str) -> None:
        """Delete what the measurements leave in a namespace, without the operator's help."""
        repositories.abandon(self.cluster, namespace)
        for path in _COLLECTIONS:
            self.cluster.kubectl("delete", "--raw", path.format(namespace), deadline=PATIENCE)

    def synced(self, operator: Operator, repository: Repository, sha: str) -> None:
        """Wait until the operator says that it has synced a commit, and is at rest."""
        key = f"{repository.namespace}/{repository.name}"
        operator.wait_for_log(
            lambda line: line.get("event") == "synced" and line.get("repository") == key, deadline=PATIENCE
        )
        repository.until_applied(sha, deadline=PATIENCE)
        self.rest(operator)

    def reading(self, operator: Operator) -> Reading:
        """Read the kernel's books."""
        return Reading(
            operator=procfs.cpu(operator.program.pid),
            server=procfs.cpu(self.plane.program("kube-apiserver").pid).total,
        )

    def events(self, mark: Mark) -> tuple[AuditEvent, ...]:
        """Return what was asked since `mark`."""
        return self.plane.audit.since(mark)


def _watches(event: AuditEvent) -> bool:
    return (event.verb, event.resource, event.user) == ("watch", "gitrepositories", identity.OPERATOR)
