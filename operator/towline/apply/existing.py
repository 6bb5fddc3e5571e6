"""Find out which of many objects do not exist yet, by one list of names instead of a read of each.

The cost of a list grows with the namespace, that of the reads with the objects to create. So a list is used only where
many objects are to be created, and given up where the namespace holds many times as many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import TypeAlias

from towline import aio
from towline.apply.objects import Objects, WriteContext
from towline.apply.prediction import declared
from towline.errors import ApiError
from towline.kube.client import IN_FLIGHT
from towline.model import Action, Change, ObjectRef

FEWEST = 50
"""How many objects of one kind in one namespace justify a list."""

PATIENCE = 4
"""How many objects may be listed for each one that is to be created."""

PAGE = 500

_Place: TypeAlias = tuple[ObjectRef, str]
"""All objects of one kind in one namespace (a reference without a name), and the version that declares some."""


async def missing(objects: Objects, changes: Iterable[Change], sync: WriteContext) -> frozenset[ObjectRef]:
    """Return objects to be created that do not exist; each of the others must be read.

    None is returned where they are few, where Towline may not list them, and where the list would be too long. If an
    object appears after the list, the answer to its write tells.

    Raises:
        ClusterError: no answer.
    """
    wanted: dict[_Place, set[ObjectRef]] = defaultdict(set)
    for change in changes:
        if change.action is Action.CREATE:
            place = change.ref._replace(name=""), declared(change).version
            wanted[place].add(change.ref)
    crowded = [(place, refs) for place, refs in wanted.items() if len(refs) >= FEWEST]
    found = await aio.gather(partial(_missing, objects, sync), crowded, IN_FLIGHT)
    return frozenset[ObjectRef]().union(*found)


async def _missing(
    objects: Objects, sync: WriteContext, wanted: tuple[_Place, set[ObjectRef]]
) -> frozenset[ObjectRef]:
    """Return which objects of one place do not exist; none where it cannot be told at this price."""
    (collection, version), refs = wanted
    room, following = PATIENCE * len(refs), ""
    absent = frozenset(refs)
    try:
        while True:
            page = await objects.page(collection, sync, version, (min(room, PAGE), following))
            absent -= {collection._replace(name=name) for name in page.names}
            room, following = room - len(page.names), page.following
            if not following:
                return absent
            if page.remaining > room or not room:
                return frozenset()
    except ApiError:
        return frozenset()  # what is wrong is told by the reads, for each object
