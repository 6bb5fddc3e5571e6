"""Make the patch that releases an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from towline.api import labels
from towline.fields import managed, pointer
from towline.model import Body
from towline.plan.stamp import Identity

_STAMPS = (labels.OWNER, labels.DIGEST, labels.COMMIT, labels.SOURCE, labels.ADOPTED)


def operations(body: Body, identity: Identity) -> tuple[Body, ...]:
    """Return the JSON patch that removes Towline's label, annotations and Apply entry from this version of an object.

    The change-cause is removed, too, if Towline wrote it.
    """
    metadata: Mapping[str, Any] = body["metadata"]
    patch = [{"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}]
    patch += _removals("labels", metadata, [labels.REPOSITORY_LABEL])
    patch += _removals("annotations", metadata, [*_STAMPS, *_own_cause(body, identity)])
    staying = [each for each in managed.entries(body) if not managed.is_applied_by(each, identity.manager)]
    patch.append({"op": "replace", "path": "/metadata/managedFields", "value": staying or [{}]})
    return tuple(patch)


def _removals(field: str, metadata: Mapping[str, Any], names: list[str]) -> list[dict[str, Any]]:
    held = metadata.get(field) or {}
    return [
        {"op": "remove", "path": pointer.join(("metadata", field, name))} for name in names if name in held
    ]


def _own_cause(body: Body, identity: Identity) -> Iterator[str]:
    """Yield the change-cause if Towline's entry holds it and it begins with the commit of the annotation."""
    notes = body["metadata"].get("annotations") or {}
    own = managed.tree(managed.applied(managed.entries(body), identity.manager))
    held = own.get("f:metadata", {}).get("f:annotations", {})
    commit = str(notes.get(labels.COMMIT, ""))[:7]
    if (
        commit
        and f"f:{labels.CHANGE_CAUSE}" in held
        and str(notes.get(labels.CHANGE_CAUSE, "")).startswith(f"{commit} ")
    ):
        yield labels.CHANGE_CAUSE
