"""Find out what is wrong with the Pods of a workload; they are read on demand and never watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.errors import ClusterError
from towline.health import pod
from towline.health.body import part
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.model import Body, GroupKind, ObjectRef

WORKLOADS = frozenset(
    {
        GroupKind("apps", "Deployment"),
        GroupKind("apps", "ReplicaSet"),
        GroupKind("apps", "StatefulSet"),
        GroupKind("apps", "DaemonSet"),
        GroupKind("batch", "Job"),
    }
)
"""The kinds whose `spec.selector` names the Pods that they make."""

_PODS = "50"
"""How many Pods of one workload are read; usually all of them have the same problem."""


class Pods:
    """Reads the Pods of workloads, one workload at a time."""

    def __init__(self, client: Client, discovery: Discovery) -> None:
        self._client = client
        self._discovery = discovery

    async def trouble(self, ref: ObjectRef) -> str:
        """Say why the Pods of a workload are not ready; empty if unknown, or if they may not be read."""
        if ref.group_kind not in WORKLOADS:
            return ""
        try:
            return pod.worst(await self._of(ref))
        except ClusterError:
            return ""

    async def _of(self, ref: ObjectRef) -> list[Body]:
        resource = await self._discovery.resource(ref.group_kind)
        if resource is None:
            return []
        workload = (await self._client.request("GET", resource.path(ref.namespace, ref.name))).body
        selector = _selector(part(workload, "spec", "selector"))
        if not selector:
            return []
        query = {"labelSelector": selector, "limit": _PODS}
        found = (
            await self._client.request("GET", f"/api/v1/namespaces/{ref.namespace}/pods", query=query)
        ).body
        return list(found.get("items") or ())


def _selector(selector: Mapping[str, Any]) -> str:
    """Write the labels of a selector as a query, without its expressions, which can only narrow it."""
    return ",".join(f"{name}={value}" for name, value in sorted(part(selector, "matchLabels").items()))
