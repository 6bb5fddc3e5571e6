"""Cut what a wildcard pattern matches from the begin of a text, in one walk over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

_Test: TypeAlias = Callable[[str], bool]
_STAR = None


class _MalformedError(ValueError):
    """A pattern ends too early, or has a bracket that is empty."""


def prefix(text: str, pattern: str, *, longest: bool) -> int:
    r"""Return how many characters at the begin of a text a pattern matches, 0 where none or the pattern is malformed.

    All ways to match are followed at once, as the bits of one number: bit n says that the first n parts of the
    pattern have matched. So the time grows with the text alone, whatever the pattern.

    Args:
        text: what is looked at.
        pattern: `*`, `?`, `[a-z]`, `[^a-z]`, and `\` before a character that means itself.
        longest: whether the longest match is wanted, instead of the shortest one that is not empty.
    """
    try:
        parts = tuple(_parts(pattern))
    except _MalformedError:
        return 0
    stars = sum(1 << place for place, part in enumerate(parts) if part is _STAR)
    done = 1 << len(parts)
    steps: dict[str, int] = {}
    reached = _past(1, stars)
    found = 0
    for place, char in enumerate(text, 1):
        if char not in steps:
            steps[char] = sum(1 << at for at, part in enumerate(parts) if part and part(char))
        reached = _past((reached & stars) | ((reached & steps[char]) << 1), stars)
        if reached & done:
            found = place
            if not longest:
                break
        if not reached:
            break
    return found


def _past(reached: int, stars: int) -> int:
    """Add the states behind each star that is reached, because it may match nothing; no two stars are neighbours."""
    return reached | ((reached & stars) << 1)


def _parts(pattern: str) -> Iterator[_Test | None]:
    """Yield a test for each character of a pattern, and None for a star or several in a row."""
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            if pattern[at : at + 1] != "*":
                yield _STAR
        elif char == "?":
            yield lambda _: True
        elif char == "[":
            test, at = _class(pattern, at)
            yield test
        else:
            char, at = _literal(pattern, at - 1)
            yield char.__eq__


def _literal(pattern: str, at: int) -> tuple[str, int]:
    """Return the character at a place, or the one behind a backslash, and the place behind it."""
    if pattern[at : at + 1] == "\\":
        at += 1
    if at >= len(pattern):
        raise _MalformedError
    return pattern[at], at + 1


def _class(pattern: str, at: int) -> tuple[_Test, int]:
    """Read `[a-z]` from behind its bracket."""
    wanted = pattern[at : at + 1] != "^"
    at += not wanted
    ranges: list[tuple[str, str]] = []
    while not (ranges and pattern[at : at + 1] == "]"):
        low, at = _bound(pattern, at)
        high = low
        if pattern[at : at + 1] == "-":
            high, at = _bound(pattern, at + 1)
        ranges.append((low, high))
    return lambda char: any(low <= char <= high for low, high in ranges) == wanted, at + 1


def _bound(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at : at + 1] in {"-", "]"}:
        raise _MalformedError
    return _literal(pattern, at)
