"""Render the charts of a commit: what each is, what was rendered of the same files before, and a child for the rest."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from towline import text
from towline.errors import Failure, Reason
from towline.render import plain
from towline.render.helm import (
    chart_files,
    chart_parts,
    chart_values,
    helm_complaints,
    helm_tool,
    printed_chart,
    random_values,
    remote_schemas,
    template_text,
)
from towline.render.helm.chart_files import ChartFiles
from towline.render.helm.chart_options import ChartOptions
from towline.render.helm.chart_parts import ChartParts
from towline.render.helm.chart_values import ChartValues, ValuesFiles
from towline.render.helm.template_text import Mentions
from towline.render.units.jail import Jail, JailError
from towline.render.units.kept_builds import BuildOutcome, KeptBuilds
from towline.render.units.kustomize import Tool
from towline.render.units.unit_builds import Built, UnitRun, UnitSource
from towline.source.selection import Entry

_CHART_BYTES = 64 * 1024**2
_FILE_BYTES = 16 * 1024**2
_FACTS = 1000
_TICK = 1.1
"""Seconds after which a clock shows another one."""


class BuiltCharts(NamedTuple):
    """What the charts of a commit declare, and where those that were rendered ask for what only a cluster knows."""

    built: Built
    lookups: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What is known of a chart without rendering it."""

    mentions: Mentions
    failures: tuple[Failure, ...]
    is_library: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chart:
    """A chart of one commit with the files of values that go with it."""

    source: UnitSource
    found: ChartFiles
    given: ValuesFiles
    facts: _Facts

    @property
    def marker(self) -> str:
        return self.found.marker

    @property
    def reads(self) -> frozenset[str]:
        """The paths of everything that it is made of."""
        files = (*self.found.files.values(), *self.given.files.values())
        return frozenset(entry.path for entry in files)


class ChartBuilder:
    """Renders charts, and remembers what was rendered of the same files with the same values by the same Helm.

    Args:
        jail: runs Helm.
        find: finds it; it is asked for each commit, because it may be installed later.
    """

    def __init__(self, jail: Jail, find: Callable[[], Tool | None]) -> None:
        self._jail = jail
        self._find = find
        self._facts: OrderedDict[str, _Facts] = OrderedDict()
        self._builds = KeptBuilds()

    async def build(self, source: UnitSource, folders: Iterable[str], options: ChartOptions) -> BuiltCharts:
        """Render charts.

        Args:
            source: the commit.
            folders: those of the charts.
            options: how they are rendered.

        Raises:
            SourceError: a file of the commit could not be read.
        """
        charts = [await self._chart(source, folder, options) for folder in sorted(folders)]
        rendered = [one for one in charts if not one.facts.is_library]
        tool = await asyncio.to_thread(self._find) if rendered else None
        runs: list[UnitRun] = []
        lookups: list[tuple[str, int]] = []
        outcomes = []
        for chart in rendered:
            before = len(runs)
            outcomes.append(await self._built(chart, options, tool, runs))
            if len(runs) > before:
                lookups += chart.facts.mentions.lookups
        built = Built(
            runs=tuple(runs),
            is_costly=any(each.is_passing for each in outcomes),
            manifests=tuple(one for each in outcomes for one in each.manifests),
            failures=tuple(dict.fromkeys(one for each in outcomes for one in each.failures)),
            reads=frozenset(path for one in charts for path in one.reads),
        )
        return BuiltCharts(built, tuple(lookups))

    async def _chart(self, source: UnitSource, folder: str, options: ChartOptions) -> _Chart:
        found = await asyncio.to_thread(chart_files.collect, folder, source.tree)
        given = chart_values.find(options.asked.files, source.tree, found.marker)
        size = sum(entry.size for entry in found.files.values())
        if found.failures or size > _CHART_BYTES:
            large = f"the chart has more than {text.size(_CHART_BYTES)}: move what it does not need"
            failures = found.failures or (_failure(found.marker, large),)
            return _Chart(source=source, found=found, given=given, facts=_refused(failures))
        name = _signature(found.folder, found.files)
        facts = self._facts.get(name) if any(entry.sha for entry in found.files.values()) else None
        if facts is None:
            contents = await _contents(source, found.files)
            facts = await asyncio.to_thread(_facts, found, contents)
        self._facts[name] = facts
        self._facts.move_to_end(name)
        while len(self._facts) > _FACTS:
            self._facts.popitem(last=False)
        return _Chart(source=source, found=found, given=given, facts=facts)

    async def _built(
        self, chart: _Chart, options: ChartOptions, tool: Tool | None, runs: list[UnitRun]
    ) -> BuildOutcome:
        failures = (*chart.facts.failures, *chart.given.failures)
        if failures:
            return BuildOutcome(failures=failures)
        if tool is None:
            return BuildOutcome(failures=(_failure(chart.marker, helm_tool.ABSENT),))
        versions = options.versions(chart.facts.mentions.versions)
        key = _key(chart, options, tool, versions)
        if known := self._builds.get(key):
            return known
        try:
            outcome = await self._ran(chart, options, helm_tool.command(tool, options, versions))
            files = len(chart.found.files) + len(chart.given.files)
            runs.append(UnitRun(chart.marker, len(outcome.manifests), files, outcome.seconds))
        except JailError as error:
            outcome = BuildOutcome(
                failures=(_failure(chart.marker, error.message),), is_passing=error.passing
            )
            if error.passing:
                return outcome
        self._builds.put(key, outcome)
        return outcome

    async def _ran(self, chart: _Chart, options: ChartOptions, command: Sequence[str]) -> BuildOutcome:
        contents = await _contents(chart.source, chart.found.files)
        given = await _contents(chart.source, chart.given.files)
        values = await asyncio.to_thread(chart_values.put_together, given, options)
        if values.failures:
            return BuildOutcome(failures=tuple(_placed(one, chart.marker) for one in values.failures))
        parts = await asyncio.to_thread(chart_parts.read, contents)
        render = _Render(chart, options, parts, values, command, helm_tool.copies(contents, values.values))
        first = await self._rendered(render)
        if first.failures or not _may_differ(chart, values):
            return first
        if chart.facts.mentions.reads_clock:
            await asyncio.sleep(_TICK)
        second = await self._rendered(render)
        fields = random_values.differing(first.manifests, second.manifests)
        seconds = first.seconds + second.seconds
        if fields == ():
            return replace(first, seconds=seconds)
        if fields and options.leaves_random:
            return replace(
                first, manifests=random_values.left_alone(first.manifests, fields), seconds=seconds
            )
        failures = random_values.failures(fields, first.manifests, chart.found.folder, parts.parts)
        return BuildOutcome(failures=failures, seconds=seconds)

    async def _rendered(self, render: _Render) -> BuildOutcome:
        ran = await self._jail.run(render.command, render.copies)
        folder = render.chart.found.folder
        if ran.result.code:
            secrets = await asyncio.to_thread(_secrets, render)
            failure = helm_complaints.failure(
                ran.result.complaint, ran.root, folder, render.parts.parts, secrets
            )
            return BuildOutcome(failures=(failure,), seconds=ran.seconds)
        made, failures = await asyncio.to_thread(
            printed_chart.manifests,
            ran.result.out,
            render.chart.found,
            render.parts.parts,
            render.options,
            render.values,
        )
        return BuildOutcome(manifests=made, failures=failures, seconds=ran.seconds)


class _Render(NamedTuple):
    """One chart, ready to be rendered."""

    chart: _Chart
    options: ChartOptions
    parts: ChartParts
    values: ChartValues
    command: Sequence[str]
    copies: Mapping[str, bytes]


async def _contents(source: UnitSource, files: Mapping[str, Entry]) -> dict[str, bytes]:
    read = await source.read(list(files.values()))
    return dict(zip(files, read, strict=True))


def _facts(found: ChartFiles, contents: Mapping[str, bytes]) -> _Facts:
    parts = chart_parts.read(contents)
    texts = {
        f"{part.folder}{'!' if part.is_packed else ''}{path}": content
        for part in parts.parts
        for path, content in part.files.items()
        if template_text.is_text(path)
    }
    mentions = template_text.mentions(texts)
    failures = (
        *parts.failures,
        *remote_schemas.failures(parts.parts),
        *_pointers(contents, is_any=mentions.reads_files),
    )
    prefix = chart_files.in_folder(found.folder, "")
    return _Facts(
        mentions=mentions._replace(
            lookups=tuple((f"{prefix}{path}", line) for path, line in mentions.lookups)
        ),
        failures=tuple(_placed(one, found.marker, prefix) for one in dict.fromkeys(failures)),
        is_library=parts.metadata.is_library,
    )


def _pointers(contents: Mapping[str, bytes], *, is_any: bool) -> Iterable[Failure]:
    """Yield the Git LFS pointers among the files that Helm reads as what they are."""
    for path, content in contents.items():
        read = is_any or "/" not in path or path.startswith(("templates/", "charts/", "crds/"))
        if plain.is_pointer(content) and read:
            yield _failure(path, "the file is a Git LFS pointer: commit the file itself", 1)


def _refused(failures: tuple[Failure, ...]) -> _Facts:
    return _Facts(mentions=template_text.mentions({}), failures=failures, is_library=False)


def _may_differ(chart: _Chart, values: ChartValues) -> bool:
    return (
        chart.facts.mentions.is_changing
        or template_text.mentions({"": repr(values.values).encode()}).is_changing
    )


def _secrets(render: _Render) -> frozenset[str]:
    """Return what Helm might quote: values of the release, and of the chart itself."""
    own = (
        document.value
        for part in render.parts.parts
        for document in chart_values.documents_of(part.files.get("values.yaml", b""))
    )
    return render.values.secrets.union(*(chart_values.named_secrets(value) for value in own))


def _signature(folder: str, files: Mapping[str, Entry]) -> str:
    told = sorted((path, entry.mode, entry.sha) for path, entry in files.items())
    return hashlib.sha256(repr((folder, told)).encode()).hexdigest()


def _key(chart: _Chart, options: ChartOptions, tool: Tool, versions: Sequence[str]) -> str:
    given = [(path, entry.sha) for path, entry in chart.given.files.items()]
    told = (tool.identity, _signature(chart.found.folder, chart.found.files), given, *options.key(versions))
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _placed(failure: Failure, marker: str, prefix: str = "") -> Failure:
    """Return a failure with its path from the root of the repository; the marker's where it has none."""
    return replace(failure, file=f"{prefix}{failure.file}" if failure.file else marker)


def _failure(file: str, message: str, line: int = 0) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=file, line=line)
