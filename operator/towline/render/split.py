"""Decode a file and split it into documents, at the separators of kubectl."""

from __future__ import annotations

import codecs
import json
import json.scanner
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias, cast


class Piece(NamedTuple):
    """The text of one document; `line` is 0-based, `json` says that it is valid JSON, not only YAML."""

    text: str
    line: int
    json: bool = False


class FileFault(NamedTuple):
    """One error of a file; `line` is 1-based, and `message` never quotes a value."""

    line: int
    message: str


_Scan: TypeAlias = Callable[[str, int], tuple[Any, int]]

_SEPARATOR = re.compile(r"---[ \t]*(.*)\n?")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAG_LINES = 50
"""Lines with a %TAG directive of one document: libyaml compares each with each, and holds up all threads meanwhile."""
_LINE_ENDS = "\n\u2028\u2029"
_WINDOW = 256 * 1024
"""How many characters are searched at once: a regular expression holds up all other threads."""
_CONTENT = re.compile("(?:^|[\u2028\u2029])[ \t]*[^ \t\n\u2028\u2029#]", re.MULTILINE)


def split(content: bytes, give_way: Callable[[], None] = lambda: None) -> Iterator[Piece | FileFault]:
    """Yield the documents of a file in order, and between them what is wrong with its text.

    Args:
        content: the bytes of the file.
        give_way: called again and again while something long is read.
    """
    text = _decoded(content)
    start = line = 0
    for separator in _separators(text):
        yield from _piece(text[start : separator.start()], line, give_way)
        line += text.count("\n", start, separator.start())
        if separator[1] and not separator[1].startswith("#"):
            yield FileFault(
                line + 1, "a line that begins with --- separates documents and may hold only a comment"
            )
        line += 1
        start = separator.end()
    yield from _piece(text[start:], line, give_way)


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


def _piece(text: str, line: int, give_way: Callable[[], None]) -> Iterator[Piece | FileFault]:
    if not _found(_CONTENT, text):
        return
    if bad := _forbidden(text, give_way):
        yield FileFault(line + text.count("\n", 0, bad.start()) + 1, _complaint(bad[0]))
        return
    if sum(text.count(f"{end}%TAG") for end in _LINE_ENDS) > _TAG_LINES:
        yield FileFault(line + 1, f"more than {_TAG_LINES} lines that begin with %TAG: remove them")
        return
    found = tuple(_json(text, line, give_way)) if text.lstrip().startswith("{") else ()
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


def _forbidden(text: str, give_way: Callable[[], None]) -> re.Match[str] | None:
    """Find a character that YAML does not allow; a file may be one line of many MiB."""
    for start in range(0, len(text), _WINDOW):
        if match := _FORBIDDEN.search(text, start, start + _WINDOW):
            return match
        give_way()
    return None


def _complaint(char: str) -> str:
    if "\ud800" <= char <= "\udfff":
        return "the text is not valid UTF-8"
    return f"the character U+{ord(char):04X} is not allowed in YAML"


def _no_constant(_: str) -> None:
    raise ValueError


_JSON = json.JSONDecoder(parse_constant=_no_constant)
_SPACE = re.compile(r"[ \t\r\n]*")


def _unhurried_json(give_way: Callable[[], None]) -> json.JSONDecoder:
    """Read long texts in Python instead of in C: several times slower, but others go on before each value."""

    def scan(scan_once: _Scan) -> _Scan:
        def scanned(text: str, place: int) -> tuple[Any, int]:
            give_way()
            return scan_once(text, place)

        return scanned

    def array(begun: tuple[str, int], scan_once: _Scan) -> Any:
        return parse_array(begun, scan(scan_once))

    def mapping(begun: tuple[str, int], strict: bool, scan_once: _Scan, *hooks: Any) -> Any:  # noqa: FBT001  json calls it so
        return parse_object(begun, strict, scan(scan_once), *hooks)

    decoder: Any = json.JSONDecoder(parse_constant=_no_constant)  # typeshed lacks what makes a scanner
    parse_array, parse_object = decoder.parse_array, decoder.parse_object
    decoder.parse_array, decoder.parse_object = array, mapping
    decoder.scan_once = json.scanner.py_make_scanner(decoder)  # type: ignore[attr-defined]  # typeshed lacks it
    return cast("json.JSONDecoder", decoder)


def _json(text: str, line: int, give_way: Callable[[], None]) -> Iterator[Piece]:
    """Yield the JSON documents of a file in their order; none if it holds anything else."""
    found: list[Piece] = []
    decoder = _unhurried_json(give_way) if len(text) > _WINDOW else _JSON
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
