"""An object by its parts, as the status names it for scripts beside the text."""

from __future__ import annotations

from towline.model import Body, ObjectRef


def of(ref: ObjectRef) -> Body:
    """Return the parts of a reference; those that do not apply are empty, so that no script has to ask."""
    return {"group": ref.group, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def of_text(text: str) -> Body:
    """Return the parts of `Kind.group/namespace/name`; nothing where the text names no object in that form."""
    try:
        return of(ObjectRef.parse(text)) if text else {}
    except ValueError:
        return {}
