"""Make text fit for a status, an annotation or an Event."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that change how a line reads and are not seen: controls, direction marks, surrogates."""


def many(count: int, noun: str) -> str:
    """Return a count with its noun: `1 object`, `3 objects`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def size(count: int) -> str:
    """Return a number of bytes as a person writes it: `10 MiB`, `1000 bytes`."""
    mebibytes, rest = divmod(count, 1024**2)
    return f"{mebibytes} MiB" if mebibytes and not rest else f"{count} bytes"


def is_hidden(char: str) -> bool:
    """Tell whether a character is not seen, but changes how a line reads: a control, a direction mark, a surrogate."""
    return unicodedata.category(char) in _HIDDEN


def printable(text: str, limit: int = 1024) -> str:
    """Return `text` as one line of visible characters, at most `limit` bytes of UTF-8 (`…` marks a cut)."""
    visible = text[: 4 * limit]
    if not visible.isprintable():
        visible = "".join(" " if is_hidden(char) else char for char in visible)
    line = " ".join(visible.split())
    encoded = line.encode()
    if len(encoded) <= limit and len(text) <= 4 * limit:
        return line
    return encoded[: limit - 3].decode(errors="ignore").rstrip() + "…"


def visible(line: str, limit: int = 64 * 1024) -> str:
    """Return a line as it is, blanks and tabs included, without what a terminal would obey; it is cut after `limit`."""
    shown = line if len(line) <= limit else f"{line[:limit]}…"
    if shown.isprintable():
        return shown
    return "".join(char for char in shown if char == "\t" or not is_hidden(char))


def timestamp(moment: datetime) -> str:
    """Return an aware time as the API server writes it: RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def dotted(pointer: str) -> str:
    """Return a JSON pointer as people write a field: `spec.template.spec.containers[0].image`."""
    found = ""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if name.isdigit() or not name.replace("-", "").replace("_", "").isalnum():
            found += f"[{name}]"
        else:
            found += f".{name}" if found else name
    return found


def duration(seconds: float) -> str:
    """Return seconds as a spec writes them: `5s`, `90s`, `5m`, `2h`."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"
