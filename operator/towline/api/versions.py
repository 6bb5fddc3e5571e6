"""Ranges of versions, as npm writes them and as tags are compared with them.

https://github.com/npm/node-semver is the rule. No library for Python keeps to it: in semantic-version
pre-releases get into `<2`, and node-semver reads `1.x.3` as `1.x` (docs/adr/0017).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from types import MappingProxyType
from typing import Any

from semantic_version import Version

_NUMBER = r"(?:0|[1-9][0-9]{0,15})"
_PLACE = rf"({_NUMBER}|[xX*])"
_PARTIAL = re.compile(
    rf"[v=]*{_PLACE}(?:\.{_PLACE}(?:\.{_PLACE}(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?)?)?"
)
_TAG = re.compile(r"refs/tags/v?([0-9]+\.[0-9]+\.[0-9]+(?:[-+].*)?)")
_OPERATOR = re.compile(r"[<>]=?|=|~>?|\^|")
_GAP = re.compile(r"([<>=~^])[ ]+")
_HYPHEN = re.compile(r"(\S+)[ ]+-[ ]+(\S+)")

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
)


@dataclass(frozen=True, slots=True)
class _Bound:
    """One comparison; build metadata takes part in none."""

    sign: str
    version: Version

    def admits(self, version: Version) -> bool:
        return _COMPARE[self.sign](version.precedence_key, self.version.precedence_key)

    def names(self, version: Version) -> bool:
        """Tell whether this bound is itself a pre-release of the version that `version` is one of."""
        return bool(self.version.prerelease) and _release(self.version) == _release(version)


@dataclass(frozen=True, slots=True)
class Range:
    """Alternatives, each of them bounds that all must hold."""

    alternatives: tuple[tuple[_Bound, ...], ...]

    def __contains__(self, version: Version) -> bool:
        """Tell whether a version is in the range; a pre-release only where a bound names one of its version."""
        bare = version.truncate("prerelease")
        return any(
            all(bound.admits(bare) for bound in bounds)
            and (not bare.prerelease or any(bound.names(bare) for bound in bounds))
            for bounds in self.alternatives
        )


@dataclass(frozen=True, slots=True)
class _Partial:
    """A version as far as it is written: the numbers before the first `x`, and the pre-release of a whole one."""

    numbers: tuple[int, ...]
    prerelease: str = ""

    @property
    def whole(self) -> bool:
        return len(self.numbers) == 3

    def lowest(self) -> Version:
        return _version(self.numbers, self.prerelease)

    def after(self, place: int) -> Version:
        """Return what is above every version that has the same numbers up to `place`, pre-releases included."""
        *same, last = self.numbers[: place + 1]
        return _version((*same, last + 1), "0")


def tagged(name: str) -> Version | None:
    """Return the version that a ref is the tag of, by its full name; None where it is of none."""
    match = _TAG.fullmatch(name)
    if match is None:
        return None
    try:
        return Version(match[1])
    except ValueError:
        return None


def parse_range(text: str) -> Range:
    """Return an npm-style range.

    Raises:
        ValueError: it is no such range.
    """
    alternatives = tuple(_alternative(part.strip(" ")) for part in text.split("||"))
    return Range(((),) if () in alternatives else alternatives)


def _alternative(text: str) -> tuple[_Bound, ...]:
    if between := _HYPHEN.fullmatch(text):
        return (*_above(_partial(between[1])), *_up_to(_partial(between[2])))
    return tuple(bound for word in _GAP.sub(r"\1", text).split(" ") if word for bound in _bounds(word))


def _bounds(word: str) -> tuple[_Bound, ...]:
    match = _OPERATOR.match(word)
    sign = match[0] if match else ""
    partial = _partial(word[len(sign) :])
    return _MEANINGS[sign](partial)


def _partial(text: str) -> _Partial:
    match = _PARTIAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} must be a version, or a part of one")
    *places, prerelease = match.groups()
    numbers = tuple(int(place) for place in takewhile(_is_number, places))
    if any(map(_is_number, places[len(numbers) :])):
        raise ValueError(f"{text!r} has a number behind an x")
    return _Partial(numbers, (prerelease or "") if len(numbers) == len(places) else "")


def _is_number(place: str | None) -> bool:
    return place is not None and place.isdigit()


def _above(partial: _Partial) -> tuple[_Bound, ...]:
    return (_Bound(">=", partial.lowest()),) if partial.numbers else ()


def _up_to(partial: _Partial) -> tuple[_Bound, ...]:
    if partial.whole:
        return (_Bound("<=", partial.lowest()),)
    return (_Bound("<", partial.after(len(partial.numbers) - 1)),) if partial.numbers else ()


def _beyond(partial: _Partial) -> tuple[_Bound, ...]:
    if partial.whole:
        return (_Bound(">", partial.lowest()),)
    return (_Bound(">=", _version(partial.after(len(partial.numbers) - 1))),) if partial.numbers else _NOTHING


def _below(partial: _Partial) -> tuple[_Bound, ...]:
    if not partial.numbers:
        return _NOTHING
    return (_Bound("<", partial.lowest() if partial.whole else _version(partial.numbers, "0")),)


def _same(partial: _Partial) -> tuple[_Bound, ...]:
    return (_Bound("=", partial.lowest()),) if partial.whole else _within(partial, len(partial.numbers) - 1)


def _tilde(partial: _Partial) -> tuple[_Bound, ...]:
    """Let the patch change, or what is not written."""
    return _within(partial, min(1, len(partial.numbers) - 1))


def _caret(partial: _Partial) -> tuple[_Bound, ...]:
    """Let everything change behind the first number that is not zero."""
    leading = next((place for place, number in enumerate(partial.numbers) if number), 2)
    return _within(partial, min(leading, len(partial.numbers) - 1))


def _within(partial: _Partial, place: int) -> tuple[_Bound, ...]:
    if not partial.numbers:
        return ()
    return (_Bound(">=", partial.lowest()), _Bound("<", partial.after(place)))


def _version(numbers: tuple[int, ...], prerelease: str = "") -> Version:
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return Version(f"{major}.{minor}.{patch}{'-' if prerelease else ''}{prerelease}")


def _release(version: Version) -> tuple[int, int, int]:
    return version.major, version.minor, version.patch


_NOTHING = (_Bound("<", Version("0.0.0-0")),)

_MEANINGS: Mapping[str, Callable[[_Partial], tuple[_Bound, ...]]] = MappingProxyType(
    {
        "": _same,
        "=": _same,
        ">=": _above,
        ">": _beyond,
        "<": _below,
        "<=": _up_to,
        "~": _tilde,
        "~>": _tilde,
        "^": _caret,
    }
)
