"""Say in which lines of a file each leaf of an object is written, and through which aliases and merge keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from towline.fields import pointer
from towline.model import Origin
from towline.render import documents
from towline.render.documents import Places, YamlLimits
from towline.render.yaml_events import Span


class Lines(NamedTuple):
    """Lines of a file, 1-based, the last one included."""

    first: int
    last: int


class LeafLines(NamedTuple):
    """Where a leaf is written: `own` are the lines of its key with its value, or of the item.

    `through` are those of the aliases and merge keys by which it is in the object, and of the text that an alias stands
    for: whoever changes one of them changes the leaf.
    """

    own: Lines
    through: tuple[Lines, ...] = ()


def leaf_lines(content: bytes, origin: Origin, limits: YamlLimits) -> Mapping[str, LeafLines]:
    """Return the lines of each leaf of an object, by JSON pointers into it as the file writes it.

    A leaf is a scalar, or a map or list that is empty.

    Args:
        content: the file.
        origin: which of its objects.
        limits: those that the file was parsed with.
    """
    places = documents.places_of(content, origin.document, limits)
    if places is None:
        return {}
    value = places.value
    through: tuple[Lines, ...] = ()
    for step in ("items", origin.item) if origin.item >= 0 else ():
        span = places.spans(value).get(step)
        if span is None:
            return {}
        value, through = value[step], (*through, *_through(span, places.first, value[step]))
    return dict(_leaves(places, value, "", through))


def document_leaves(content: bytes, index: int, limits: YamlLimits) -> Mapping[str, LeafLines]:
    """Return the lines of each leaf of a document, by its index among those of the file."""
    places = documents.places_of(content, index, limits)
    return dict(_leaves(places, places.value, "", ())) if places else {}


def _leaves(
    places: Places, value: Any, path: str, through: tuple[Lines, ...]
) -> Iterator[tuple[str, LeafLines]]:
    spans = places.spans(value)
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for step, child in children:
        span = spans[step]
        below = (*through, *_through(span, places.first, child))
        here = pointer.extend(path, step)
        if isinstance(child, dict | list) and child:
            yield from _leaves(places, child, here, below)
        else:
            yield here, LeafLines(Lines(places.first + span.line, places.first + span.end), below)


def _through(span: Span, first: int, value: Any) -> Iterator[Lines]:
    """Yield the lines of what brings a value to its place, without those of its own key."""
    yield from (Lines(first + line, first + line) for line in span.by)
    if span.anchored:
        yield Lines(first + span.anchored[0], first + span.anchored[1])
    elif span.is_alias and isinstance(value, dict | list) and value:
        yield Lines(first + span.line, first + span.end)
