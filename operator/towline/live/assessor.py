"""Assess the health of objects by the checks of the repository that owns each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from towline.api import labels
from towline.api.healthchecks import HealthCheck
from towline.errors import ClusterError
from towline.health import assessment
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.live.inventory import Inventory
from towline.model import Body, GroupKind, Health, Live, ObjectRef

_PAGE = "100"


class Assessor:
    """Holds `spec.healthChecks` of each repository, by its label."""

    def __init__(self, client: Client, discovery: Discovery, inventory: Inventory) -> None:
        self._client = client
        self._discovery = discovery
        self._inventory = inventory
        self._checks: dict[str, Mapping[GroupKind, HealthCheck]] = {}

    def assess(self, body: Body, kind: GroupKind) -> Health:
        """Return the health of an object, by the checks of the repository that its label names."""
        label = (body["metadata"].get("labels") or {}).get(labels.REPOSITORY_LABEL, "")
        return assessment.assess(body, kind, self._checks.get(label, {}).get(kind))

    async def use(self, label: str, checks: Iterable[HealthCheck]) -> None:
        """Assess the objects of a repository by these checks, also those that are known already.

        Raises:
            ClusterError: the objects could not be read; another call tries again.
        """
        before, after = self._checks.get(label, {}), {check.kind: check for check in checks}
        if before == after:
            return
        self._checks[label] = after
        changed = [kind for kind in {*before, *after} if before.get(kind) != after.get(kind)]
        try:
            for kind in changed:
                await self._read_again(label, kind)
        except ClusterError:
            self._checks[label] = before
            raise
        if not after:
            del self._checks[label]

    async def _read_again(self, label: str, kind: GroupKind) -> None:
        known = any(ref.group_kind == kind for ref in self._inventory.owned(label))
        resource = await self._discovery.resource(kind) if known else None
        if resource is None:
            return
        query = {"labelSelector": f"{labels.REPOSITORY_LABEL}={label}", "limit": _PAGE}
        async for page in self._client.pages(resource.path(), query):
            for body in page.get("items") or ():
                self._take(body, kind)

    def _take(self, body: Body, kind: GroupKind) -> None:
        """Correct the known health of an object if it still has this version; a newer one comes by watch."""
        metadata = body["metadata"]
        ref = ObjectRef(kind.group, kind.kind, metadata.get("namespace", ""), metadata["name"])
        known: Live | None = self._inventory.get(ref)
        if known and known.resource_version == metadata["resourceVersion"]:
            self._inventory.put(known._replace(health=self.assess(body, kind)))
