"""What a repository owns in its namespace, and what the operator wrote to it."""

from __future__ import annotations

from e2e.harness import identity
from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Cluster, Object
from e2e.harness.repositories import Repository

OWN_GROUPS = frozenset({"towline.dev", "events.k8s.io", "coordination.k8s.io"})
"""Where the operator writes about itself: status, records, events, leases."""


def writes(audit: AuditLog, mark: Mark, repository: Repository) -> list[AuditEvent]:
    """Return what the operator changed, or tried to change, of managed objects in the repository's namespace."""
    return [event for event in audit.writes(mark, identity.OPERATOR) if managed(event, repository)]


def managed(event: AuditEvent, repository: Repository) -> bool:
    """Say whether a request is about managed objects in the repository's namespace."""
    return (
        event.namespace == repository.namespace
        and event.group not in OWN_GROUPS
        and event.resource != "events"
    )


def config_maps(cluster: Cluster, repository: Repository) -> dict[str, Object]:
    """Return the ConfigMaps with the repository's label, by name."""
    label = f"towline.dev/repository={repository.namespace}.{repository.name}"
    found = cluster.list("v1", "ConfigMap", repository.namespace, labels=label)
    return {body["metadata"]["name"]: body for body in found}


def origin(body: Object) -> tuple[str, str]:
    """Return the commit and the file that an object names."""
    notes = body["metadata"]["annotations"]
    return notes["towline.dev/commit"], notes["towline.dev/source"]
