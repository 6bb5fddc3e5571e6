"""Text by others, made fit for a status, an annotation or an event."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that change how a line reads and are not seen: controls, direction marks, surrogates."""


def many(count: int, noun: str) -> str:
    """Return a count with its noun: `1 object`, `3 objects`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def printable(text: str, limit: int = 1024) -> str:
    """Return `text` as one line of visible characters, at most `limit` bytes of UTF-8 (`…` marks a cut)."""
    visible = text[: 4 * limit]
    if not visible.isprintable():
        visible = "".join(" " if unicodedata.category(char) in _HIDDEN else char for char in visible)
    line = " ".join(visible.split())
    encoded = line.encode()
    if len(encoded) <= limit and len(text) <= 4 * limit:
        return line
    return encoded[: limit - 3].decode(errors="ignore").rstrip() + "…"
