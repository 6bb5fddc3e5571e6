"""Note what names of remote parts are resolved to during one reading of a commit, against what they were before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from towline.api import pins
from towline.api.pins import MovedPin, MovedPinsError, Pin
from towline.errors import Reason, SourceError
from towline.model import Key

Recorded: TypeAlias = Callable[[], Awaitable[tuple[Pin, ...]]]
"""Returns the pins of the newest record, for a resource whose status was lost."""

_KEPT = 100
"""How many pins are kept beside those in use: a commit that is taken back finds them again."""

_USED = 100
"""How many pins one commit may use: status and records list them all."""


class PinBook:
    """The pins of one repository during one reading.

    Args:
        key: the repository, for messages.
        uid: its uid, for which alone a token accepts.
        known: what its status holds.
        accepted: the token that a person has set.
        recorded: asked once, where a name is not known.
    """

    def __init__(self, key: Key, uid: str, known: Iterable[Pin], accepted: str, recorded: Recorded) -> None:
        self._key = key
        self._uid = uid
        self._known = {(each.name, each.ref): each for each in known}
        self._accepted = accepted
        self._recorded: Recorded | None = recorded
        self._used: dict[tuple[str, str], Pin] = {}
        self._moved: dict[tuple[str, str], MovedPin] = {}

    @property
    def used(self) -> tuple[Pin, ...]:
        """The pins of what this reading has used."""
        return tuple(self._used.values())

    @property
    def kept(self) -> tuple[Pin, ...]:
        """All pins to remember."""
        spare = [each for where, each in self._known.items() if where not in self._used]
        return (*self._used.values(), *spare[:_KEPT])

    async def known(self, name: str, ref: str) -> Pin | None:
        """Return what a name was resolved to before; None where it is new.

        Raises:
            ClusterError: the newest record could not be read.
        """
        found = self._known.get((name, ref))
        if found is None and self._recorded and not self._known:
            recorded, self._recorded = self._recorded, None
            self._known = {(each.name, each.ref): each for each in await recorded()}
            found = self._known.get((name, ref))
        return found

    def note(self, now: Pin) -> None:
        """Note what a name is resolved to."""
        where = now.name, now.ref
        before = self._known.get(where)
        if before and before.content != now.content:
            self._moved[where] = MovedPin(before=before, now=now)
        self._used[where] = now

    def settle(self) -> None:
        """Go on only where nothing has moved, or a person has accepted it.

        Raises:
            MovedPinsError: nobody has.
            SourceError: there are too many.
        """
        if len(self._used) > _USED:
            message = (
                f"the commit uses more than {_USED} tags and versions of other servers: commit some of them"
            )
            raise SourceError(Reason.SOURCE_TOO_LARGE, message)
        moved = tuple(self._moved.values())
        if not pins.is_accepted(self._uid, moved, self._accepted):
            token = pins.token(self._uid, moved)
            raise MovedPinsError(moved, token, pins.sentence(moved, token, self._key))
