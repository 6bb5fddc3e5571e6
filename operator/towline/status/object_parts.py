"""Name an object by its parts in the status, for scripts."""

from __future__ import annotations

from towline.model import Body, ObjectRef


def of(ref: ObjectRef) -> Body:
    """Return the parts of a reference; parts that do not apply are empty, not absent."""
    return {"group": ref.group, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def of_text(text: str) -> Body:
    """Return the parts of `Kind.group/namespace/name`; nothing where the text names no object in that form."""
    try:
        return of(ObjectRef.parse(text)) if text else {}
    except ValueError:
        return {}
