"""Hold what was built of units, so that nothing is built twice."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from towline.errors import Failure
from towline.model import Manifest
from towline.render.written.rendered_objects import RenderedObject

_BYTES = 64 * 1024**2
_OBJECT_BYTES = 1024
"""Bytes that Python takes for an object, beside its JSON."""


class UnitRun(NamedTuple):
    """A unit that a child has built.

    Attributes:
        unit: the file that makes it one: its kustomization, or Chart.yaml.
        objects: how many it made.
        files: of how many files.
        seconds: how long that took.
        layers: how many kustomizations are among the files.
    """

    unit: str
    objects: int
    files: int
    seconds: float
    layers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What the units of a commit declare.

    `reads` are the files that any kustomization below its path reads; `units` tell how each was built, now or before,
    and `runs` how those were that were built now. Where it is `is_costly`, one of them took more than it may, and is
    built again at the next try.
    """

    manifests: tuple[Manifest, ...] = ()
    failures: tuple[Failure, ...] = ()
    reads: frozenset[str] = frozenset()
    units: tuple[UnitRun, ...] = ()
    runs: tuple[UnitRun, ...] = ()
    is_costly: bool = False

    def plus(self, more: Built) -> Built:
        """Add what other units declare."""
        return Built(
            manifests=(*self.manifests, *more.manifests),
            failures=(*self.failures, *more.failures),
            reads=self.reads | more.reads,
            units=(*self.units, *more.units),
            runs=(*self.runs, *more.runs),
            is_costly=self.is_costly or more.is_costly,
        )


class Made(NamedTuple):
    """What a tool made of a unit, before variables are filled in; `texts` is what of its files must not be shown."""

    objects: tuple[RenderedObject, ...]
    failures: tuple[Failure, ...]
    texts: frozenset[str] = frozenset()
    run: UnitRun | None = None

    @property
    def weight(self) -> int:
        """The bytes of memory that it takes."""
        return _weight(self.objects)


class UnitOutcome(NamedTuple):
    """What a unit declares, and how it was built; where it is `is_passing`, another try may end otherwise."""

    manifests: tuple[Manifest, ...]
    failures: tuple[Failure, ...]
    is_passing: bool = False
    run: UnitRun | None = None

    @property
    def weight(self) -> int:
        """The bytes of memory that it takes."""
        return _weight(self.manifests)


def _weight(objects: tuple[RenderedObject, ...] | tuple[Manifest, ...]) -> int:
    return _OBJECT_BYTES + sum(_OBJECT_BYTES + len(one.content) for one in objects)


Kept: TypeAlias = Made | UnitOutcome
UnitKey: TypeAlias = str | tuple[str, ...]
"""What is never the same for two units that may be built differently."""


@dataclass(slots=True)
class BuiltUnits:
    """What was built, by key, the latest used last."""

    known: OrderedDict[UnitKey, Kept] = field(default_factory=OrderedDict)
    weight: int = 0

    def get(self, key: UnitKey) -> Kept | None:
        """Return what was built, if it is still known."""
        if key in self.known:
            self.known.move_to_end(key)
        return self.known.get(key)

    def put(self, key: UnitKey, kept: Kept) -> None:
        """Keep what was built, and forget what was not used for long."""
        self.known[key] = kept
        self.weight += kept.weight
        while self.weight > _BYTES and len(self.known) > 1:
            self.weight -= self.known.popitem(last=False)[1].weight
