"""Give a scalar its value by the rules of go-yaml v2, which kubectl and the API server use."""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_CORE = "tag:yaml.org,2002:"
STR, BINARY, MERGE, FLOAT = (f"{_CORE}{name}" for name in ("str", "binary", "merge", "float"))
_CLASSES: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {f"{_CORE}bool": (bool,), f"{_CORE}int": (int,), FLOAT: (int, float), f"{_CORE}null": (type(None),)}
)

_LARGEST = 2**63

UNKNOWN_TAG = "a tag is not one that Kubernetes knows; remove it"


class RefusedError(ValueError):
    """kubectl would drop, round or guess this scalar; the message never quotes it."""


def _cases(value: Scalar, *words: str) -> dict[str, Scalar]:
    return {case: value for word in words for case in (word, word.capitalize(), word.upper())}


_WORDS: Mapping[str, Scalar] = MappingProxyType(
    {
        **_cases(True, "y", "yes", "true", "on"),  # noqa: FBT003  a value of the table, no flag
        **_cases(False, "n", "no", "false", "off"),  # noqa: FBT003  the same
        **_cases(None, "", "~", "null"),
        **{sign + word: float(f"{sign}inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
        **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    }
)
_LEADS_TO_A_VALUE = frozenset("+-.~0123456789yYnNtTfFoO")
_LEADS_TO_A_NUMBER = frozenset("+-.0123456789")

_INTEGER = re.compile(
    r"(?P<sign>[-+]?)"
    r"(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO](?P<oct>[0-7]+)|0(?P<old>[0-7]+)|(?P<dec>0|[1-9][0-9]*))"
)
_BASES = MappingProxyType({"hex": 16, "bin": 2, "oct": 8, "old": 8, "dec": 10})
_PREFIXED = frozenset({"hex", "bin", "oct"})
_LATE_SIGN = re.compile(r"0b([-+])0*([01]{1,64})")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_POINTED = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?")
_MANY_DIGITS = 70  # more than 64 binary ones; Python refuses to read thousands


def plain(text: str) -> Scalar:
    """Return the value of a plain scalar.

    Raises:
        RefusedError: an integer that 64 bits cannot hold; kubectl would round it.
    """
    if not text:
        return None
    lead = text[0]
    if lead not in _LEADS_TO_A_VALUE:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return _number(text, lead) if lead in _LEADS_TO_A_NUMBER else text


def _number(text: str, lead: str) -> Scalar:
    if lead == ".":
        return _finite(text, text) if _POINTED.fullmatch(text) else text
    bare = text.replace("_", "")
    if whole := _INTEGER.fullmatch(bare):
        return _integer(whole, text)
    if _DECIMAL.fullmatch(bare):
        if bare.lstrip("+-").isdigit() and float(bare) >= _LARGEST:
            raise _too_large()
        return _finite(bare, text)
    if late := _LATE_SIGN.fullmatch(bare):
        number = int(late[1] + late[2], 2)
        return number if -_LARGEST <= number < _LARGEST else text
    return text


def _integer(whole: re.Match[str], text: str) -> Scalar:
    """Read an integer; with a prefix and more than 64 bits it is text, as a hash is that begins with 0x."""
    base = str(whole.lastgroup)
    digits = whole[base].lstrip("0") or "0"
    size = int(digits, _BASES[base]) if len(digits) <= _MANY_DIGITS else 2 * _LARGEST
    number = -size if whole["sign"] == "-" else size
    if -_LARGEST <= number < _LARGEST:
        return number
    if base in _PREFIXED and not 0 < number < 2 * _LARGEST:
        return text
    raise _too_large()


def _finite(digits: str, text: str) -> Scalar:
    number = float(digits)
    return text if math.isinf(number) else number


def _too_large() -> RefusedError:
    return RefusedError("an integer does not fit into 64 bits; quote it if it is meant as text")


def tagged(text: str, tag: str) -> Scalar:
    """Return the value of a scalar with an explicit tag.

    Raises:
        RefusedError: the tag is unknown, or the text does not fit it.
    """
    if tag == STR:
        return text
    if tag == BINARY:
        return _binary(text)
    if tag not in _CLASSES:
        raise RefusedError(UNKNOWN_TAG)
    found = plain(text)
    if found.__class__ not in _CLASSES[tag]:
        raise RefusedError("a value does not match its tag")
    return float(found) if tag == FLOAT and isinstance(found, int) else found


def _binary(text: str) -> str:
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True).decode()
    except ValueError as error:
        raise RefusedError("a !!binary value is not the base64 of UTF-8 text") from error


def value(scalar: Scalar) -> Scalar:
    """Return what a scalar is in JSON, where `1.0` and `1e3` are integers.

    Raises:
        RefusedError: infinity or not-a-number, which JSON does not have.
    """
    if not isinstance(scalar, float):
        return scalar
    if not math.isfinite(scalar):
        raise RefusedError(".inf and .nan have no meaning in JSON; quote them if they are meant as text")
    if not scalar.is_integer():
        return scalar
    exact = int(Decimal(repr(scalar)))  # the digits that Go prints, which are not those of int(scalar)
    return exact if -_LARGEST <= exact < _LARGEST else scalar


def key(scalar: Scalar) -> str:
    """Return the text that a scalar becomes as a key.

    Raises:
        RefusedError: null.
    """
    if isinstance(scalar, str):
        return scalar
    if scalar is None:
        raise RefusedError("a key is null; quote it if it is meant as text")
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    return str(scalar) if isinstance(scalar, int) else _single(scalar)


def _single(number: float) -> str:
    """Spell a float as Go spells a 32-bit one: the shortest digits that name it, with an exponent from 1e6 on."""
    if math.isnan(number):
        return ".nan"
    rounded = _rounded(number)
    sign = "-" if math.copysign(1, rounded) < 0 else ""
    if math.isinf(rounded):
        return f"{sign}.inf"
    shortest = _shortest(abs(rounded))
    exponent = shortest.adjusted() if shortest else 0
    if -4 <= exponent < 6:
        return f"{sign}{shortest:f}"
    mantissa = f"{shortest.scaleb(-exponent):f}"
    return f"{sign}{mantissa}e{exponent:+03d}"


def _shortest(single: float) -> Decimal:
    """Find the fewest digits that name a 32-bit float; Go rounds a tie to even, for powers of two upwards."""
    exact = Decimal(single)
    half = ROUND_HALF_UP if math.frexp(single)[0] == 0.5 else ROUND_HALF_EVEN
    for digits in range(1, 10):
        step = Decimal((0, (1,), exact.adjusted() - digits + 1))
        for near in (exact.quantize(step, half), exact.quantize(step, ROUND_CEILING)):
            if _rounded(float(near)) == single:
                return near.normalize()
    return exact


def _rounded(number: float) -> float:
    """Return the nearest 32-bit float."""
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)
