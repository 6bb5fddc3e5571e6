"""Find the file and line of fields of objects that kustomize or Helm has made."""

from __future__ import annotations

import asyncio
import math
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from towline import log
from towline.errors import SourceError
from towline.model import Manifest
from towline.reconcile.desired.commit_files import RevisionFiles
from towline.reconcile.desired.head import Head
from towline.render.chart_lines.chart_tracer import ChartKey, ChartTracer
from towline.render.chart_lines.proved_chart import ProvedChart
from towline.render.formats import KUSTOMIZATIONS
from towline.render.marks import likelihood
from towline.render.marks.field_place import Certainty, FieldPlace, ProofEffort
from towline.render.marks.tracing import Traced
from towline.render.marks.unit_tracer import UnitTracer
from towline.render.units.base_door import RemoteBases
from towline.render.units.unit_source import UnitSource
from towline.source.access import Remote

_log = log.logger(__name__)


class AskedField(NamedTuple):
    """A field whose place is asked for: the object as Git declares it, and a JSON pointer."""

    manifest: Manifest
    pointer: str

    @property
    def key(self) -> tuple[str, str]:
        """The object by its name, and the pointer."""
        return str(self.manifest.ref), self.pointer


class RenderedFields:
    """Finds places in units, for all repositories.

    Args:
        files: reads commits.
        tracer: traces fields in what units read.
        charts: traces fields in charts.
        bases: returns what opens the remote bases of a commit, None where it has none.
        effort: how much is spent on proofs.
    """

    def __init__(
        self,
        files: RevisionFiles,
        tracer: UnitTracer,
        charts: ChartTracer,
        bases: Callable[[Remote, str], RemoteBases | None] = lambda _remote, _sha: None,
        effort: ProofEffort = ProofEffort(),  # noqa: B008  a frozen value
    ) -> None:
        self._files = files
        self._tracer = tracer
        self._charts = charts
        self._bases = bases
        self._effort = effort

    async def places(
        self, remote: Remote, sha: str, asked: Iterable[AskedField], *, confirm: bool
    ) -> Mapping[tuple[str, str], FieldPlace]:
        """Return the places of fields by object and pointer; what cannot be read or traced is left out.

        Args:
            remote: the repository.
            sha: the commit that declares the objects.
            asked: the fields; those of objects that neither kustomize nor Helm has made are left out.
            confirm: whether units are built again to be sure.
        """
        asked = tuple(asked)
        found: dict[tuple[str, str], FieldPlace] = {}
        manifests = {str(one.manifest.ref): one.manifest for one in asked}.values()
        try:
            opened = await self.units(remote, sha, manifests)
            charts = await self.charts(remote, sha, manifests)
        except SourceError as error:
            _log.warning("lines of fields are not known: the commit cannot be read", error=error.message)
            return {}
        tracing: list[tuple[Traced | ProvedChart, Sequence[Manifest]]] = [*opened]
        if confirm:
            tracing += charts
        else:
            found |= await asyncio.to_thread(_in_charts, charts, asked) if charts else {}
        for traced, made in tracing:
            named = {str(each.ref) for each in made}
            sure = _Confirming(
                traced=traced,
                left=self._effort.fields if confirm else 0,
                until=asyncio.get_running_loop().time() + self._effort.seconds,
            )
            for one in asked:
                place = await sure.place(one) if one.key[0] in named else None
                if place and place.certainty is not Certainty.FILE:
                    found[one.key] = place
        return found

    async def units(
        self, remote: Remote, sha: str, manifests: Iterable[Manifest]
    ) -> Sequence[tuple[Traced, Sequence[Manifest]]]:
        """Open the units that have made objects, each with its objects; those that cannot be traced are left out.

        Raises:
            SourceError: the commit could not be read.
        """
        units: dict[str, list[Manifest]] = defaultdict(list)
        for one in manifests:
            if one.origin.via and posixpath.basename(one.origin.via[0]) in KUSTOMIZATIONS:
                units[one.origin.via[0]].append(one)
        if not units:
            return ()
        opened = {unit: await self._tracer.recalled(remote.url, sha, unit) for unit in units}
        if None in opened.values():
            source = replace(await self._source(remote, sha), bases=self._bases(remote, sha))
            for unit, traced in opened.items():
                opened[unit] = traced or await self._tracer.traced(source, sha, unit)
        return [(traced, units[unit]) for unit, traced in opened.items() if traced]

    async def charts(
        self, remote: Remote, sha: str, manifests: Iterable[Manifest]
    ) -> Sequence[tuple[ProvedChart, Sequence[Manifest]]]:
        """Open the charts of a commit that have made objects, each with its objects; too large ones are left out.

        Raises:
            SourceError: the commit could not be read.
        """
        made: dict[ChartKey, list[Manifest]] = defaultdict(list)
        for one in manifests:
            origin = one.origin
            key = ChartKey(remote.url, sha, next(iter(origin.via), ""), origin.values, origin.render)
            if key.is_chart:
                made[key].append(one)
        opened = {key: self._charts.recalled(key) for key in made}
        if None in opened.values():
            source = await self._source(remote, sha)
            for key, known in opened.items():
                opened[key] = known or await self._charts.traced(source, key)
        return [(traced, made[key]) for key, traced in opened.items() if traced]

    async def _source(self, remote: Remote, sha: str) -> UnitSource:
        return await self._files.unit_source(Head(remote=remote, name=sha, sha=sha, seen_at=-math.inf))


def _in_charts(
    charts: Sequence[tuple[ProvedChart, Sequence[Manifest]]], asked: Sequence[AskedField]
) -> dict[tuple[str, str], FieldPlace]:
    """Return the likeliest places of fields of objects that Helm has rendered."""
    by_object = {str(each.ref): chart.traced for chart, made in charts for each in made}
    found: dict[tuple[str, str], FieldPlace] = {}
    for one in asked:
        traced = by_object.get(one.key[0])
        field = likelihood.field_at(one.manifest.body, one.manifest.origin, one.pointer) if traced else None
        if traced and field and (place := traced.place(field)).certainty is not Certainty.FILE:
            found[one.key] = place
    return found


@dataclass(slots=True, kw_only=True)
class _Confirming:
    """Finds places in one unit, and is sure of the first ones, until its time is over.

    A build that takes longer goes on meanwhile, so that the next attempt has it.
    """

    traced: Traced | ProvedChart
    left: int
    until: float

    async def place(self, one: AskedField) -> FieldPlace | None:
        """Return where a field comes from; None where the object has no such field."""
        manifest = one.manifest
        field = likelihood.field_at(manifest.body, manifest.origin, one.pointer)
        if field is None:
            return None
        seconds = self.until - asyncio.get_running_loop().time()
        if self.left and seconds > 0:
            self.left -= 1
            try:
                async with asyncio.timeout(seconds):
                    return await self.traced.place(field, confirm=True)
            except TimeoutError:
                self.left = 0
        return await self.traced.place(field, confirm=False)
