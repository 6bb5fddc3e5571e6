"""Remember which repositories and namespaces used much lately: they wait where others want their turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from towline.model import Key
from towline.shares.behalf import OPERATOR

HALF_LIFE = 60.0
"""Seconds after which half of what was used is forgotten."""

REPOSITORY_SECONDS = 5.0
NAMESPACE_SECONDS = 20.0
"""What is much: children and threads for so many seconds, counted with the half-life."""

_NAMES = 1000
_NOTHING = 0.01


class _Used(NamedTuple):
    seconds: float
    at: float


class Usage:
    """Seconds for which repositories held children and threads, old ones counted less.

    It may be told from any thread.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used: dict[Key | str, _Used] = {}
        self._much: set[Key | str] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many repositories and namespaces are remembered."""
        return len(self._used)

    def add(self, key: Key, seconds: float) -> None:
        """Count seconds for a repository and its namespace."""
        if key == OPERATOR:
            return
        with self._lock:
            now = self._clock()
            for name in (key, key.namespace):
                self._used[name] = _Used(self._left(name, now) + seconds, now)
                if self._is_over(name, now):
                    self._much.add(name)
            if len(self._used) > _NAMES:
                self._used = {
                    name: one for name, one in self._used.items() if self._left(name, now) > _NOTHING
                }

    def is_much(self, key: Key) -> bool:
        """Say whether a repository, or its namespace, used much lately."""
        if not self._much:
            return False
        now = self._clock()
        return self._is_over(key, now) or self._is_over(key.namespace, now)

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces that used much lately, or of which a repository did."""
        if not self._much:
            return frozenset()
        with self._lock:
            now = self._clock()
            self._much = {name for name in self._much if self._is_over(name, now)}
            return frozenset(name if isinstance(name, str) else name.namespace for name in self._much)

    def _is_over(self, name: Key | str, now: float) -> bool:
        return self._left(name, now) > (NAMESPACE_SECONDS if isinstance(name, str) else REPOSITORY_SECONDS)

    def _left(self, name: Key | str, now: float) -> float:
        used = self._used.get(name)
        return used.seconds * 0.5 ** ((now - used.at) / HALF_LIFE) if used else 0.0
