"""Know which objects must be looked at again: those that differ since the last look, and those it did not settle."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, compress, repeat
from typing import TypeVar

from towline.model import Live, Manifest, ObjectRef

_K = TypeVar("_K")
_V = TypeVar("_V")


def differing(before: Mapping[_K, _V], now: Mapping[_K, _V]) -> set[_K]:
    """Return the keys under which two mappings do not hold the very same value.

    Of thousands of objects most stay as they are, at the same place: each of these costs one comparison of pointers.
    """
    return set() if before is now else _others(before, now) | _others(now, before)


def _others(these: Mapping[_K, _V], those: Mapping[_K, _V]) -> set[_K]:
    """Return the keys of `these` under which `those` hold another value, or none."""
    is_elsewhere = map(operator.is_not, these.values(), chain(those.values(), repeat(None)))
    return {key for key, value in compress(these.items(), is_elsewhere) if those.get(key) is not value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was declared and live at the last look, and the objects of which that look did not say the last word."""

    declared: Mapping[ObjectRef, Manifest] = field(default_factory=dict)
    live: Mapping[ObjectRef, Live] = field(default_factory=dict)
    unsettled: frozenset[ObjectRef] = frozenset()

    def since(
        self, declared: Mapping[ObjectRef, Manifest], live: Mapping[ObjectRef, Live]
    ) -> frozenset[ObjectRef]:
        """Return the objects that must be looked at now; what is neither declared nor live any more is among them."""
        return self.unsettled.union(differing(self.declared, declared), differing(self.live, live))
