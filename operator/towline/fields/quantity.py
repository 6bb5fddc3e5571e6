"""Kubernetes quantities (`500m`, `1Gi`, `1e3`) as exact numbers."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

_SHAPE = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
    r"(?:[eE](?P<exponent>[+-]?[0-9]{1,3})|(?P<suffix>[A-Za-z]*))"
)
_LONGEST = 100
"""Characters; longer text does not count as a quantity, because big numbers cost time."""

_NANO = Fraction(1, 10**9)
_SUFFIXES = {
    "n": _NANO,
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 10**3),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}


def parse(value: Any) -> Fraction | None:
    """Read a JSON number or string as a quantity; None if it is not one.

    Anything finer than a billionth is rounded away from zero, as the API server does.
    """
    if not isinstance(value, int | float | str):
        return None
    text = value if isinstance(value, str) else repr(value)  # "True" and "nan" have not the shape of a number
    found = _SHAPE.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None or (found["suffix"] and found["suffix"] not in _SUFFIXES):
        return None
    scale = _SUFFIXES[found["suffix"]] if found["suffix"] else Fraction(10) ** int(found["exponent"] or 0)
    return _rounded(Fraction(found["number"]) * scale)


def _rounded(number: Fraction) -> Fraction:
    nanos = number / _NANO
    return _NANO * (math.ceil(nanos) if nanos > 0 else math.floor(nanos))
