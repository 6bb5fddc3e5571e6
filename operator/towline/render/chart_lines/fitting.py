"""Compare what a template or a file of values says with what was rendered of it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from towline.render import documents
from towline.render.chart_lines.outline import TOKEN
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.marks.sites import text

_TOKEN = re.compile(f"{TOKEN}\\d+\ue001")
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_WORD = re.compile(r"[A-Za-z][\w./-]*")
_LONGEST = 10_000
"""Characters of a text that is compared by its parts."""


def fits(rest: str, value: Any) -> bool:
    """Tell whether the end of a line, with actions in it, may have become a value."""
    if TOKEN not in rest:
        return _is_literal(rest, value)
    bare = rest.partition(" #")[0].strip()
    quoted = len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\""
    return _spread(bare[1:-1] if quoted else bare, _TOKEN, text(value))


def is_one_action(rest: str) -> bool:
    """Tell whether the end of a line is one action, be it in quotes."""
    return bool(_TOKEN.fullmatch(rest.strip().strip("\"'")))


def same(held: Any, value: Any) -> bool:
    """Tell whether a scalar of a file of values is what was rendered, be it through `tpl`, `b64enc` or in a text."""
    if isinstance(held, (dict, list)) or held is None:
        return False
    written, rendered = text(held).strip(), text(value).strip()
    if written == rendered or decoded(rendered) == written:
        return True
    return "{{" in written[:_LONGEST] and len(written) < _LONGEST and _spread(written, _ACTION, rendered)


def is_part(held: Any, value: Any) -> bool:
    """Tell whether a scalar is a part of what was rendered, not a piece of a longer word."""
    if isinstance(held, (dict, list)) or held is None or not text(held):
        return False
    return bool(re.search(rf"(?<!\w){re.escape(text(held))}(?!\w)", text(value)[:_LONGEST]))


def _is_literal(rest: str, value: Any) -> bool:
    if isinstance(value, str) and _WORD.fullmatch(rest):
        return rest == value
    try:
        found = documents.parse(f"v: {rest}".encode(), YamlLimits())
    except DocumentErrors:
        return False
    held = found[0].value.get("v") if found and isinstance(found[0].value, dict) else None
    return bool(held == value or (not isinstance(held, (dict, list)) and text(held) == text(value)))


def _spread(pattern: str, hole: re.Pattern[str], value: str) -> bool:
    """Tell whether the parts of a text between holes are in a value, one after the other; nothing is tried twice."""
    first, *rest = hole.split(pattern)
    if not rest or not value.startswith(first):
        return not rest and value == first
    *middle, last = rest
    at = len(first)
    for part in middle:
        found = value.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(value) - len(last) >= at and value.endswith(last)


def decoded(value: str) -> str | None:
    """Return what a text is in base64; None where it is none."""
    try:
        return (
            base64.b64decode(value, validate=True).decode().strip() if len(value) % 4 == 0 and value else None
        )
    except (binascii.Error, UnicodeDecodeError):
        return None
