"""Find what differs between two renders of the same chart with the same values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from towline import text
from towline.errors import Failure, Reason
from towline.fields import pointer
from towline.model import Manifest, ObjectRef
from towline.plan import ignore_fields
from towline.render.helm.chart_files import in_folder
from towline.render.helm.chart_parts import ChartPart
from towline.render.helm.template_text import TemplateLines
from towline.render.written import written_object

_SHOWN = 300
_FAILURES = 100
"""So many fields that differ are named."""

_HOW = "set the value, or spec.helm.random: Once"
_ORDER = "the objects differ at each render: give them names that do not"


class RandomField(NamedTuple):
    """A field of an object whose value is another one at each render."""

    at: int
    path: tuple[str, ...]


def differing(first: Sequence[Manifest], second: Sequence[Manifest]) -> tuple[RandomField, ...] | None:
    """Return the fields that differ; None where not even the objects are the same."""
    if [one.ref for one in first] != [one.ref for one in second]:
        return None
    return tuple(
        RandomField(at, path)
        for at, (one, other) in enumerate(zip(first, second, strict=True))
        if one.content != other.content
        for path in _paths(orjson.loads(one.content), orjson.loads(other.content), ())
    )


def failures(
    found: Sequence[RandomField] | None,
    manifests: Sequence[Manifest],
    folder: str,
    parts: Sequence[ChartPart],
) -> tuple[Failure, ...]:
    """Refuse what differs: each field by its object and the line of its template."""
    if found is None:
        return (Failure(reason=Reason.BUILD_FAILED, message=_ORDER, file=in_folder(folder, "Chart.yaml")),)
    files = {
        in_folder(folder, f"{part.folder}{path}"): content
        for part in parts
        for path, content in part.files.items()
    }
    return tuple(_failure(one, manifests[one.at], files) for one in found[:_FAILURES])


def left_alone(manifests: Sequence[Manifest], found: Sequence[RandomField]) -> tuple[Manifest, ...]:
    """Return the manifests with what differs as it was set when an object was created.

    Their digests are the same at each render: they cover everything but what differs.
    """
    by_object: dict[int, list[tuple[str, ...]]] = {}
    for one in found:
        by_object.setdefault(one.at, []).append(one.path)
    return tuple(_settled(one, by_object[at]) if at in by_object else one for at, one in enumerate(manifests))


def _settled(manifest: Manifest, paths: Sequence[tuple[str, ...]]) -> Manifest:
    body = orjson.loads(manifest.content)
    for path in paths:
        _blank(body, path)
    _, digest = written_object.identity(orjson.dumps(body))
    return ignore_fields.leaving(replace(manifest, digest=digest), tuple(sorted(map(pointer.join, paths))))


def _blank(body: Any, path: tuple[str, ...]) -> None:
    for step in path[:-1]:
        body = body[int(step)] if isinstance(body, list) else body.get(step)
        if body is None:
            return
    if isinstance(body, list):
        body[int(path[-1])] = None
    else:
        body[path[-1]] = None


def _paths(one: Any, other: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of leaves that differ, or of lists and maps where one has more than the other."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if key in one and key in other:
                yield from _paths(one[key], other[key], (*path, key))
            else:
                yield (*path, key)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _paths(left, right, (*path, str(index)))
    elif one != other:
        yield path


def _failure(one: RandomField, manifest: Manifest, files: Mapping[str, bytes]) -> Failure:
    origin = manifest.origin
    name = text.printable(_named(manifest.ref), _SHOWN)
    where = pointer.join(one.path)
    content = files.get(origin.file)
    line = (
        TemplateLines(content).field((each for each in one.path if not each.isdigit()), origin.line)
        if content
        else origin.line
    )
    return Failure(
        reason=Reason.BUILD_FAILED,
        message=f"{name} {text.printable(where, _SHOWN)} differs at each render: {_HOW}",
        object=str(manifest.ref),
        file=origin.file,
        line=line,
        field=where,
    )


def _named(ref: ObjectRef) -> str:
    return f"{ref.kind}/{ref.name}"
