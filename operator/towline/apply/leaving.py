"""Wait for deleted objects to be gone, with a deadline, and say what keeps those that are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from towline import aio, text
from towline.apply.objects import Objects, WriteContext, metadata, terminates
from towline.errors import ClusterError
from towline.fields import managed
from towline.kube.client import IN_FLIGHT
from towline.live.index import Index
from towline.model import Body, ObjectRef, Outcome

_NAMED = 3
"""How many finalizers of an object are named; the others are counted."""

_WORDS_BYTES = 200

_UNKNOWN = "is being deleted"


async def waited(
    objects: Objects, index: Index, outcomes: Sequence[Outcome], sync: WriteContext, seconds: float
) -> tuple[Outcome, ...]:
    """Wait until deleted objects are gone, for at most `seconds`; say of those that are not what keeps them."""
    going = frozenset(each.change.ref for each in outcomes if each.live and each.live.terminating)

    async def gone() -> bool:
        return not any((live := index.anyone(ref)) and live.terminating for ref in going)

    if not going:
        return tuple(outcomes)
    await aio.until(gone, seconds)
    kept = await keepers(objects, sorted(going), sync)
    return tuple(
        replace(each, live=each.live if each.change.ref in kept else None, kept=kept.get(each.change.ref, ""))
        if each.change.ref in going
        else each
        for each in outcomes
    )


async def keepers(objects: Objects, refs: Sequence[ObjectRef], sync: WriteContext) -> Mapping[ObjectRef, str]:
    """Return, of those objects that are still being deleted, what keeps them."""

    async def look(ref: ObjectRef) -> str:
        with suppress(ClusterError):
            body = await objects.read(ref, sync)
            return sentence(body) if body and terminates(body) else ""
        return _UNKNOWN

    found = await aio.gather(look, refs, IN_FLIGHT)
    return {ref: said for ref, said in zip(refs, found, strict=True) if said}


def sentence(body: Body) -> str:
    """Say what an object waits for that is being deleted: its finalizers and who set them, or a time."""
    held = managed.finalizers(body)
    if held:
        named = ", ".join(_named(name, manager) for name, manager in sorted(held.items())[:_NAMED])
        more = f" and {len(held) - _NAMED} more" if len(held) > _NAMED else ""
        return f"{_UNKNOWN}, and waits for {'finalizer' if len(held) == 1 else 'finalizers'} {named}{more}"
    if (body.get("spec") or {}).get("finalizers"):
        return f"{_UNKNOWN}, and waits until everything in it is gone"
    if seconds := metadata(body).get("deletionGracePeriodSeconds"):
        return f"{_UNKNOWN}, and has {text.many(seconds, 'second')} to end"
    return _UNKNOWN


def _named(name: str, manager: str) -> str:
    shown = text.printable(name, _WORDS_BYTES)
    return f"{shown} (set by {text.printable(manager, _WORDS_BYTES)})" if manager else shown
