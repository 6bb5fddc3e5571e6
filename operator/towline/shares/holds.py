"""Decide who may have one more of something that is scarce.

Who holds it cannot be made to give it back, so what is held for long must not be all there is. Three rules: neither a
repository nor a namespace holds the last free one; slow holds take at most a part of the places, so that the rest goes
round quickly; and never are there more than twice the places.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from towline.model import Key
from towline.shares.behalf import OPERATOR
from towline.shares.usage import Usage

_Name = TypeVar("_Name", Key, str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How a scarce thing is shared.

    Attributes:
        limit: how many are held at a time.
        slow: how many of these are taken by slow holds, however many there are: a hold is slow after `quick_seconds`,
            or from its beginning where its repository used much, or its namespace has a slow one.
        quick_seconds: how long a hold is quick.
        namespace: how many one namespace may hold; None for all but the last.
    """

    limit: int
    slow: int
    quick_seconds: float
    namespace: int | None = None

    @property
    def most(self) -> int:
        """How many are held at a time at the very most, with slow ones that no longer take a place."""
        return 2 * self.limit


class _Hold(NamedTuple):
    key: Key
    since: float


class Holds:
    """Who holds what now.

    Args:
        share: the rules.
        usage: is told how long each hold was; None where holding costs nothing, as waiting for a server.
    """

    def __init__(self, share: Share, usage: Usage | None = None) -> None:
        self._share = share
        self._usage = usage
        self._holds: dict[int, _Hold] = {}
        self._quick: dict[int, float] = {}
        self._by_key: Counter[Key] = Counter()
        self._by_namespace: Counter[str] = Counter()
        self._slow_by_namespace: Counter[str] = Counter()
        self._number = 0

    def __len__(self) -> int:
        return len(self._holds)

    def may(self, key: Key, now: float) -> bool:
        """Say whether a repository may hold one more."""
        is_open, has_slow = self._places(now)
        return has_slow if self._is_slow(key) else is_open and self._leaves_one(key)

    def open_to(self, now: float) -> tuple[bool, frozenset[str]]:
        """Say whether there is a place for quick holds, and which namespaces may have one for slow ones.

        Where neither is so, nobody may hold one more, whoever asks.
        """
        is_open, has_slow = self._places(now)
        if not has_slow:
            return is_open, frozenset()
        return is_open, frozenset(self._slow_by_namespace).union(
            self._usage.namespaces() if self._usage else ()
        )

    def has_room(self, namespace: str) -> bool:
        """Say whether a namespace has fewer quick holds than it may; then so may some repository of it."""
        if namespace == OPERATOR.namespace or self._share.limit == 1:
            return True
        return namespace not in self._slow_by_namespace and self._by_namespace[namespace] < self._most

    def take(self, key: Key, now: float) -> int:
        """Note that a repository holds one more, and return the number of the hold."""
        self._number += 1
        self._holds[self._number] = _Hold(key, now)
        if self._is_slow(key):
            self._slow_by_namespace[key.namespace] += 1
        else:
            self._quick[self._number] = now
        self._by_key[key] += 1
        self._by_namespace[key.namespace] += 1
        return self._number

    def give(self, number: int, now: float) -> None:
        """End a hold."""
        key, since = self._holds.pop(number)
        if self._quick.pop(number, None) is None:
            _less(self._slow_by_namespace, key.namespace)
        _less(self._by_key, key)
        _less(self._by_namespace, key.namespace)
        if self._usage:
            self._usage.add(key, now - since)

    def next_change(self, now: float) -> float:
        """Return in how many seconds a hold becomes slow, so that one more may begin; infinity where none does."""
        if not self._quick:
            return math.inf
        return max(0.0, next(iter(self._quick.values())) + self._share.quick_seconds - now)

    @property
    def _most(self) -> int:
        """How many a namespace may hold."""
        share = self._share
        return share.limit - 1 if share.namespace is None else share.namespace

    def _places(self, now: float) -> tuple[bool, bool]:
        """Say whether there is a place for one more quick hold, and for one more slow one."""
        share = self._share
        self._slow_down(now)
        slow = len(self._holds) - len(self._quick)
        if len(self._holds) >= share.most:
            return False, False
        return len(self._quick) < share.limit - min(slow, share.slow), slow < share.slow

    def _slow_down(self, now: float) -> None:
        """Count as slow what is held for long; the oldest come first."""
        while self._quick:
            number, since = next(iter(self._quick.items()))
            if now - since < self._share.quick_seconds:
                return
            del self._quick[number]
            self._slow_by_namespace[self._holds[number].key.namespace] += 1

    def _is_slow(self, key: Key) -> bool:
        if key == OPERATOR:
            return False
        return key.namespace in self._slow_by_namespace or bool(self._usage and self._usage.is_much(key))

    def _leaves_one(self, key: Key) -> bool:
        if key == OPERATOR or self._share.limit == 1:
            return True
        return self._by_key[key] < self._share.limit - 1 and self._by_namespace[key.namespace] < self._most


def _less(counter: Counter[_Name], name: _Name) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]
