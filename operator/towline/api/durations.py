"""Durations as Go and the CRDs write them: `90s`, `1h30m`, `1.5h`."""

from __future__ import annotations

import re
from fractions import Fraction

_SECONDS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 10**3),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_TERM = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|μs|ms|s|m|h)")
_LONGEST = Fraction(2**63 - 1, 10**9)
"""Go counts nanoseconds in 64 bits."""
_CHARACTERS = 64


def parse(text: str) -> float:
    """Return the seconds of a Go duration.

    Raises:
        ValueError: it is malformed, has a sign, or is longer than Go can hold (some 292 years).
    """
    terms = _TERM.findall(text) if len(text) <= _CHARACTERS else []
    if not terms or "".join(number + unit for number, unit in terms) != text:
        raise ValueError("must be a duration such as 90s or 1h30m")
    seconds = sum((Fraction(number) * _SECONDS[unit] for number, unit in terms), Fraction())
    if seconds > _LONGEST:
        raise ValueError("is too long for a duration")
    return float(seconds)
