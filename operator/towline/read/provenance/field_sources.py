"""Say which lines of which file each declared leaf comes from, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from towline import aio
from towline.fields import pointer
from towline.model import Manifest
from towline.read.provenance.declared_object import FoundObject, ObjectFinder
from towline.read.provenance.line_commits import FilePart
from towline.render.documents import DocumentErrors, YamlLimits, parse
from towline.render.marks.field_place import Certainty, FieldPlace, ProofEffort
from towline.render.written import leaf_lines
from towline.render.written.leaf_lines import LeafLines


class LeafSource(NamedTuple):
    """Where a leaf comes from: the lines of its node, then those through which it is there; and how sure that is.

    `via` are the files by which a tool came to that file, the outermost first.
    """

    parts: tuple[FilePart, ...]
    via: tuple[str, ...]
    certainty: Certainty


async def sources(
    finder: ObjectFinder, found: FoundObject, pointers: Iterable[str], confirm: ProofEffort
) -> Mapping[str, LeafSource]:
    """Return where leaves of a declared object come from, by JSON pointer into what is declared.

    Args:
        finder: reads the commit.
        found: the object.
        pointers: the leaves.
        confirm: how much may be spent to be sure of what a tool has made, by building it again.

    Raises:
        SourceError: the commit cannot be read.
    """
    manifest = found.manifest
    if manifest is None:
        return {}
    wanted = tuple(pointers)
    if manifest.origin.is_rendered:
        return await _built(finder, manifest, wanted, confirm)
    lines = await aio.aside(
        len(found.content), leaf_lines.leaf_lines, found.content, manifest.origin, finder.limits
    )
    return {path: _plain(manifest, path, lines) for path in wanted}


def _plain(manifest: Manifest, path: str, lines: Mapping[str, LeafLines]) -> LeafSource:
    found = lines.get(_as_text(manifest, path)) or lines.get(path)
    origin = manifest.origin
    if found is None:  # such as the kind of an item of a ConfigMapList
        return LeafSource((FilePart(origin.file, origin.line, origin.line),), (), Certainty.FILE)
    parts = tuple(FilePart(origin.file, *each) for each in (found.own, *found.through))
    return LeafSource(parts, (), Certainty.EXACT)


def _as_text(manifest: Manifest, path: str) -> str:
    """Return where a Secret may declare a datum as text, which wins over its `data`."""
    return (
        f"/stringData{path[len('/data') :]}"
        if manifest.ref.kind == "Secret" and path.startswith("/data/")
        else ""
    )


async def _built(
    finder: ObjectFinder, manifest: Manifest, pointers: tuple[str, ...], confirm: ProofEffort
) -> Mapping[str, LeafSource]:
    origin = manifest.origin
    asked = [(manifest, path) for path in pointers]
    places = await finder.renderer.places(finder.source, asked, confirm)
    unknown = FieldPlace(origin.file, origin.line, Certainty.FILE)
    by_pointer = {path: places.get((str(manifest.ref), path), unknown) for path in pointers}
    contents = {
        file: await finder.content.file(finder.sha, file) or b""
        for file in {place.file for place in by_pointer.values()}
    }
    extents = {file: _extents(content, finder.limits) for file, content in contents.items()}
    return {
        path: LeafSource(
            _parts(place, contents[place.file], extents[place.file], pointer.follow(manifest.body, path)),
            origin.via,
            place.certainty,
        )
        for path, place in by_pointer.items()
    }


def _parts(
    place: FieldPlace, content: bytes, extents: Mapping[int, LeafLines], value: object
) -> tuple[FilePart, ...]:
    """Return the lines of the scalar at a place; all of a file that is a value as a whole."""
    if place.line <= 1 and isinstance(value, str) and value and content == value.encode():
        return (FilePart(place.file, 1, content.count(b"\n") + (not content.endswith(b"\n"))),)
    found = extents.get(place.line) if place.certainty is not Certainty.FILE else None
    if found is None:
        return (FilePart(place.file, place.line, place.line),)
    return tuple(FilePart(place.file, *each) for each in (found.own, *found.through))


def _extents(content: bytes, limits: YamlLimits) -> Mapping[int, LeafLines]:
    """Return the leaves of a YAML file by their first lines, where that is the line of one leaf alone."""
    try:
        documents = parse(content, limits)
    except DocumentErrors as error:
        documents = error.documents
    found: dict[int, LeafLines] = {}
    many: set[int] = set()
    for document in documents:
        if not isinstance(document.value, dict | list):
            continue
        for each in leaf_lines.document_leaves(content, document.index, limits).values():
            if each.own.first in found and found[each.own.first] != each:
                many.add(each.own.first)
            found[each.own.first] = each
    return {line: each for line, each in found.items() if line not in many}
