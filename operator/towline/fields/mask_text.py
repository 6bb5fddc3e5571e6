"""Remove secrets from text that quotes an object."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

SHORT = 4
"""Shorter secrets are replaced only where they are a word of their own: messages must stay readable."""

_LINE = 8
"""From this length on, each line of a longer secret counts as a secret itself."""

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|`([^`]*)`')
_GO = {code: f"\\x{code:02x}" for code in (*range(32), 127)}
_GO |= {ord(char): f"\\{letter}" for char, letter in zip('\a\b\t\n\v\f\r"\\', 'abtnvfr"\\', strict=True)}

_HTML = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
"""What Go's JSON escapes besides, so that a page or a script can hold it."""


def without(message: str, secrets: Iterable[str], names: AbstractSet[str]) -> str:
    """Return `message` with `***` for every secret in it: plain, in base64, or escaped as Go and JSON do.

    Args:
        message: the whole text.
        secrets: the values, none of them empty.
        names: what the message may name, even where a secret looks the same or is a part of it.
    """
    forms = frozenset(form for secret in secrets for form in _forms(secret) if form.strip())
    found = sorted((word for word in forms | names if word in message), key=len, reverse=True)
    if not found:
        return _without_pieces(message, forms, names)
    pattern = "|".join(
        _bounded(word) if word in names or len(word) < SHORT else re.escape(word) for word in found
    )
    shown = re.sub(pattern, lambda match: match[0] if match[0] in names else "***", message)
    return _without_pieces(shown, forms, names)


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield secret.strip()
    if len(secret) >= SHORT:
        yield base64.b64encode(secret.encode("utf-8", "replace")).decode().rstrip("=")
    for once in set(_escaped(secret)):
        yield once
        yield from _escaped(once)
    yield from (line for line in map(str.strip, secret.splitlines()) if len(line) >= _LINE)


def _escaped(text: str) -> Iterator[str]:
    yield text.translate(_GO)
    yield json.dumps(text)[1:-1]
    yield (bare := json.dumps(text, ensure_ascii=False)[1:-1])
    yield bare.translate(_HTML)


def _without_pieces(message: str, forms: AbstractSet[str], names: AbstractSet[str]) -> str:
    """Empty quotations that are pieces of a secret, because servers shorten what they quote."""

    def emptied(quoted: re.Match[str]) -> str:
        content = next(group for group in quoted.groups() if group is not None)
        piece = content.rstrip(".…")
        if len(piece) < SHORT or content in names or not any(piece in form for form in forms):
            return quoted[0]
        return f"{quoted[0][0]}***{quoted[0][-1]}"

    return _QUOTED.sub(emptied, message)


def _bounded(word: str) -> str:
    return rf"(?<![\w.-]){re.escape(word)}(?![\w-]|\.\w)"
