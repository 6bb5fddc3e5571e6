"""JSON that is nested too deeply to be read: it costs the object that holds it, not the list or watch that tells of it.

A custom resource may hold 3,000 levels of whatever its author likes, and the parser ends at 1,024.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

DEEPEST = 100
"""Levels that are left of a text that had too many: what Towline needs to know of an object is never as deep."""

_MARK = "(nested too deeply to be read)"
_VALUE = orjson.dumps(_MARK)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]')


class Cut(dict[str, Any]):
    """An object whose deepest parts are missing; its metadata is complete but for what is as deep."""


def cut(content: bytes) -> dict[str, Any]:
    """Parse a JSON object without what is nested too deeply; the objects that lose something are `Cut`.

    Raises:
        ValueError: it is not a JSON object, however deep.
    """
    body: Any = orjson.loads(b"".join(_shallow(content)))
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  as orjson's own errors
    if isinstance(items := body.get("items"), list):
        return {**body, "items": [_marked(item) for item in items]}
    if isinstance(held := body.get("object"), dict):
        return {**body, "object": _marked(held)}
    return Cut(body) if _has_mark(body) else body


def _shallow(content: bytes) -> Iterator[bytes]:
    """Yield the text with a mark in the place of each object or list that is too deep."""
    depth, kept = 0, 0
    for token in _TOKEN.finditer(content):
        match token[0]:
            case b"{" | b"[":
                depth += 1
                if depth == DEEPEST + 1:
                    yield content[kept : token.start()]
            case b"}" | b"]":
                if depth == DEEPEST + 1:
                    yield _VALUE
                    kept = token.end()
                depth -= 1
    if depth <= DEEPEST:
        yield content[kept:]


def _marked(held: Any) -> Any:
    return Cut(held) if isinstance(held, dict) and _has_mark(held) else held


def _has_mark(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_mark, value.values()))
    if isinstance(value, list):
        return any(map(_has_mark, value))
    return bool(value == _MARK)
