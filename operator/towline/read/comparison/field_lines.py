"""Find the lines of changed and refused fields in the files of a revision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from towline.fields import pointer
from towline.model import Manifest
from towline.read.comparison.recorded_objects import Compared
from towline.render import documents
from towline.render.documents import DocumentErrors

if TYPE_CHECKING:
    from towline.errors import Failure
    from towline.render.marks.field_place import FieldPlace

_Place: TypeAlias = tuple[str, str]
"""An object, and one of its fields; the field is empty for all that are changed."""


class _AskedField(NamedTuple):
    """A field of an object in a file: its document, its item in a `List`, and the JSON pointer."""

    document: int
    item: int
    field: str


async def _unknown(_asked: Iterable[tuple[Manifest, str]]) -> Mapping[_Place, FieldPlace]:
    """Know of no field that a tool has made where it comes from."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLines:
    """Finds lines in the files of one revision.

    Attributes:
        content: returns the content of a file by its path; None where it cannot be read.
        declared: what the revision declares, by the names of objects.
        built: returns where fields of what a tool has made come from.
    """

    content: Callable[[str], Awaitable[bytes | None]]
    declared: Mapping[str, Manifest]
    built: Callable[[Sequence[tuple[Manifest, str]]], Awaitable[Mapping[_Place, FieldPlace]]] = _unknown

    async def located(self, compared: Compared) -> Compared:
        """Return what was compared, each with the line of its first field that is in the file.

        A change of what a tool made of files keeps the line of its object, and so does what cannot be read. A refusal
        of such an object has the file and the line that set its field, as in the status.
        """
        changed = {(str(each.ref), ""): [one.path for one in each.fields] for each in compared.changes}
        refused = {(each.object, each.field): [each.field] for each in compared.refused if each.field}
        lines = await self._lines(changed)
        told = await self._lines(refused)
        return compared._replace(
            changes=tuple(
                replace(each, line=lines.get((str(each.ref), ""), each.line)) for each in compared.changes
            ),
            refused=await self._traced(
                tuple(
                    replace(each, line=told.get((each.object, each.field), each.line))
                    for each in compared.refused
                )
            ),
        )

    async def place(self, name: str, field: str) -> tuple[str, int] | None:
        """Return the file and line of one field of an object; None where neither is known."""
        manifest = self.declared.get(name)
        if manifest is None:
            return None
        if manifest.origin.is_rendered:
            found = (await self.built([(manifest, field)])).get((name, field))
            return (found.file, found.line) if found else None
        line = (await self._lines({(name, field): [field]})).get((name, field))
        return (manifest.origin.file, line) if line else None

    async def _traced(self, refused: tuple[Failure, ...]) -> tuple[Failure, ...]:
        """Return refusals with the places of fields that a tool has set."""
        asked = [
            (manifest, each.field)
            for each in refused
            if each.field and (manifest := self.declared.get(each.object)) and manifest.origin.is_rendered
        ]
        found = await self.built(asked) if asked else {}
        return tuple(
            replace(each, file=place.file, line=place.line)
            if (place := found.get((each.object, each.field)))
            else each
            for each in refused
        )

    async def _lines(self, fields: Mapping[_Place, Iterable[str]]) -> Mapping[_Place, int]:
        """Return the lines of fields by their places; each file is read once."""
        files: dict[str, dict[_Place, _AskedField]] = defaultdict(dict)
        for name, paths in fields.items():
            manifest = self.declared.get(name[0])
            if manifest and not manifest.origin.is_rendered and (wanted := _first(manifest, paths)):
                files[manifest.origin.file][name] = wanted
        contents = {file: await self.content(file) for file in files}
        return {name: line for file, asked in files.items() for name, line in _in_file(contents[file], asked)}


def _in_file(content: bytes | None, asked: Mapping[_Place, _AskedField]) -> Iterable[tuple[_Place, int]]:
    if content is None:
        return ()
    try:
        return zip(asked, documents.locate_all(content, asked.values()), strict=True)
    except DocumentErrors:
        return ()


def _first(manifest: Manifest, paths: Iterable[str]) -> _AskedField | None:
    """Return the first field that the object declares, or whose parent it declares; None where there is none."""
    body, origin = manifest.body, manifest.origin
    for path in paths:
        if any(pointer.follow(body, each) is not None for each in (path, *list(pointer.above(path))[:1])):
            return _AskedField(origin.document, origin.item, path)
    return None
