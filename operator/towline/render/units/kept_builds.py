"""Remember what was built of the same files by the same tool, up to so many bytes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from towline.errors import Failure
from towline.model import Manifest

_BYTES = 64 * 1024**2
_OBJECT_BYTES = 1024
"""Bytes that Python takes for an object, beside its JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOutcome:
    """What a build made, or why it made nothing; where it is `passing`, another try may end otherwise."""

    manifests: tuple[Manifest, ...] = ()
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0
    is_passing: bool = False

    @property
    def weight(self) -> int:
        """The bytes that it takes."""
        return _OBJECT_BYTES + sum(_OBJECT_BYTES + len(one.content) for one in self.manifests)


@dataclass(slots=True)
class KeptBuilds:
    """Outcomes by the key of what they were built of, the latest used last; `most` is how many bytes are kept."""

    most: int = _BYTES
    _known: OrderedDict[str, BuildOutcome] = field(default_factory=OrderedDict)
    _weight: int = 0

    def get(self, key: str) -> BuildOutcome | None:
        """Return what was built; None where nothing is known."""
        if key in self._known:
            self._known.move_to_end(key)
        return self._known.get(key)

    def put(self, key: str, outcome: BuildOutcome) -> None:
        """Keep what was built, and forget what was used longest ago."""
        self._known[key] = outcome
        self._weight += outcome.weight
        while self._weight > self.most and len(self._known) > 1:
            self._weight -= self._known.popitem(last=False)[1].weight
