"""What others have left on an object of ours, taken off after a write: see `core.folding` and `core.foreign`."""

from __future__ import annotations

from towline.api.gitrepository import ForeignFields
from towline.cluster.objects import Objects, Sync, metadata
from towline.core import folding, foreign
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


async def purge(objects: Objects, body: Body, ref: ObjectRef, sync: Sync) -> Body:
    """Take off what others added inside list items of ours, where the spec asks for it; return the object after that.

    Raises:
        ApiError: it is refused, or somebody writes the object at the same moment.
    """
    if sync.foreign is ForeignFields.REPORT:
        return body
    found = foreign.additions(body, sync.identity.manager)
    if not found:
        return body
    version = metadata(body)["resourceVersion"]
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
    return await objects.patch(body, ref, (test, *foreign.removal(found)), sync)
