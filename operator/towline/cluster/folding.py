"""What others have left behind on an object of ours, taken off after a write: see `core.folding`."""

from __future__ import annotations

from towline.cluster.objects import Objects, Sync, metadata
from towline.core import folding
from towline.errors import ApiError
from towline.model import Body, ObjectRef


async def fold(objects: Objects, body: Body, ref: ObjectRef, sync: Sync) -> Body:
    """Take what we apply out of the remains of others; return the object after that.

    Where somebody writes it at the same moment, or it is refused, nothing fails: the index knows that the object is
    shared, and the next pass tries again.
    """
    left = folding.folded(metadata(body).get("managedFields") or (), sync.identity.manager)
    if left is None:
        return body
    version = metadata(body)["resourceVersion"]
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
    drop = {"op": "replace", "path": "/metadata/managedFields", "value": left}
    try:
        return await objects.patch(body, ref, (test, drop), sync)
    except ApiError:
        return body
