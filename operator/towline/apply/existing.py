"""Find out which of many objects do not exist yet, by one list of names instead of a read of each.

The cost of a list grows with what the cluster holds of a kind, that of the reads with the objects to create. So a list
is used only where many objects are to be created, and given up where the cluster holds many times as many; then the
namespaces are listed in which many are to be created.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from towline import aio
from towline.apply.objects import Objects, WriteContext
from towline.apply.prediction import declared
from towline.errors import ApiError
from towline.kube.client import IN_FLIGHT
from towline.model import Action, Change, ObjectRef

FEWEST = 8
"""How many objects of one kind justify a list."""

PATIENCE = 10
"""How many objects may be listed for each one that is to be created: then pages cost 2 requests for 100 of them."""

PAGE = 500


class _Collection(NamedTuple):
    """All objects of one kind, in one namespace or in all (a reference without a name), in one version."""

    collection: ObjectRef
    version: str


async def missing(objects: Objects, changes: Iterable[Change], sync: WriteContext) -> frozenset[ObjectRef]:
    """Return objects to be created that do not exist; each of the others must be read.

    None is returned where they are few, where Towline may not list them, and where the list would be too long. If an
    object appears after the list, the answer to its write tells.

    Raises:
        ClusterError: no answer.
    """
    wanted: dict[_Collection, set[ObjectRef]] = defaultdict(set)
    for change in changes:
        if change.action is Action.CREATE:
            everywhere = change.ref._replace(namespace="", name="")
            wanted[_Collection(everywhere, declared(change).version)].add(change.ref)
    return await _of_each(partial(_of_kind, objects, sync), wanted)


async def _of_kind(
    objects: Objects, sync: WriteContext, wanted: tuple[_Collection, set[ObjectRef]]
) -> frozenset[ObjectRef]:
    """Return which objects of one kind do not exist, by one list, or by one for each namespace where it fails."""
    place, refs = wanted
    spread: dict[_Collection, set[ObjectRef]] = defaultdict(set)
    for ref in refs:
        spread[place._replace(collection=ref._replace(name=""))].add(ref)
    if len(spread) > 1:
        found = await _listed(objects, sync, wanted)
        if found is not None:
            return found
    return await _of_each(partial(_of_place, objects, sync), spread)


async def _of_place(
    objects: Objects, sync: WriteContext, wanted: tuple[_Collection, set[ObjectRef]]
) -> frozenset[ObjectRef]:
    return await _listed(objects, sync, wanted) or frozenset()


async def _of_each(
    look: Callable[[tuple[_Collection, set[ObjectRef]]], Awaitable[frozenset[ObjectRef]]],
    wanted: Mapping[_Collection, set[ObjectRef]],
) -> frozenset[ObjectRef]:
    """Look at the places in which much is to be created."""
    many = [(place, refs) for place, refs in wanted.items() if len(refs) >= FEWEST]
    return frozenset[ObjectRef]().union(*await aio.gather(look, many, IN_FLIGHT))


async def _listed(
    objects: Objects, sync: WriteContext, wanted: tuple[_Collection, set[ObjectRef]]
) -> frozenset[ObjectRef] | None:
    """Return which objects of one place do not exist, None where it cannot be told at this price."""
    (collection, version), refs = wanted
    room, following = PATIENCE * len(refs), ""
    absent = frozenset(refs)
    try:
        while True:
            page = await objects.page(collection, sync, version, (min(room, PAGE), following))
            absent = absent.difference(page.refs)
            room, following = room - len(page.refs), page.following
            if not following:
                return absent
            if page.remaining > room or not room:
                return None
    except ApiError:
        return None  # what is wrong is told by the reads, for each object
