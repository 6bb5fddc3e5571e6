"""Render one chart, twice where two renders may differ."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from towline.errors import Failure
from towline.model import Manifest
from towline.render.confined.jail import Grant, Jail, Run
from towline.render.helm import (
    chart_parts,
    chart_values,
    helm_complaints,
    helm_tool,
    printed_chart,
    random_values,
    template_text,
)
from towline.render.helm.chart_files import ChartFiles
from towline.render.helm.chart_options import ChartOptions
from towline.render.helm.chart_parts import ChartPart
from towline.render.helm.chart_values import ChartValues, ValuesFiles
from towline.render.helm.template_text import Mentions
from towline.render.overlays.chart_overlay import ChartOverlayer
from towline.render.sops import opened_files
from towline.render.units.unit_source import UnitSource
from towline.source.selection import Entry

_GRANT = Grant(collects_late=True)

_TICK = 1.1
"""Seconds after which a clock shows another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedChart:
    """A chart with everything that its render needs.

    Attributes:
        found: its files.
        contents: what is in them, by their paths from its folder.
        parts: the charts of which it is made.
        values: those of the release.
        mentions: what its templates ask for.
        options: how it is rendered.
        render: tells this render from others.
    """

    found: ChartFiles
    contents: Mapping[str, bytes]
    parts: tuple[ChartPart, ...]
    values: ChartValues
    mentions: Mentions
    options: ChartOptions
    render: str = ""

    @property
    def may_differ(self) -> bool:
        """Whether two renders may differ: values hold actions where templates hand them to `tpl`."""
        given = {"": repr(self.values.values).encode()}
        return self.mentions.is_changing or template_text.mentions(given).is_changing

    @property
    def secrets(self) -> frozenset[str]:
        """What Helm might quote: values of the release, and of the chart itself."""
        own = (
            document.value
            for part in self.parts
            for document in chart_values.documents_of(part.files.get("values.yaml", b""))
        )
        return self.values.secrets.union(*(chart_values.named_secrets(value) for value in own))


class ChartContents(NamedTuple):
    """What is in the files of a chart, by their paths from its folder, and in files of values, by those in the spec."""

    files: Mapping[str, bytes]
    values: Mapping[str, bytes]


class RenderedChart(NamedTuple):
    """What a chart declares, or what is wrong with it, and how many seconds Helm took."""

    manifests: tuple[Manifest, ...] = ()
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ChartRenderer:
    """Renders charts in a jail; `overlayer` changes what they declare, where their options have an overlay."""

    jail: Jail
    overlayer: ChartOverlayer | None = None

    async def prepare(
        self,
        source: UnitSource,
        found: ChartFiles,
        given: ValuesFiles,
        mentions: Mentions,
        options: ChartOptions,
    ) -> PreparedChart:
        """Read the files of a chart, and put its values together.

        Raises:
            SourceError: a file could not be read.
            UnopenedError: the sops binary could not decrypt one of values this time.
        """
        contents = ChartContents(await read(source, found.files), await read(source, given.files))
        return await self.prepare_contents(contents, found, mentions, options)

    async def prepare_contents(
        self, contents: ChartContents, found: ChartFiles, mentions: Mentions, options: ChartOptions
    ) -> PreparedChart:
        """Put the values of a chart together.

        Raises:
            UnopenedError: the sops binary could not decrypt one of values this time.
        """
        files, layers = contents
        keys = await opened_files.opened(options.keys, layers, options.limits)
        opened = replace(options, treatment=replace(options.treatment, keys=keys))
        values = await asyncio.to_thread(chart_values.put_together, layers, opened)
        parts = await asyncio.to_thread(chart_parts.read, files)
        return PreparedChart(
            found=found,
            contents=files,
            parts=parts.parts,
            values=values,
            mentions=mentions,
            options=options,
        )

    async def render(self, chart: PreparedChart, command: Sequence[str]) -> RenderedChart:
        """Render a chart.

        Raises:
            JailError: Helm could not run to its end.
        """
        if chart.values.failures:
            marker = chart.found.marker
            return RenderedChart(
                failures=tuple(replace(one, file=one.file or marker) for one in chart.values.failures)
            )
        ran = await self._ran(chart, command)
        first = await self._made(chart, ran)
        if first.failures or not await asyncio.to_thread(lambda: chart.may_differ):
            return first
        if chart.mentions.reads_clock:
            await asyncio.sleep(_TICK)
        again = await self._ran(chart, command)
        if not again.result.code and again.result.out == ran.result.out:
            return first._replace(seconds=ran.seconds + again.seconds)
        second = await self._made(chart, again)
        return await asyncio.to_thread(_compared, chart, first, second)

    async def once(self, chart: PreparedChart, command: Sequence[str]) -> RenderedChart:
        """Render a chart whose values are all right, without asking whether another render differs.

        Raises:
            JailError: Helm could not run to its end.
        """
        return await self._made(chart, await self._ran(chart, command))

    async def _ran(self, chart: PreparedChart, command: Sequence[str]) -> Run:
        copies = helm_tool.copies(chart.contents, chart.values.values)
        return await self.jail.run(command, copies, grant=_GRANT)

    async def _made(self, chart: PreparedChart, ran: Run) -> RenderedChart:
        """Return what Helm printed as manifests, or what is wrong with it."""
        if ran.result.code:
            failure = await asyncio.to_thread(_refusal, chart, ran.result.complaint, ran.root)
            return RenderedChart(failures=(failure,), seconds=ran.seconds)
        printed, failures = await asyncio.to_thread(
            printed_chart.objects, ran.result.out, chart.found, chart.parts, chart.options
        )
        overlay, texts = chart.options.overlay, chart.values.hidden
        if overlay and self.overlayer and not failures:
            printed, failures = await self.overlayer.apply(overlay, printed, chart.found.marker)
            texts |= overlay.texts
        if failures:
            return RenderedChart(failures=failures, seconds=ran.seconds)
        made, failures = await asyncio.to_thread(
            printed_chart.manifests, printed, chart.options, texts, chart.render
        )
        return RenderedChart(made, failures, ran.seconds)


def _refusal(chart: PreparedChart, said: str, root: str) -> Failure:
    return helm_complaints.failure(said, root, chart.found.folder, chart.parts, chart.secrets)


def _compared(chart: PreparedChart, first: RenderedChart, second: RenderedChart) -> RenderedChart:
    """Refuse what differs between two renders, or leave it alone where the options say so."""
    if second.failures:
        return second
    seconds = first.seconds + second.seconds
    fields = random_values.differing(first.manifests, second.manifests)
    if fields == ():
        return first._replace(seconds=seconds)
    if fields and chart.options.leaves_random:
        return RenderedChart(random_values.left_alone(first.manifests, fields), seconds=seconds)
    failures = random_values.failures(fields, first.manifests, chart.found.folder, chart.parts)
    return RenderedChart(failures=failures, seconds=seconds)


async def read(source: UnitSource, files: Mapping[str, Entry]) -> dict[str, bytes]:
    """Return the contents of some files of a commit, by the same paths.

    Raises:
        SourceError: one could not be read.
    """
    return dict(zip(files, await source.read(list(files.values())), strict=True))
