"""Build the value of one document from parser events: keys, duplicates, merges, and errors for the rest."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from towline import text
from towline.render import scalars, yaml_events
from towline.render.anchors import Anchors, ExhaustedError, Extents, Room
from towline.render.split import FileFault, Piece
from towline.render.yaml_events import Mark, Span, Spans

_FAULTS = 100  # of one document; a generated file may repeat its mistake in every line
_SHOWN_KEY = 100  # bytes
_TURN = 0x3FF  # keys and values, about 5 ms; the count of the last ones is a number that ends in so many ones

_NO_KEY = "a key is a list or a map: quote it; if the file is a template, name it in spec.exclude"
_BEHIND = "content after the end of the document; write a line with --- before it"
_CORE_COLLECTIONS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


class Composed(NamedTuple):
    """What one document holds.

    `line` is that of its root, 1-based. `places` says for each collection of `value`, by its id, in which lines each
    key with its value, or each item, is; it is empty unless it was asked for. `faults` are in no order; where there
    are any, `value` means nothing. `extents` measure a value that aliases made, None where none did.
    """

    value: Any
    line: int
    faults: tuple[FileFault, ...]
    places: Mapping[int, Mapping[str | int, Span]]
    extents: Extents | None


class _StopError(Exception):
    """The rest of the document cannot be read."""


def compose(piece: Piece, *, depth: int, room: Room, placed: bool = False) -> Composed:
    """Read one document.

    Args:
        piece: its text.
        depth: how deep collections may be nested.
        room: how much the file may still hold; this document is subtracted from it.
        placed: whether `places` is wanted.
    """
    reader = _Reader(piece, depth, room, placed=placed)
    value = reader.document()
    extents = reader.anchors.extents if reader.anchors.used else None
    return Composed(value, reader.line, tuple(reader.faults), reader.places, extents)


class _Reader:
    """Reads one document; recursion is bounded by `depth`, in what is written as in what aliases make of it."""

    def __init__(self, piece: Piece, depth: int, room: Room, *, placed: bool) -> None:
        self.faults: list[FileFault] = []
        self.places: dict[int, dict[str | int, Span]] = {}
        self.line = piece.line + 1
        self._first = piece.line + 1
        self._spans = Spans(piece) if placed else None
        self._next = self._spans.next if self._spans else yaml_events.of(piece)
        self._depth = depth
        self._room = room
        self.anchors = Anchors(room)

    def document(self) -> Any:
        """Return the value of the only document, None where there is none."""
        ended = False
        try:
            self._next()
            if not isinstance(self._next(), DocumentStartEvent):
                return None
            root = self._next()
            self.line = self._first + root.start_mark.line
            value = self._value(root, 0)
            ended = True
            self._next()
            if not isinstance(event := self._next(), StreamEndEvent):
                self._fault(event, _BEHIND)
        except yaml.YAMLError as error:
            line, message = yaml_events.fault(error)
            behind = ended and not message.startswith(yaml_events.NOT_A_KEY)
            self.faults.append(FileFault(self._first + line, _BEHIND if behind else message))
        except _StopError:
            pass
        else:
            return value
        return None

    def _fault(self, event: Any, message: str) -> None:
        self.faults.append(FileFault(self._first + event.start_mark.line, message))
        if len(self.faults) == _FAULTS:
            raise _StopError

    def _stop(self, event: Event, message: str) -> NoReturn:
        self._fault(event, message)
        raise _StopError

    def _value(self, event: Any, depth: int) -> Any:
        """Return the JSON value that begins with `event`, inside `depth` collections."""
        try:
            raw = self._raw(event, depth)
            return scalars.value(raw) if raw.__class__ is float else raw
        except scalars.RefusedError as error:
            self._fault(event, str(error))
            return None

    def _raw(self, event: Any, depth: int) -> Any:
        """Return a value before it becomes JSON, because as a key a float is spelled differently."""
        self._room.nodes -= 1
        if self._room.nodes & _TURN == 0:
            self._room.give_way()
        if self._room.nodes < 0:
            self._stop(event, "the file holds more keys and values than are read of one file: split it")
        kind = event.__class__
        anchor = event.anchor
        if kind is ScalarEvent:
            if anchor is None:
                return _scalar(event)
            if self._spans:
                self._spans.define(event)
            self.anchors.define(anchor, None)  # if the scalar is refused, its aliases are no second fault
            return self.anchors.define(anchor, _scalar(event))
        if kind is AliasEvent:
            return self._alias(event, depth)
        if depth == self._depth:
            self._stop(event, f"nested more than {self._depth} levels deep")
        opened = None if anchor is None else self.anchors.open(anchor)
        if event.tag is not None and event.tag not in _CORE_COLLECTIONS:
            self._fault(event, scalars.UNKNOWN_TAG)
        raw = self._mapping(depth + 1) if kind is MappingStartEvent else self._sequence(depth + 1)
        if anchor is not None:
            self.anchors.close(anchor, opened, raw)
        return raw

    def _alias(self, event: Any, depth: int) -> Any:
        try:
            return self.anchors.resolve(event.anchor, self._depth - depth)
        except ExhaustedError as error:
            self._stop(event, str(error))

    def _sequence(self, depth: int) -> list[Any]:
        value: list[Any] = []
        spans: dict[str | int, Span] = {}
        while (item := self._next()).__class__ is not SequenceEndEvent:
            value.append(self._value(item, depth))
            if self._spans:
                spans[len(value) - 1] = self._spans.of(item, item)
        if self._spans:
            self.places[id(value)] = spans
        return value

    def _mapping(self, depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        lines: dict[str, Mark] = {}
        spans: dict[str | int, Span] = {}
        while (event := self._next()).__class__ is not MappingEndEvent:
            if event.__class__ is ScalarEvent and event.value == "<<" and _is_merge(event):
                self._merge(value, spans, depth)
                continue
            key = self._key(event, depth)
            if key in lines:
                self._duplicate(event, str(key), lines[str(key)])
            first = self._next()
            found = self._value(first, depth)
            if key is not None:
                lines[key] = event.start_mark
                value[key] = found
                if self._spans:
                    spans[key] = self._spans.of(event, first)
        if self._spans:
            self.places[id(value)] = spans
        return value

    def _key(self, event: Any, depth: int) -> str | None:
        try:
            raw = self._raw(event, depth)
            if raw.__class__ is str:
                return sys.intern(raw)
            if isinstance(raw, (dict, list)):
                self._fault(event, _NO_KEY)
                return None
            return scalars.key(raw)
        except scalars.RefusedError as error:
            self._fault(event, str(error))
            return None

    def _duplicate(self, event: Event, key: str, first: Mark) -> None:
        shown = text.printable(key, _SHOWN_KEY)
        where = f"line {self._first + first.line}"
        self._fault(event, f'the key "{shown}" is in {where} already: remove one of them')

    def _merge(self, value: dict[str, Any], spans: dict[str | int, Span], depth: int) -> None:
        """Take the entries of `<<` over, also where the map has them already, as kubectl does."""
        event = self._next()
        told = len(self.faults)
        raw = self._value(event, depth)
        sources = raw if event.__class__ is SequenceStartEvent else [raw]
        # what was refused, here or at its anchor, is None, and no second fault
        is_refused = len(self.faults) > told or (bool(self.faults) and event.__class__ is not ScalarEvent)
        wrong = [source for source in sources if not isinstance(source, dict)]
        if wrong:
            if not is_refused or any(source is not None for source in wrong):
                self._fault(event, "<< takes a map, or a list of maps")
            return
        for source in reversed(sources):  # the first one of a list wins
            value.update(source)
            if self._spans:
                spans.update(self._spans.merged(event, self.places.get(id(source), {})))


def _scalar(event: Any) -> scalars.Scalar:
    text: str = event.value
    if event.tag is None:
        return scalars.plain(text) if event.implicit[0] else text
    return scalars.tagged(text, event.tag)


def _is_merge(event: Any) -> bool:
    """Whether `<<` means a merge; in quotes it is a key like any other."""
    return event.tag == scalars.MERGE or (event.tag is None and event.implicit[0])
