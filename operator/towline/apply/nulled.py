"""Set nullable maps back to null if Git sets them to null and other field managers have filled them.

An apply of null merges with what others hold inside, so that their members stay (measured on 1.37, also for kubectl).
A JSON patch sets the whole map to null. Built-in kinds have no nulls; of a custom resource a dry run tells where null
is a value, and where the API server puts a default in its place.
"""

from __future__ import annotations

from collections.abc import Sequence

from towline.apply.objects import Objects, WriteContext, metadata
from towline.errors import ApiError
from towline.fields import compare, nulls, pointer
from towline.fields.nulls import Filled
from towline.model import Body, ObjectRef


async def filled(
    objects: Objects, sent: Body, live: Body, ref: ObjectRef, sync: WriteContext
) -> tuple[Filled, ...]:
    """Return where others have filled a null; sends one dry run where the object looks like that.

    Args:
        objects: sends the dry run.
        sent: what is applied.
        live: the object as it is.
        ref: names the object.
        sync: the repository and revision that are applied.
    """
    places = () if compare.is_built_in(sent) else tuple(nulls.filled(sent, live))
    if not places:
        return ()
    try:
        after = await objects.patch(live, ref, _operations(live, places), sync, dry_run=True)
    except ApiError:
        return ()
    return tuple(place for place in places if pointer.follow(after, place.live) is None)


async def reset(objects: Objects, sent: Body, live: Body, ref: ObjectRef, sync: WriteContext) -> Body:
    """Set the fields that `filled` finds to null; return the object after that.

    Raises:
        ApiError: the patch is refused, or the object was written since it was read.
    """
    places = await filled(objects, sent, live, ref, sync)
    return await objects.patch(live, ref, _operations(live, places), sync) if places else live


def _operations(live: Body, places: Sequence[Filled]) -> tuple[Body, ...]:
    version = metadata(live)["resourceVersion"]
    held = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
    return (held, *({"op": "replace", "path": place.live, "value": None} for place in places))
