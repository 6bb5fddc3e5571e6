"""Trace fields of built objects to file and line: one more build of marked files, and one for each site to confirm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from towline.render import documents
from towline.render.confined.jail import Jail, JailError
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.marks import edits, finding, marking, same_objects
from towline.render.marks.attribution import Attribution
from towline.render.marks.likelihood import Field
from towline.render.marks.marking import Marking
from towline.render.marks.places import SiteLines
from towline.render.marks.sites import Role, Site
from towline.render.units.kustomize import Tool
from towline.render.units.unit_files import UnitFiles

_TRIED = 4
"""Candidates of a field that are confirmed at most."""

_OUTPUT = YamlLimits(file_bytes=32 * 1024**2, file_expansion=32 * 1024**2)
_SUFFIX = "x"

_SETTINGS = frozenset({Role.SETTING, Role.COUNT, Role.ENTRY, Role.CONTENT})
_WHICH = (frozenset(Role), _SETTINGS | {Role.OBJECT}, _SETTINGS)
"""Which sites are marked, until kustomize builds what is marked."""


class Certainty(StrEnum):
    """How well a place is known."""

    EXACT = "exact"  # changing this scalar alone changes the field
    LIKELY = "likely"
    FILE = "file only"


class FieldPlace(NamedTuple):
    """Where a field comes from."""

    file: str
    line: int
    certainty: Certainty


Builder: TypeAlias = Callable[[Mapping[str, bytes]], Awaitable[Sequence[Any] | None]]
"""Builds a unit from copies of its files; None where that fails."""


class Traced:
    """One unit whose fields are traced.

    Args:
        attribution: of its fields to sites.
        build: builds it of other files.
    """

    def __init__(self, attribution: Attribution, build: Builder) -> None:
        self.attribution = attribution
        self._build = build
        self._lines = SiteLines(attribution.unit)
        self._changed: dict[Site, Sequence[Any] | None] = {}

    async def place(self, field: Field, *, confirm: bool) -> FieldPlace:
        """Return where a field comes from; where that is to be confirmed, what proves right comes first."""
        candidates = await asyncio.to_thread(self.attribution.candidates, field)
        if not candidates:
            return FieldPlace(field.origin.file, field.origin.line, Certainty.FILE)
        for site in candidates[:_TRIED] if confirm else ():
            if await self.moves(site, field):
                return await asyncio.to_thread(self._placed, site, Certainty.EXACT)
        return await asyncio.to_thread(self._placed, candidates[0], Certainty.LIKELY)

    async def moves(self, site: Site, field: Field) -> bool | None:
        """Tell whether a field changes where one scalar alone is changed; None where nothing can be built then."""
        if site not in self._changed:
            changed = {site: site.value + 1 if site.role is Role.COUNT else edits.longer(site, _SUFFIX)}
            copies = await asyncio.to_thread(edits.copies, self.attribution.unit, changed)
            self._changed[site] = await self._build(copies)
        built = self._changed[site]
        return None if built is None else self._differs(field, built)

    def _differs(self, field: Field, built: Sequence[Any]) -> bool:
        """Compare a field with that of the same object; where that has another name now, of the one in its place."""
        index = same_objects.index_of(built, field.body)
        if index is None and field.steps not in finding.IDENTITY:
            marked = self.attribution.marked
            index = same_objects.index_of(marked, field.body) if len(marked) == len(built) else None
        return index is None or same_objects.at(built[index], field.steps) != field.value

    def _placed(self, site: Site, certainty: Certainty) -> FieldPlace:
        return FieldPlace(self.attribution.unit.names[site.file], self._lines.line(site), certainty)


async def traced(jail: Jail, tool: Tool, unit: UnitFiles) -> Traced:
    """Return a unit with its marked build.

    Args:
        jail: runs the tool.
        tool: builds it.
        unit: what it reads.
    """

    async def build(copies: Mapping[str, bytes]) -> Sequence[Any] | None:
        try:
            ran = await jail.run((*tool.command, unit.folder or "."), copies)
        except JailError:
            return None
        return None if ran.result.code else await asyncio.to_thread(_objects, ran.result.out)

    sites = await asyncio.to_thread(finding.sites, unit)
    return Traced(await _attributed(unit, sites, build), build)


async def _attributed(unit: UnitFiles, sites: Sequence[Site], build: Builder) -> Attribution:
    """Build marked files, with fewer marks where kustomize refuses them."""
    none = Marking(sites=(), word="")
    for roles in _WHICH:
        some = tuple(site for site in sites if site.role in roles)
        marks = await asyncio.to_thread(marking.marking, unit, some)
        copies = await asyncio.to_thread(_marked, unit, marks)
        built = await build(copies)
        if built is not None:
            return Attribution(unit=unit, sites=sites, marking=marks, marked=built)
    return Attribution(unit=unit, sites=sites, marking=none, marked=())


def _marked(unit: UnitFiles, marks: Marking) -> dict[str, bytes]:
    return edits.copies(unit, marks.edits)


def _objects(output: bytes) -> Sequence[Any] | None:
    try:
        return tuple(one.value for one in documents.parse(output, _OUTPUT))
    except DocumentErrors:
        return None
