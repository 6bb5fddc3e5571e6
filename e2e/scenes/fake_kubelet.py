"""What a kubelet would do to Pods on a node that nobody plays."""

from __future__ import annotations

from typing import Any

from e2e.harness.cluster import Cluster, Object
from e2e.harness.waiting import eventually

_NOW = "2026-01-01T00:00:00Z"


def pod_of(cluster: Cluster, namespace: str, labels: str) -> Object:
    """Wait for the one Pod with these labels."""

    def only() -> Object | None:
        found = [one for one in cluster.list("v1", "Pod", namespace, labels=labels) if _stays(one)]
        return found[0] if len(found) == 1 else None

    return eventually(only, deadline=30, message=f"a Pod with {labels}")


def runs(cluster: Cluster, pod: Object) -> None:
    """Let all containers of a Pod run, ready."""
    _says(
        cluster,
        pod,
        phase="Running",
        conditions=[{"type": "Ready", "status": "True"}, {"type": "ContainersReady", "status": "True"}],
        containerStatuses=_containers(pod, ready=True, state={"running": {"startedAt": _NOW}}),
    )


def completes(cluster: Cluster, pod: Object) -> None:
    """Let a Pod end well."""
    _ends(cluster, pod, "Succeeded", 0)


def fails(cluster: Cluster, pod: Object, exit_code: int = 1) -> None:
    """Let a Pod fail."""
    _ends(cluster, pod, "Failed", exit_code)


def waits(cluster: Cluster, pod: Object, reason: str) -> None:
    """Let the containers of a Pod wait for a reason."""
    state = {"waiting": {"reason": reason, "message": "a message with the name of the Pod"}}
    containers = _containers(pod, ready=False, state=state)
    _says(cluster, pod, phase="Pending", conditions=[], containerStatuses=containers)


def _ends(cluster: Cluster, pod: Object, phase: str, exit_code: int) -> None:
    state = {"terminated": {"exitCode": exit_code, "reason": "Error" if exit_code else "Completed"}}
    _says(
        cluster, pod, phase=phase, conditions=[], containerStatuses=_containers(pod, ready=False, state=state)
    )


def _containers(pod: Object, **rest: Any) -> list[Object]:
    return [
        {"name": each["name"], "image": each["image"], "imageID": "", "restartCount": 0, **rest}
        for each in pod["spec"]["containers"]
    ]


def _says(cluster: Cluster, pod: Object, **status: Any) -> None:
    cluster.patch_status("v1", "Pod", pod["metadata"]["name"], pod["metadata"]["namespace"], status)


def _stays(pod: Object) -> bool:
    return "deletionTimestamp" not in pod["metadata"]
