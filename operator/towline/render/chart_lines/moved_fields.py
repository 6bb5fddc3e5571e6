"""Compare two renders of a chart: which fields of which objects have another value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import orjson

from towline.fields import pointer
from towline.model import Manifest
from towline.render.marks.likelihood import Field
from towline.render.units.references import Steps


class MovedField(NamedTuple):
    """What a field was, and what it is now."""

    was: Any
    now: Any


MovedFields: TypeAlias = Mapping[tuple[int, Steps], MovedField]
"""Fields by the index of their object, and the way to them."""


def moved(before: Sequence[Manifest], after: Sequence[Manifest]) -> MovedFields:
    """Return the fields that have another value; those that came or went are left out, and what chance sets, too."""
    return {
        (at, steps): found
        for at, other in _pairs(before, after)
        if before[at].content != other.content
        for steps, found in _different(orjson.loads(before[at].content), orjson.loads(other.content), ())
        if not _is_left(before[at], steps)
    }


def index_of(manifests: Sequence[Manifest], field: Field) -> int | None:
    """Return to which object a field belongs, which may have been given a namespace since; None where to none."""
    metadata = field.body["metadata"]
    group = str(field.body["apiVersion"]).rpartition("/")[0]
    wanted = (group, field.body["kind"], metadata.get("name"))
    namespaces = {"", metadata.get("namespace") or ""}
    return next(
        (
            at
            for at, one in enumerate(manifests)
            if (one.ref.group, one.ref.kind, one.ref.name) == wanted and one.ref.namespace in namespaces
        ),
        None,
    )


def _pairs(before: Sequence[Manifest], after: Sequence[Manifest]) -> Iterator[tuple[int, Manifest]]:
    """Yield what is the same object in both: by its name, or as one of as many of a template that have other names."""
    named = {one.ref: one for one in after}
    gone: dict[str, list[int]] = defaultdict(list)
    new: dict[str, list[Manifest]] = defaultdict(list)
    known = {one.ref for one in before}
    for at, one in enumerate(before):
        if one.ref in named:
            yield at, named[one.ref]
        else:
            gone[one.origin.file].append(at)
    for one in after:
        if one.ref not in known:
            new[one.origin.file].append(one)
    for file, indexes in gone.items():
        if len(indexes) == len(new[file]):
            yield from zip(indexes, new[file], strict=True)


def _different(one: Any, other: Any, steps: Steps) -> Iterator[tuple[Steps, MovedField]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() & other.keys():
            yield from _different(one[key], other[key], (*steps, key))
    elif isinstance(one, list) and isinstance(other, list):
        for at, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from _different(left, right, (*steps, at))
    elif one != other and not isinstance(one, (dict, list)) and not isinstance(other, (dict, list)):
        yield steps, MovedField(one, other)


def _is_left(manifest: Manifest, steps: Steps) -> bool:
    """Tell whether a field is left to others, as what differs at each render is where the spec says so."""
    path = pointer.join(tuple(map(str, steps)))
    return not {path, *pointer.above(path)}.isdisjoint(manifest.ignored)
