"""Decide what a watch event about one object means."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum, StrEnum

from towline.model import Live, Stamp


class EventMeaning(StrEnum):
    """What an event means for the repository that owns the object.

    Only what `matters` needs a pass. DOUBTFUL is a change that metadata alone cannot judge: another client wrote the
    object, and Towline's entry in `managedFields` is unchanged. It may have written its own fields, but also reordered
    a list or used Towline's field manager. Reading the object tells.
    """

    ECHO = "echo"
    NOISE = "noise"
    DOUBTFUL = "doubtful"
    APPEARED = "appeared"
    GONE = "gone"
    RECREATED = "recreated"
    TERMINATING = "terminating"
    RELABELLED = "relabelled"
    CHANGED = "changed"

    @property
    def matters(self) -> bool:
        """Whether the next plan may come out differently."""
        return self not in {EventMeaning.ECHO, EventMeaning.NOISE, EventMeaning.DOUBTFUL}

    @property
    def doubtful(self) -> bool:
        """Whether values may differ though all paths are owned: written in Towline's name, or by a forged entry."""
        return self in {
            EventMeaning.APPEARED,
            EventMeaning.RELABELLED,
            EventMeaning.CHANGED,
            EventMeaning.DOUBTFUL,
        }


class Shift(IntEnum):
    """How far the health of an object has moved: not at all, in its words alone, or to another state."""

    NONE = 0
    WORDS = 1
    STATE = 2


def judge(before: Live | None, after: Live | None) -> EventMeaning:
    """Compare the known state of one object with that of an event; None means "does not carry Towline's label".

    Args:
        before: from the answer to our own write, or from the event before.
        after: the state in the event; None after a DELETED, which a removed label causes as well.
    """
    if before is None:
        return EventMeaning.NOISE if after is None else EventMeaning.APPEARED
    if after is None:
        return EventMeaning.GONE
    return next((verdict for verdict, holds in _RULES if holds(before, after)), EventMeaning.NOISE)


def shift(before: Live | None, after: Live | None) -> Shift:
    """Compare the health of one object before and after an event, whatever else the event means."""
    if before is None or after is None or before.health == after.health:
        return Shift.NONE
    return Shift.WORDS if before.health.state is after.health.state else Shift.STATE


def stripped(before: Live | None, after: Live | None) -> Live | None:
    """Return the state in an event, marked where another client took a valid stamp off the object.

    An object that operators wrote before there were stamps never had one.
    """
    if before is None or after is None or after.stamp is Stamp.VALID or before.uid != after.uid:
        return after
    had = before.stamp in {Stamp.VALID, Stamp.REMOVED}
    return after._replace(stamp=Stamp.REMOVED) if had else after


def _ownership(live: Live) -> tuple[object, ...]:
    """Return everything that proves ownership; each of Towline's writes can change any of it."""
    stamps = (live.owner, live.stamp, live.digest, live.prune_disabled, live.foreign)
    return (*stamps, live.manager, live.fields, live.entry_time)


def _state(live: Live) -> tuple[object, ...]:
    """Return what makes two states the same; the version alone does not, as a restored store gives it once more."""
    return (live.resource_version, live.uid, live.terminating, live.label, live.generation, *_ownership(live))


def _perhaps_content(before: Live, after: Live) -> bool:
    return after.generation != before.generation or after.generation < 0


_RULES: tuple[tuple[EventMeaning, Callable[[Live, Live], bool]], ...] = (
    (EventMeaning.ECHO, lambda before, after: _state(after) == _state(before)),
    (EventMeaning.RECREATED, lambda before, after: after.uid != before.uid),
    (EventMeaning.TERMINATING, lambda before, after: after.terminating != before.terminating),
    (EventMeaning.RELABELLED, lambda before, after: after.label != before.label),
    (EventMeaning.CHANGED, lambda before, after: _ownership(after) != _ownership(before)),
    (EventMeaning.DOUBTFUL, _perhaps_content),
)
"""The first rule that holds decides."""
