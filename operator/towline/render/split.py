"""Decode a file and split it into documents, at the separators of kubectl."""

from __future__ import annotations

import codecs
import json
import json.scanner
import re
from collections.abc import Iterator
from typing import NamedTuple


class Piece(NamedTuple):
    """The text of one document; `line` is 0-based, `json` says that it is valid JSON, not only YAML."""

    text: str
    line: int
    json: bool = False


class FileFault(NamedTuple):
    """One error of a file; `line` is 1-based, and `message` never quotes a value."""

    line: int
    message: str


_SEPARATOR = re.compile(r"---[ \t]*(.*)\n?")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAG_LINES = 50
"""Lines with a %TAG directive of one document: libyaml compares each with each, and holds up all threads meanwhile."""
_LINE_ENDS = "\n\u2028\u2029"
_WINDOW = 256 * 1024
"""How many characters are searched at once: a regular expression holds up all other threads."""
_CONTENT = re.compile("(?:^|[\u2028\u2029])[ \t]*[^ \t\n\u2028\u2029#]", re.MULTILINE)


def split(content: bytes) -> Iterator[Piece | FileFault]:
    """Yield the documents of a file in order, and between them what is wrong with its text."""
    text = _decoded(content)
    start = line = 0
    for separator in _separators(text):
        yield from _piece(text[start : separator.start()], line)
        line += text.count("\n", start, separator.start())
        if separator[1] and not separator[1].startswith("#"):
            yield FileFault(
                line + 1, "a line that begins with --- separates documents and may hold only a comment"
            )
        line += 1
        start = separator.end()
    yield from _piece(text[start:], line)


def _separators(text: str) -> Iterator[re.Match[str]]:
    """Find the lines that begin with `---`; looking for the few letters is ten times as fast as for a pattern."""
    newline = -1 if text.startswith("---") else text.find("\n---")
    while found := _SEPARATOR.match(text, newline + 1):
        yield found
        newline = text.find("\n---", found.end() - 1)
        if newline < 0:
            return


def _decoded(content: bytes) -> str:
    """Decode UTF-8, or UTF-16 with a byte order mark; other bytes become lone surrogates."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        even = content if len(content) % 2 == 0 else content[:-1] + b"\0\0"
        text = even.decode("utf-16", "surrogatepass")
    else:
        text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    lines = text.replace("\r\n", "\n")  # as kubectl does it, before YAML looks at what is left
    return lines.replace("\r\n", "\n").replace("\r", "\n")


def _piece(text: str, line: int) -> Iterator[Piece | FileFault]:
    if not _found(_CONTENT, text):
        return
    if bad := _found(_FORBIDDEN, text):
        yield FileFault(line + text.count("\n", 0, bad.start()) + 1, _complaint(bad[0]))
        return
    if sum(text.count(f"{end}%TAG") for end in _LINE_ENDS) > _TAG_LINES:
        yield FileFault(line + 1, f"more than {_TAG_LINES} lines that begin with %TAG: remove them")
        return
    found = tuple(_json(text, line)) if text.lstrip().startswith("{") else ()
    yield from found or (Piece(text if text.endswith("\n") else text + "\n", line),)


def _found(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Search a text window by window, each of whole lines."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + _WINDOW) + 1 or len(text)
        if match := pattern.search(text, start, end):
            return match
        start = end
    return None


def _complaint(char: str) -> str:
    if "\ud800" <= char <= "\udfff":
        return "the text is not valid UTF-8"
    return f"the character U+{ord(char):04X} is not allowed in YAML"


def _no_constant(_: str) -> None:
    raise ValueError


_JSON = json.JSONDecoder(parse_constant=_no_constant)
_LONG_JSON = json.JSONDecoder(parse_constant=_no_constant)
_LONG_JSON.scan_once = json.scanner.py_make_scanner(_LONG_JSON)  # type: ignore[attr-defined]  # typeshed lacks both
"""Reads long texts in Python instead of in C: several times slower, but other threads go on meanwhile."""
_SPACE = re.compile(r"[ \t\r\n]*")


def _json(text: str, line: int) -> Iterator[Piece]:
    """Yield the JSON documents of a file in their order; none if it holds anything else."""
    found: list[Piece] = []
    decoder = _LONG_JSON if len(text) > _WINDOW else _JSON
    start = _end_of_space(text, 0)
    line += text.count("\n", 0, start)
    try:
        while start < len(text):
            _, end = decoder.raw_decode(text, start)
            found.append(Piece(text[start:end], line, json=True))
            behind = _end_of_space(text, end)
            line += text.count("\n", start, behind)
            start = behind
    except (ValueError, RecursionError):
        return
    yield from found


def _end_of_space(text: str, start: int) -> int:
    space = _SPACE.match(text, start)
    return space.end() if space else start
