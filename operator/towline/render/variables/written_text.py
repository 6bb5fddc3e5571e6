"""Write a text as Flux has it before it, when it fills in variables, and read what comes out of that.

Flux fills variables into the YAML that kustomize prints, where `"${N}"` has lost its quotes, and reads the result
again: so 3 becomes a number, `[a, b]` a list, and a value behind `#` a comment. A text is written here alone, as
go-yaml writes it: in block style where it has several lines, else without quotes where they are not needed.
What its neighbours are does not matter, because the values of variables have no line breaks. Long lines are not
folded: Flux folds them at 80 characters, and so loses spaces around variables that are empty.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import yaml
from yaml.events import (
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

from towline.render.anchors import Room
from towline.render.compose import compose
from towline.render.split import Piece

_PLAIN = (True, True)
_UNFOLDED = 2**30
_HOLDER = "k"


class TextPlace(Enum):
    """Where a text is in a manifest."""

    KEY = "key"
    VALUE = "value"
    ITEM = "item"


class NotYamlError(ValueError):
    """What the variables made of a text is not YAML."""


def written(text: str, place: TextPlace) -> str:
    """Return a text as YAML: alone, and one level deep."""
    return str(yaml.emit(_events(text, place), Dumper=yaml.CSafeDumper, allow_unicode=True, width=_UNFOLDED))


def read(written_text: str, place: TextPlace, *, depth: int, room: Room) -> Any:
    """Return the value of a text after its variables were filled in.

    Args:
        written_text: what `written` returned, expanded.
        place: where it is.
        depth: how deep the value may be nested.
        room: what the value may hold.

    Raises:
        NotYamlError: it is not YAML, or more than one value, or none that may be there.
    """
    composed = compose(Piece(written_text, 0), depth=depth + 2, room=room)
    if composed.faults:
        raise NotYamlError(composed.faults[0].message)
    match place, composed.value:
        case TextPlace.VALUE, {"k": value, **rest} if not rest:
            return value
        case TextPlace.ITEM, {"k": [value]}:
            return value
        case TextPlace.KEY, {"k": {**keys}} if len(keys) == 1:
            return next(iter(keys))
    raise NotYamlError("it is more than one value")


def _events(text: str, place: TextPlace) -> list[Event]:
    scalar = _scalar(text, "|" if "\n" in text else None)
    inner: list[Event] = [scalar]
    if place is TextPlace.KEY:
        inner = [_map(), scalar, _scalar("0"), MappingEndEvent()]
    elif place is TextPlace.ITEM:
        begin = SequenceStartEvent(None, None, implicit=True, flow_style=False)
        inner = [begin, scalar, SequenceEndEvent()]
    head = [StreamStartEvent(), DocumentStartEvent(explicit=False), _map(), _scalar(_HOLDER)]
    return [*head, *inner, MappingEndEvent(), DocumentEndEvent(explicit=False), StreamEndEvent()]


def _map() -> MappingStartEvent:
    return MappingStartEvent(None, None, implicit=True, flow_style=False)


def _scalar(text: str, style: str | None = None) -> ScalarEvent:
    return ScalarEvent(None, None, _PLAIN, text, style=style)
