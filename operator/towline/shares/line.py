"""Who waits for a turn: namespaces in turn, in each its repositories in turn, in each in order of arrival."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

from towline.model import Key
from towline.shares.holds import Holds

T = TypeVar("T")


class Line(Generic[T]):
    """Keeps waiting items by their repository."""

    def __init__(self) -> None:
        self._namespaces: OrderedDict[str, OrderedDict[Key, deque[T]]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._namespaces)

    def put(self, key: Key, item: T) -> None:
        """Add an item at the end of its repository's queue."""
        self._namespaces.setdefault(key.namespace, OrderedDict()).setdefault(key, deque()).append(item)

    def take(self, holds: Holds, now: float) -> tuple[Key, T] | None:
        """Remove and return the next item whose repository may hold one more; None where there is none.

        This is asked whenever something begins or ends, while hundreds may wait: it does not look at each of them.
        """
        is_open, slow = holds.open_to(now)
        if not is_open and not any(namespace in self._namespaces for namespace in slow):
            return None
        for namespace, keys in self._namespaces.items():
            if namespace not in slow and not (is_open and holds.has_room(namespace)):
                continue
            for key in keys:
                if holds.may(key, now):
                    item = keys[key].popleft()
                    self._turn(namespace, key)
                    return key, item
        return None

    def drop(self, key: Key, item: T) -> None:
        """Forget an item that waits no longer; it need not be there."""
        keys = self._namespaces.get(key.namespace)
        queue = keys.get(key) if keys else None
        if queue and item in queue:
            queue.remove(item)
            self._sweep(key)

    def drain(self) -> list[T]:
        """Remove and return every item."""
        items = [item for keys in self._namespaces.values() for queue in keys.values() for item in queue]
        self._namespaces.clear()
        return items

    def _turn(self, namespace: str, key: Key) -> None:
        """Put a repository and its namespace behind the others."""
        self._namespaces[namespace].move_to_end(key)
        self._namespaces.move_to_end(namespace)
        self._sweep(key)

    def _sweep(self, key: Key) -> None:
        keys = self._namespaces[key.namespace]
        if not keys[key]:
            del keys[key]
        if not keys:
            del self._namespaces[key.namespace]
