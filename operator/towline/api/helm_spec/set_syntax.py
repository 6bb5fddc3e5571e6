"""Read what follows `--set` on Helm's command line: paths with dots and indexes, and typed values."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DEEPEST = 30
"""Helm's own limit."""

_LAST_INDEX = 999
_EMPTY = 20_000
"""Items that one text may put into lists before those that it names: a few characters would take much memory."""

_WHOLE = re.compile(r"0|[+-]?[1-9][0-9]{0,18}", re.ASCII)
_INT64 = 2**63
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_COMMA = re.compile(r"(?<!\\),")


class SetSyntaxError(ValueError):
    """A text cannot be read; the message quotes no value."""


def applied(text: str, values: Mapping[str, Any], *, texts_only: bool = False) -> dict[str, Any]:
    """Return values with what a text sets, such as `a.b=1,list[0]=x`.

    Args:
        text: one or more assignments, with commas between them.
        values: what they are set in; they stay as they are.
        texts_only: whether every value is a string, as with `--set-string`.

    Raises:
        SetSyntaxError: it cannot be read.
    """
    changed = copy.deepcopy(dict(values))
    reader = _SetText(text, texts_only)
    while not reader.is_done:
        _key(reader, changed, 0)
    return changed


def assignment(name: str, value: str) -> str:
    """Return the text that sets one value: commas belong to it, unless it is a list in braces."""
    is_list = value.startswith("{") and value.endswith("}")
    return f"{name}={value if is_list else _COMMA.sub(chr(92) + ',', value)}"


def literal(name: str, value: str) -> str:
    """Return the text that sets one value in which nothing has a meaning, but for its type."""
    escaped = re.sub(r"([\\,])", r"\\\1", value)
    return f"{name}={chr(92) if escaped.startswith('{') else ''}{escaped}"


@dataclass(slots=True)
class _SetText:
    text: str
    texts_only: bool
    at: int = 0
    room: int = _EMPTY

    @property
    def is_done(self) -> bool:
        return self.at >= len(self.text)

    def until(self, ends: str) -> tuple[str, str]:
        """Return what is before one of some characters, without escapes, and that one, empty at the end."""
        found: list[str] = []
        while not self.is_done:
            one = self.text[self.at]
            self.at += 1
            if one in ends:
                return "".join(found), one
            if one == "\\":
                one = self.text[self.at : self.at + 1]
                self.at += 1
            found.append(one)
        return "".join(found), ""

    def typed(self, text: str) -> Any:
        if self.texts_only:
            return text
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        if _WHOLE.fullmatch(text) and -_INT64 <= (number := int(text)) < _INT64:
            return number
        return text

    def value(self) -> Any:
        if self.text[self.at : self.at + 1] == "{":
            self.at += 1
            return self._list()
        found, _ = self.until(",")
        return self.typed(found)

    def _list(self) -> list[Any]:
        found: list[Any] = []
        while True:
            text, end = self.until(",}")
            if not end:
                raise SetSyntaxError("a list must end with }")
            found.append(self.typed(text))
            if end == "}":
                break
        if not self.is_done and self.text[self.at] != ",":
            raise SetSyntaxError("a comma or the end is expected after a list")
        self.at += 1
        return found


def _key(reader: _SetText, values: dict[str, Any], depth: int) -> None:
    if depth > _DEEPEST:
        raise SetSyntaxError(f"a name has more than {_DEEPEST} steps")
    name, end = reader.until("=[,.")
    before = values.get(name)
    found: Any
    if end == "=":
        found = reader.value()
    elif end == "[":
        found = _item(reader, list(before) if isinstance(before, list) else [], _index(reader), depth)
    elif end == ".":
        found = before if isinstance(before, dict) else {}
        _key(reader, found, depth + 1)
    else:
        raise SetSyntaxError(f"{name} has no value" if name else "a name is missing")
    if name:
        values[name] = found


def _index(reader: _SetText) -> int:
    text, end = reader.until("]")
    if not end or not text.isascii() or not text.isdigit():
        raise SetSyntaxError("an index must be a number between [ and ]")
    if len(text) > len(str(_LAST_INDEX)):
        raise SetSyntaxError(f"an index is greater than {_LAST_INDEX}")
    return int(text)


def _item(reader: _SetText, items: list[Any], at: int, depth: int) -> list[Any]:
    if depth > _DEEPEST:
        raise SetSyntaxError(f"a name has more than {_DEEPEST} steps")
    between, end = reader.until("[.=")
    if between or not end:
        raise SetSyntaxError("after an index, one of = . [ is expected")
    before = items[at] if at < len(items) else None
    reader.room -= max(at + 1 - len(items), 0)
    if reader.room < 0:
        raise SetSyntaxError(f"lists would have more than {_EMPTY} items that nothing sets")
    items += [None] * (at + 1 - len(items))
    if end == "=":
        items[at] = reader.value()
    elif end == "[":
        inner = list(before) if isinstance(before, list) else []
        items[at] = _item(reader, inner, _index(reader), depth + 1)
    else:
        nested = before if isinstance(before, dict) else {}
        _key(reader, nested, depth + 1)
        items[at] = nested
    return items
