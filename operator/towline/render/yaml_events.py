"""Read documents as libyaml events, from libyaml itself or from the tokens of valid JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeAlias

import yaml
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from towline.render.split import Piece

NOT_A_KEY = "mapping values are not allowed in this context"
"""What libyaml says of a colon behind what it took for a scalar, though it was to be a key."""


class Mark(Protocol):
    """Where an event begins; `line` is 0-based."""

    @property
    def line(self) -> int:
        """The line in the piece."""


class Span(NamedTuple):
    """The lines (0-based, in the piece) of a key with its value, or of an item.

    Of a collection that is not empty only the first counts. `anchored` are the first and the last line of the text that
    an alias stands for. `by` are the lines of merge keys that bring the key into its map.
    """

    line: int
    end: int
    is_alias: bool = False
    anchored: tuple[int, int] | None = None
    by: tuple[int, ...] = ()


Next: TypeAlias = Callable[[], Any]
"""Returns the next event of a document, as PyYAML defines them; raises yaml.YAMLError where there is none to be had."""


def of(piece: Piece) -> Next:
    """Read one document, from its stream start to its stream end."""
    return _json(piece.text).__next__ if piece.json else CParser(piece.text).get_event


def fault(error: yaml.YAMLError) -> tuple[int, str]:
    """Return the line (0-based) and what libyaml says: its words are about tokens, never about values."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return 0, "the text is not YAML"
    mark, context = error.problem_mark or error.context_mark, error.context_mark
    if context and mark and (bracket := _UNCLOSED.get(str(error.problem))):
        where = f" in line {mark.line + 1}" if mark.line != context.line else ""
        return context.line, f'"{bracket}" is never closed, or a "," is missing{where}'
    line = mark.line if mark else 0
    words = " ".join(filter(None, (error.problem, error.context)))
    since = f" that begins {line - context.line} lines above" if context and context.line != line else ""
    return line, words + since


_UNCLOSED = MappingProxyType(
    {"did not find expected ',' or ']'": "[", "did not find expected ',' or '}'": "{"}
)
"""What libyaml says of a bracket that is still open, far below the line where it begins."""


class Spans:
    """Reads one document as `of` does, and notes in which lines its values are, as Git counts lines."""

    def __init__(self, piece: Piece) -> None:
        self._read = of(piece)
        self._last: Any = None
        self._rows = piece.text.split("\n")
        self._anchored: dict[str, tuple[int, int]] = {}
        self._counted = _counted(piece.text) if not piece.json and _MORE_BREAKS.search(piece.text) else None

    def next(self) -> Any:
        """Return the next event."""
        self._last = self._read()
        return self._last

    def of(self, beginning: Any, first: Any) -> Span:
        """Return the lines of a value that was just read, from the event that begins its key, or the value itself.

        Args:
            beginning: the event at which its lines begin.
            first: the first event of the value.
        """
        line = self._line(beginning.start_mark)
        kind: type = first.__class__
        if kind is AliasEvent:
            anchored = self._anchored.get(first.anchor)
            return Span(line, self._line(first.start_mark), is_alias=True, anchored=anchored)
        return Span(line, self._end(self._last))

    def define(self, scalar: Any) -> None:
        """Note the lines of a text that has an anchor."""
        self._anchored[scalar.anchor] = (self._line(scalar.start_mark), self._end(scalar))

    def merged(self, beginning: Any, spans: Mapping[str | int, Span]) -> dict[str | int, Span]:
        """Return the lines of what a merge key brings, which begins with an event."""
        line = self._line(beginning.start_mark)
        return {key: span._replace(by=(*span.by, line)) for key, span in spans.items()}

    def _end(self, event: Any) -> int:
        if event.end_mark is None:
            return self._line(event.start_mark)
        end = self._line(event.end_mark)
        if getattr(event, "style", None) not in {"|", ">"}:
            return end
        end -= not event.end_mark.column
        start = self._line(event.start_mark)
        if not event.value.endswith("\n\n"):
            while end > start and not (end < len(self._rows) and self._rows[end].strip()):
                end -= 1
        return end

    def _line(self, mark: Mark) -> int:
        return self._counted[mark.line] if self._counted else mark.line


_BREAKS = re.compile("\r\n|[\n\r\u2028\u2029]")
_MORE_BREAKS = re.compile("\r(?!\n)|[\u2028\u2029]")
"""What ends a line for libyaml and not for Git."""


def _counted(text: str) -> list[int]:
    """Return for each line of libyaml that of Git."""
    counted = [0]
    for found in _BREAKS.finditer(text):
        counted.append(counted[-1] + found[0].endswith("\n"))
    return counted


class _Line:
    """A mark of a JSON token."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        self.line = line


_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]|[^\s,:\[\]{}"]+')
_PLAIN = (True, False)
_QUOTED = (False, True)
_REAL = "tag:yaml.org,2002:float"
_BRACKETS: Mapping[str, Callable[[Any], Event]] = MappingProxyType(
    {
        "{": lambda mark: MappingStartEvent(None, None, implicit=True, start_mark=mark),
        "}": MappingEndEvent,
        "[": lambda mark: SequenceStartEvent(None, None, implicit=True, start_mark=mark),
        "]": SequenceEndEvent,
    }
)


def _json(text: str) -> Iterator[Event]:
    yield StreamStartEvent()
    yield DocumentStartEvent()
    line = end = 0
    for token in _TOKEN.finditer(text):
        line += text.count("\n", end, token.start())
        end = token.end()
        bracket = _BRACKETS.get(token[0])
        yield bracket(_Line(line)) if bracket else _scalar(token[0], _Line(line))
    yield DocumentEndEvent()
    yield StreamEndEvent()


def _scalar(token: str, mark: Any) -> ScalarEvent:
    if token.startswith('"'):
        return ScalarEvent(None, None, _QUOTED, _text(token, mark), start_mark=mark, style='"')
    real = token[0] in "-0123456789" and any(char in token for char in ".eE")
    # with this tag, a number too large for a float is refused, as in JSON; without it, it is text, as in YAML
    return ScalarEvent(None, _REAL if real else None, _PLAIN, token, start_mark=mark)


def _text(token: str, mark: Any) -> str:
    text: str = json.loads(token)
    if "\\u" in token and any("\ud800" <= char <= "\udfff" for char in text):
        problem = "found half of a surrogate pair"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
    return text
