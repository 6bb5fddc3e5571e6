"""Trace fields of built objects to file and line; to be sure, one build of marked files, and one for each site."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from towline.render import documents
from towline.render.confined.binaries import Tool
from towline.render.confined.jail import Jail, JailError
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.marks import edits, finding, marking, same_objects
from towline.render.marks.attribution import Attribution
from towline.render.marks.field_place import Certainty, FieldPlace
from towline.render.marks.likelihood import Field
from towline.render.marks.marking import Marking
from towline.render.marks.places import SiteLines
from towline.render.marks.sites import Role, Site
from towline.render.units.references import Steps
from towline.render.units.unit_files import UnitFiles

_TRIED = 4
"""Candidates of a field that are confirmed at most."""

_UNMARKED = Marking(sites=(), word="")

_OUTPUT = YamlLimits(file_bytes=32 * 1024**2, file_expansion=32 * 1024**2)
_SUFFIX = "x"

_SETTINGS = frozenset({Role.SETTING, Role.COUNT, Role.ENTRY, Role.CONTENT})
_WHICH = (frozenset(Role), _SETTINGS | {Role.OBJECT}, _SETTINGS)
"""Which sites are marked, until kustomize builds what is marked."""


Builder: TypeAlias = Callable[[Mapping[str, bytes]], Awaitable[Sequence[Any] | None]]
"""Builds a unit from copies of its files; None where that fails."""


class Traced:
    """One unit whose fields are traced: by replaying alone, until a field is to be confirmed.

    Args:
        replayed: attributes its fields to sites without any build.
        build: builds it of other files.
    """

    def __init__(self, replayed: Attribution, build: Builder) -> None:
        self._replayed = replayed
        self._build = build
        self._marking: asyncio.Task[Attribution] | None = None
        self._lines = SiteLines(replayed.unit)
        self._moved: dict[tuple[Site, str, Steps], bool | None] = {}
        self._last: tuple[Site, Sequence[Any] | None] | None = None

    async def place(self, field: Field, *, confirm: bool) -> FieldPlace:
        """Return where a field comes from; where that is to be confirmed, what proves right comes first."""
        attribution = await self.marked() if confirm else self._replayed
        candidates = await asyncio.to_thread(attribution.candidates, field)
        if not candidates:
            return FieldPlace(field.origin.file, field.origin.line, Certainty.FILE)
        for site in candidates[:_TRIED] if confirm else ():
            if await self.moves(site, field):
                return await asyncio.to_thread(self._placed, site, Certainty.EXACT)
        return await asyncio.to_thread(self._placed, candidates[0], Certainty.LIKELY)

    async def marked(self) -> Attribution:
        """Return what attributes fields by marks; the first time, files with marks are built."""
        if self._marking is None:
            self._marking = asyncio.create_task(_attributed(self._replayed, self._build))
        return await asyncio.shield(self._marking)

    @property
    def replayed(self) -> Attribution:
        """What attributes fields without any build."""
        return self._replayed

    async def moves(self, site: Site, field: Field) -> bool | None:
        """Tell whether a field changes where one scalar alone is changed; None where nothing can be built then."""
        known = site, same_objects.name(field.body), field.steps
        if known not in self._moved:
            if self._last is None or self._last[0] != site:
                changed = {site: site.value + 1 if site.role is Role.COUNT else edits.longer(site, _SUFFIX)}
                copies = await asyncio.to_thread(edits.copies, self._replayed.unit, changed)
                self._last = site, await self._build(copies)
            before, built = await self.marked(), self._last[1]
            self._moved[known] = None if built is None else _differs(field, before, built)
        return self._moved[known]

    def _placed(self, site: Site, certainty: Certainty) -> FieldPlace:
        return FieldPlace(self._replayed.unit.names[site.file], self._lines.line(site), certainty)


def _differs(field: Field, before: Attribution, built: Sequence[Any]) -> bool:
    """Compare a field with that of the same object; where that has another name now, of the one in its place.

    Where the field was not the same before, as its variables are filled in later, nothing is proved.
    """
    was = same_objects.index_of(before.marked, field.body)
    if before.marked and (was is None or not before.builds(field, was)):
        return False
    now = same_objects.index_of(built, field.body)
    if now is None and field.steps not in finding.IDENTITY:
        now = was if len(before.marked) == len(built) else None
    return now is None or same_objects.at(built[now], field.steps) != field.value


async def traced(jail: Jail, tool: Tool, unit: UnitFiles) -> Traced:
    """Return a unit whose fields can be traced.

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
    return Traced(Attribution(unit=unit, sites=sites, marking=_UNMARKED, marked=()), build)


async def _attributed(replayed: Attribution, build: Builder) -> Attribution:
    """Build marked files, with fewer marks where kustomize refuses them."""
    for roles in _WHICH:
        some = tuple(site for site in replayed.sites if site.role in roles)
        marks = await asyncio.to_thread(marking.marking, replayed.unit, some)
        built = await build(await asyncio.to_thread(_marked, replayed.unit, marks))
        if built is not None:
            return replace(replayed, marking=marks, marked=built)
    return replayed


def _marked(unit: UnitFiles, marks: Marking) -> dict[str, bytes]:
    return edits.copies(unit, marks.edits)


def _objects(output: bytes) -> Sequence[Any] | None:
    try:
        return tuple(one.value for one in documents.parse(output, _OUTPUT))
    except DocumentErrors:
        return None
