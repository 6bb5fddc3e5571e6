"""Hold the objects with Towline's label in memory, by identity and by label."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType

from towline.model import GroupKind, Live, ObjectRef

REMEMBERED = 1_000
"""How many of the last changes of each repository's objects are remembered one by one."""


class Inventory:
    """All objects that were seen, and the label of each.

    What `owned` returns never changes: planning threads read it while events go on.
    """

    def __init__(self) -> None:
        self._kinds: dict[GroupKind, dict[ObjectRef, Live]] = defaultdict(dict)
        self._labels: dict[str, dict[ObjectRef, Live]] = {}
        self._lent: set[str] = set()
        self._versions: dict[str, int] = defaultdict(int)
        self._finished: dict[str, dict[ObjectRef, str]] = defaultdict(dict)
        self._touches: dict[str, deque[ObjectRef]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def get(self, ref: ObjectRef) -> Live | None:
        """Return the object, whoever owns it."""
        return self._kinds[ref.group_kind].get(ref)

    def of_kind(self, kind: GroupKind) -> frozenset[ObjectRef]:
        """Return all objects of one kind."""
        return frozenset(self._kinds[kind])

    def owned(self, label: str) -> Mapping[ObjectRef, Live]:
        """Return the objects that carry `label`, as they are known now."""
        self._lent.add(label)
        return MappingProxyType(self._labels.get(label, {}))

    def finished(self, label: str) -> Mapping[ObjectRef, str]:
        """Return what has finished, here or gone by now, with the digest of what it was written from."""
        return MappingProxyType(dict(self._finished.get(label, {})))

    def version(self, label: str) -> int:
        """Return a number that grows with each change that could matter to a plan for `label`."""
        return self._versions.get(label, 0)

    def touch(self, ref: ObjectRef, *labels: str) -> None:
        """Let the versions of `labels` grow by a change of one object."""
        for label in labels:
            self._versions[label] += 1
            self._touches[label].append(ref)

    def touched(self, label: str, since: int) -> frozenset[ObjectRef] | None:
        """Return the objects by which a version has grown; None where that is too long ago to be known."""
        touches, steps = self._touches[label], self._versions[label] - since
        if steps < 0 or steps > len(touches):
            return None
        return frozenset(islice(reversed(touches), steps))

    def unverified(self) -> tuple[ObjectRef, ...]:
        """Return the objects, as they are now, that have not been compared with what Git declares."""
        return tuple(ref for kind in self._kinds.values() for ref, live in kind.items() if not live.verified)

    def put(self, live: Live) -> None:
        """Keep the newest state of an object."""
        before = self.get(live.ref)
        if before and before.label != live.label:
            self._own(before.label).pop(live.ref)
        self._kinds[live.ref.group_kind][live.ref] = live
        self._own(live.label)[live.ref] = live
        if live.finished:
            self._finished[live.label][live.ref] = live.digest
        elif live.label in self._finished:
            self._finished[live.label].pop(live.ref, None)

    def drop(self, ref: ObjectRef) -> None:
        """Forget an object that is gone, or carries no label any more."""
        live = self._kinds[ref.group_kind].pop(ref, None)
        if live:
            self._own(live.label).pop(ref)

    def _own(self, label: str) -> dict[ObjectRef, Live]:
        """Return the objects of `label` for a change; what was lent is replaced by a copy first."""
        mine = self._labels.setdefault(label, {})
        if label in self._lent:
            self._lent.discard(label)
            mine = self._labels[label] = dict(mine)
        return mine
