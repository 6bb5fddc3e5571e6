"""GitRepository resources as a story handles them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from kubernetes.dynamic.exceptions import NotFoundError

from e2e.harness.cluster import Cluster, Object
from e2e.harness.waiting import eventually

API = "towline.dev/v1alpha1"
KIND = "GitRepository"
RESOURCE = "gitrepositories.towline.dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One GitRepository in the cluster."""

    cluster: Cluster
    namespace: str
    name: str

    def read(self) -> Object:
        """Return the whole resource."""
        return self.cluster.get(API, KIND, self.name, self.namespace)

    def status(self) -> Object:
        """Return the status, empty before the first one."""
        status: Object = self.read().get("status") or {}
        return status

    def commit(self, which: str) -> str:
        """Return the observed, attempted, applied or healthy commit; empty where there is none yet."""
        return str(self.status().get("commit", {}).get(which, ""))

    def condition(self, kind: str = "Ready") -> Mapping[str, Any]:
        """Return one condition; all its values are empty before it is set."""
        known = {one["type"]: one for one in self.status().get("conditions", [])}
        found: Mapping[str, Any] = known.get(kind) or {
            "type": kind,
            "status": "",
            "reason": "",
            "message": "",
        }
        return found

    def until_applied(self, sha: str, *, deadline: float = 30.0) -> Object:
        """Wait until `commit.applied` is `sha`; returns the status."""
        return self.until(
            lambda status: status.get("commit", {}).get("applied") == sha, f"applied {sha}", deadline
        )

    def until_ready(self, sha: str, *, deadline: float = 30.0) -> Object:
        """Wait until `sha` is applied and Ready is True for this generation; returns the status."""
        self.until_applied(sha, deadline=deadline)
        return self.until_reason("Succeeded", deadline=deadline)

    def until_reason(self, reason: str, *, kind: str = "Ready", deadline: float = 30.0) -> Object:
        """Wait until a condition has this reason and has seen the present generation; returns the status."""

        def settled() -> Object | None:
            resource = self.read()
            status: Object = resource.get("status") or {}
            seen = {one["type"]: one for one in status.get("conditions", [])}.get(kind, {})
            current = seen.get("observedGeneration") == resource["metadata"]["generation"]
            return status if current and seen.get("reason") == reason else None

        return self._wait(settled, f"{kind} with {reason}", deadline)

    def until(self, holds: Callable[[Object], object], what: str, deadline: float = 30.0) -> Object:
        """Wait until the status is as it should be; returns it."""

        def settled() -> Object | None:
            status = self.status()
            return status if holds(status) else None

        return self._wait(settled, what, deadline)

    def change(self, **spec: Any) -> None:
        """Change fields of the spec; None removes one."""
        self._patch({"spec": spec})

    def annotate(self, **annotations: str) -> None:
        """Set `towline.dev/…` annotations; underscores in the names stand for dashes."""
        named = {f"towline.dev/{name.replace('_', '-')}": value for name, value in annotations.items()}
        self._patch({"metadata": {"annotations": named}})

    def confirm_prune(self) -> None:
        """Confirm the prunes that the status lists at the moment."""
        self.annotate(confirm_prune=self.status()["blocked"]["confirm"])

    def delete(self) -> None:
        """Ask for its deletion, without waiting."""
        self.cluster.delete(API, KIND, self.name, self.namespace)

    def until_gone(self, *, deadline: float = 30.0) -> None:
        """Wait until the resource does not exist."""
        self.cluster.until_gone(API, KIND, self.name, self.namespace, deadline=deadline)

    def records(self) -> list[Object]:
        """Return its SyncRecords, oldest first."""
        found = self.cluster.list(API, "SyncRecord", self.namespace)
        ours = [one for one in found if one["spec"]["repository"]["name"] == self.name]
        return sorted(ours, key=lambda one: one["spec"]["sequence"])

    def until_closed(self, *, deadline: float = 30.0) -> list[Object]:
        """Wait until each of its SyncRecords tells how its sync ended; returns them, oldest first.

        A repair closes its record after its last write, and no status waits for that.
        """

        def closed() -> list[Object] | None:
            records = self.records()
            return records if records and all("status" in one for one in records) else None

        return eventually(
            closed,
            deadline=deadline,
            message=lambda: f"the ends of the syncs; open: {_open(self.records())} in {self.namespace}",
        )

    def _patch(self, change: Mapping[str, Any]) -> None:
        self.cluster.patch(API, KIND, self.name, self.namespace, change)

    def _wait(self, settled: Callable[[], Object | None], what: str, deadline: float) -> Object:
        return eventually(
            settled,
            deadline=deadline,
            message=lambda: (
                f"{self.namespace}/{self.name}: {what}; its status:\n{json.dumps(self.status(), indent=2)}"
            ),
        )


def _open(records: list[Object]) -> list[str]:
    return [one["metadata"]["name"] for one in records if "status" not in one]


def create(cluster: Cluster, namespace: str, name: str, **spec: Any) -> Repository:
    """Create a GitRepository that is looked at every second unless `spec` says otherwise."""
    cluster.create(
        {
            "apiVersion": API,
            "kind": KIND,
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"interval": "1s", **spec},
        }
    )
    return Repository(cluster=cluster, namespace=namespace, name=name)


@contextmanager
def namespaced(cluster: Cluster, name: str) -> Iterator[str]:
    """Make a namespace for a while; nobody holds its GitRepositories any more in the end."""
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield name
    finally:
        abandon(cluster, name)
        cluster.delete("v1", "Namespace", name)


def abandon(cluster: Cluster, namespace: str) -> None:
    """Delete all GitRepositories of a namespace without waiting for an operator, which may not run."""
    for found in cluster.list(API, KIND, namespace):
        name = found["metadata"]["name"]
        cluster.delete(API, KIND, name, namespace)
        with suppress(NotFoundError):  # an operator may have taken its finalizer off already
            cluster.patch(API, KIND, name, namespace, {"metadata": {"finalizers": None}})
