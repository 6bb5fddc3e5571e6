"""Leave out fields that only the API server writes: they are never sent, compared or described.

Exports hold them (`kubectl get -o yaml`), but no manifest can set them.
"""

from __future__ import annotations

from typing import Any

from towline.model import Body

METADATA = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""Fields of `metadata`."""

STATUS = "status"
"""The part of an object that only its controllers write, through a subresource."""


def without(body: Body) -> dict[str, Any]:
    """Return an object without them."""
    kept = {name: value for name, value in body.items() if name != STATUS}
    return kept | {"metadata": metadata(body)}


def metadata(body: Body) -> dict[str, Any]:
    """Return the metadata that people write."""
    return {name: value for name, value in (body.get("metadata") or {}).items() if name not in METADATA}
