"""Follow the objects of one kind by its watch; what a complete list does not name is gone."""

from __future__ import annotations

from collections.abc import Callable

from towline.live.inventory import Inventory
from towline.live.observed import ref_from
from towline.live.own_writes import Echoes, Seen
from towline.model import Body, GroupKind, Live, ObjectRef

Reader = Callable[[Body, ObjectRef], Live]
"""What reads one object."""


class KindFeed:
    """Receives the events of the watch over one kind; see `watch.Sink`."""

    def __init__(self, kind: GroupKind, inventory: Inventory, echoes: Echoes, read: Reader) -> None:
        self._kind = kind
        self._inventory = inventory
        self._echoes = echoes
        self._read = read
        self._called: set[ObjectRef] = set()
        self._is_listing = False
        self._is_first = True

    def listing(self) -> None:
        """Begin a list."""
        self._called.clear()
        self._is_listing = True
        self._echoes.relist(self._kind)

    def present(self, body: Body) -> None:
        """Hand on the state of an object."""
        ref = ref_from(body["metadata"], self._kind)
        live = self._known(ref, body["metadata"]) or self._read(body, ref)
        self._called.add(live.ref)
        self._echoes.deliver(Seen(live.ref, live.uid, live, quiet=self._is_first))

    def _known(self, ref: ObjectRef, metadata: Body) -> Live | None:
        """Return the known state of the object if it is this one: usually it is the result of Towline's own write.

        A list is read: a store that was restored gives the same versions to other states.
        """
        if self._is_listing:
            return None
        known = self._inventory.get(ref)
        is_same = known and (known.uid, known.resource_version) == (
            metadata["uid"],
            metadata["resourceVersion"],
        )
        return known if is_same else None

    def absent(self, body: Body) -> None:
        """Hand on that an object is gone, or lost Towline's label."""
        metadata = body["metadata"]
        self._echoes.deliver(Seen(ref_from(metadata, self._kind), metadata["uid"], None))

    def listed(self) -> None:
        """Hand on the absence of each object that the list did not name."""
        self._lose((self._inventory.of_kind(self._kind) | self._echoes.pending(self._kind)) - self._called)
        self._called.clear()
        self._is_first = self._is_listing = False

    def gone(self) -> None:
        """Hand on the absence of all objects."""
        self._echoes.relist(self._kind)
        self._lose(self._inventory.of_kind(self._kind))

    def _lose(self, refs: frozenset[ObjectRef]) -> None:
        for ref in refs:
            self._echoes.deliver(Seen(ref, "", None))
