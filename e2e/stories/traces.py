"""What the operator leaves behind: its writes in the audit log, its marks on objects."""

from __future__ import annotations

from e2e.harness import identity
from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Object

PREFIX = "towline.dev/"


def writes(audit: AuditLog, mark: Mark, *namespaces: str) -> list[AuditEvent]:
    """Return what the operator wrote, or tried to write, to managed objects in some namespaces."""
    return [
        event
        for event in audit.writes(mark, identity.OPERATOR)
        if event.namespace in namespaces and event.resource != "events" and event.group != "towline.dev"
    ]


def marks(body: Object) -> set[str]:
    """Return everything on an object that says that it is ours: labels, annotations, field managers."""
    metadata = body["metadata"]
    names = {*(metadata.get("labels") or {}), *(metadata.get("annotations") or {})}
    managers = {entry["manager"] for entry in metadata.get("managedFields") or ()}
    return {name for name in names if name.startswith(PREFIX)} | {
        manager for manager in managers if manager.startswith("towline:")
    }


def content(body: Object) -> Object:
    """Return what an object is, without what we write on it and what counts anybody's writes."""
    metadata = body["metadata"]
    kept = {name: value for name, value in metadata.items() if name not in _TOUCHED}
    for field in ("labels", "annotations"):
        theirs = {name: value for name, value in (metadata.get(field) or {}).items() if not _is_ours(name)}
        kept |= {field: theirs} if theirs else {}
    return {**body, "metadata": kept}


_TOUCHED = frozenset({"managedFields", "resourceVersion", "generation", "labels", "annotations"})


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX) or name == "kubernetes.io/change-cause"
