"""Change a scalar a little, and tell whether a field that was rendered of it shows just this change."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from towline.render.chart_lines import fitting
from towline.render.marks.sites import text

MARK = "x"
"""What is put behind a text that has no digit."""

_LAST_DIGIT = re.compile(r"\d(?=\D*$)")
_MOST = 100
"""Places in a field that are compared."""


class ValueChange(NamedTuple):
    """A text, and what it becomes; without a text before, the other one is put somewhere into a field."""

    before: str
    after: str


def changed(value: Any) -> Any:
    """Return another scalar of the same kind, which templates and schemas will likely take as well."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return changed_text(text(value))


def changed_text(value: str) -> str:
    """Return another text, with the same length where it has a digit."""
    digit = _LAST_DIGIT.search(value)
    if digit is None or "{{" in value:
        return f"{value.rstrip()}{MARK}{value[len(value.rstrip()) :]}"
    return f"{value[: digit.start()]}{(int(digit[0]) + 1) % 10}{value[digit.end() :]}"


def change(value: Any) -> ValueChange:
    """Return what changing a scalar does to a field that is rendered of it."""
    before = text(value)
    return ValueChange("", MARK) if "{{" in before else ValueChange(before, text(changed(value)))


def shows(one: ValueChange, was: Any, now: Any) -> bool:
    """Tell whether a field has changed as a scalar has, be it as base64; chance and switches change it otherwise."""
    pairs = [(text(was), text(now))]
    decoded = fitting.decoded(text(was)), fitting.decoded(text(now))
    if decoded[0] is not None and decoded[1] is not None:
        pairs.append((decoded[0], decoded[1]))
    return any(old != new and _is_shown(one, old, new) for old, new in pairs)


def _is_shown(one: ValueChange, old: str, new: str) -> bool:
    before, after = one.before.strip(), one.after.strip()
    if not before:
        return any(
            new[:at] + new[at + len(after) :] == old for at in _places(new, after)
        )  # what was put in is at one of these places
    return new == old.replace(before, after) or any(
        old[:at] + after + old[at + len(before) :] == new for at in _places(old, before)
    )


def _places(whole: str, part: str) -> list[int]:
    found: list[int] = []
    at = whole.find(part)
    while at >= 0 and len(found) < _MOST:
        found.append(at)
        at = whole.find(part, at + 1)
    return found
