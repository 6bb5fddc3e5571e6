"""Figures as rows of one table, and the small statistics that they are made by."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a figure counts; the value is what stands behind it."""

    TIMES = "x"
    SECONDS = "s"
    MILLISECONDS = "ms"
    MEBIBYTES = "MiB"
    BYTES = "B"
    PERCENT = "%"
    COUNT = ""


_DIGITS = {
    Unit.TIMES: 2,
    Unit.SECONDS: 2,
    Unit.MILLISECONDS: 2,
    Unit.MEBIBYTES: 1,
    Unit.BYTES: 0,
    Unit.PERCENT: 2,
    Unit.COUNT: 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure: what was measured, the value, what it should be at most, and its lowest and highest sample."""

    what: str
    value: float
    unit: Unit = Unit.COUNT
    at_most: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def figure(self) -> str:
        """The value as people read it."""
        return written(self.value, self.unit)

    @property
    def spread(self) -> str:
        """The lowest and the highest sample; empty where they are the value."""
        if self.low is None or self.high is None:
            return ""
        low, high = _number(self.low, self.unit), _number(self.high, self.unit)
        return "" if low == high else f"{low} to {high}"

    @property
    def goal(self) -> str:
        """What it should be, empty where nobody asks."""
        return "" if self.at_most is None else f"at most {written(self.at_most, self.unit)}"

    @property
    def verdict(self) -> str:
        """Whether it is so."""
        if self.at_most is None:
            return ""
        return "met" if self.value <= self.at_most else "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The rows of one measured thing."""

    title: str
    rows: tuple[Row, ...]


def median(
    what: str, samples: Sequence[float], unit: Unit = Unit.COUNT, *, at_most: float | None = None
) -> Row:
    """Make a row of the median of some samples."""
    return Row(
        what=what,
        value=statistics.median(samples),
        unit=unit,
        at_most=at_most,
        low=min(samples),
        high=max(samples),
    )


def highest(
    what: str, samples: Sequence[float], unit: Unit = Unit.COUNT, *, at_most: float | None = None
) -> Row:
    """Make a row of the highest sample: for what must never be more."""
    return Row(what=what, value=max(samples), unit=unit, at_most=at_most, low=min(samples), high=max(samples))


def percentile(samples: Iterable[float], share: float) -> float:
    """Return the smallest sample that is not less than `share` (0 to 1) of all samples."""
    ordered = sorted(samples)
    if not ordered:
        raise ValueError("no samples")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def written(value: float, unit: Unit) -> str:
    """Write a figure with its unit."""
    return f"{_number(value, unit)} {unit}".rstrip()


def _number(value: float, unit: Unit) -> str:
    return f"{value:,.{_DIGITS[unit]}f}"
