"""Make the patch that releases an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from towline.api import labels
from towline.api.gitrepository import RESOURCE
from towline.fields import managed, pointer
from towline.model import Body
from towline.plan.stamp import Identity

_ASKED = frozenset({labels.CONFIRM_PRUNE, labels.ACCEPT_PIN, labels.RECONCILE, labels.SUSPEND})
"""What people ask of a GitRepository by annotations of its own, also of one that another declares."""


def operations(body: Body, identity: Identity) -> tuple[Body, ...]:
    """Return the JSON patch that removes everything of Towline from this version of an object.

    That is each label and annotation of `towline.dev/`, also what Git or a person asked for by one, the change-cause
    if Towline wrote it, and each entry of its field manager in `managedFields`.
    """
    metadata: Mapping[str, Any] = body["metadata"]
    patch = [{"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}]
    asked = _ASKED if body.get("kind") == RESOURCE.kind else frozenset()
    patch += _removals("labels", metadata, _named(metadata, "labels"))
    notes = [name for name in _named(metadata, "annotations") if name not in asked]
    patch += _removals("annotations", metadata, [*notes, *_own_cause(body, identity)])
    staying = [each for each in managed.entries(body) if each.get("manager") != identity.manager]
    patch.append({"op": "replace", "path": "/metadata/managedFields", "value": staying or [{}]})
    return tuple(patch)


def _removals(field: str, metadata: Mapping[str, Any], names: list[str]) -> list[dict[str, Any]]:
    held = metadata.get(field) or {}
    return [
        {"op": "remove", "path": pointer.join(("metadata", field, name))} for name in names if name in held
    ]


def _named(metadata: Mapping[str, Any], field: str) -> list[str]:
    return [name for name in metadata.get(field) or {} if name.startswith(labels.PREFIX)]


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
