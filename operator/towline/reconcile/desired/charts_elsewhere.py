"""Gather what charts need from other servers: a chart that the spec names, and dependencies that are not in charts/."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from towline.api.gitrepository import Spec
from towline.errors import BuildError, Failure, Reason, SourceError, SpecError
from towline.model import Manifest
from towline.reconcile.remotes.chart_pins import PinnedCharts
from towline.reconcile.remotes.remote_parts import PinnedParts
from towline.render.added_files import AddedFiles
from towline.render.helm import chart_dependencies, chart_files
from towline.render.helm.chart_dependencies import NeededChart
from towline.render.units.built_units import Built
from towline.render.units.unit_source import UnitSource
from towline.source.helm_charts import chart_archive, chart_name
from towline.source.helm_charts.chart_archive import ChartArchiveError
from towline.source.helm_charts.chart_name import ChartName, ChartNameError
from towline.source.selection import Entry, shown

_FOLDER = ".git/chart"
"""Where a chart of another server is: Git lets no commit have a folder of this name."""

_METADATA = ("Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatheredCharts:
    """Charts with all that they need.

    Attributes:
        source: the commit, with what came from elsewhere.
        folders: those of the charts.
        failures: why dependencies could not be had.
        chart: what the spec names, None where the charts are in the commit.
    """

    source: UnitSource
    folders: frozenset[str]
    failures: tuple[Failure, ...] = ()
    chart: ChartName | None = None

    def named(self, built: Built) -> Built:
        """Return what the charts declare, with files of a chart of another server as `url//path@version`."""
        if self.chart is None:
            return built
        return replace(
            built,
            manifests=tuple(map(self._named, built.manifests)),
            failures=tuple(replace(each, file=self._name(each.file)) for each in built.failures),
            units=tuple(each._replace(unit=self._name(each.unit)) for each in built.units),
            runs=tuple(each._replace(unit=self._name(each.unit)) for each in built.runs),
        )

    def _named(self, manifest: Manifest) -> Manifest:
        origin = manifest.origin
        via = tuple(map(self._name, origin.via))
        return replace(manifest, origin=origin._replace(file=self._name(origin.file), via=via, blob=""))

    def _name(self, path: str) -> str:
        if self.chart is None or not path.startswith(f"{_FOLDER}/"):
            return path
        return f"{self.chart.url}//{path.removeprefix(f'{_FOLDER}/')}@{self.chart.version}"


def of_spec(spec: Spec, parts: PinnedParts | None) -> tuple[ChartName, PinnedCharts]:
    """Return the chart that a spec names, and what fetches it.

    Raises:
        SpecError: InvalidSpec.
    """
    given = spec.helm.chart
    if given is None or parts is None:
        raise SpecError(
            Reason.INVALID_SPEC, "spec.helm.chart is on another server: set spec.remote to Pinned"
        )
    try:
        found = chart_name.parse(
            given.repository, given.name, given.version, allow_http=parts.charts.allow_http
        )
    except ChartNameError as error:
        raise SpecError(Reason.INVALID_SPEC, f"spec.helm.chart {error}") from error
    return found, parts.charts


def check_values_only(markers: Iterable[Entry]) -> None:
    """Refuse units where the spec names the chart.

    Args:
        markers: the files that make folders below the path units.

    Raises:
        BuildError: BuildFailed.
    """
    message = (
        "spec.helm.chart names the chart, so that the files below spec.path are values: remove this file, or "
        "spec.helm.chart"
    )
    failures = tuple(
        Failure(reason=Reason.BUILD_FAILED, message=message, file=shown(each.path)) for each in markers
    )
    if failures:
        raise BuildError(failures)


async def alone(source: UnitSource, chart: ChartName, charts: PinnedCharts) -> GatheredCharts:
    """Return a chart of another server, in the tree of a commit that holds its values.

    Raises:
        SourceError: there is none, it could not be fetched, or is not what it was.
    """
    try:
        archive = await charts.archive(chart)
        files = await asyncio.to_thread(chart_archive.unpack, archive)
    except ChartNameError as error:
        raise SourceError(Reason.REF_NOT_FOUND, f"spec.helm.chart: {chart} {error}") from error
    except ChartArchiveError as error:
        raise SourceError(Reason.GIT_OBJECT_INVALID, f"spec.helm.chart: {chart} {error}") from error
    charts.settle()
    added = {f"{_FOLDER}/{path}": content for path, content in files.items()}
    return GatheredCharts(source=with_files(source, added), folders=frozenset({_FOLDER}), chart=chart)


async def with_dependencies(
    source: UnitSource, folders: frozenset[str], parts: PinnedParts | None
) -> GatheredCharts:
    """Return the charts of a commit with the dependencies that are not in their charts/.

    Raises:
        SourceError: one could not be fetched, or is not what it was.
    """
    if parts is None:
        return GatheredCharts(source=source, folders=folders)
    added: dict[str, bytes] = {}
    failures: list[Failure] = []
    refused: set[str] = set()
    for folder in sorted(folders):
        found, faults = await _dependencies(source, folder, parts.charts)
        added |= found
        failures += faults
        refused |= {folder} if faults else set()
    parts.charts.settle()
    kept = folders - refused
    return GatheredCharts(source=with_files(source, added), folders=kept, failures=tuple(failures))


async def _dependencies(
    source: UnitSource, folder: str, charts: PinnedCharts
) -> tuple[Mapping[str, bytes], Sequence[Failure]]:
    """Fetch what one chart lacks; return the archives by the paths at which Helm looks for them."""
    found = await asyncio.to_thread(chart_files.collect, folder, source.tree)
    named = {name: found.files[name] for name in _METADATA if name in found.files}
    contents = dict(zip(named, await source.read(list(named.values())), strict=True))
    present = set(chart_dependencies.names_in(found.files))
    needed = await asyncio.to_thread(chart_dependencies.needed, contents, present)
    failures = [replace(each, file=chart_files.in_folder(folder, each.file)) for each in needed.failures]
    archives: dict[str, bytes] = {}
    for each in needed.charts:
        path = chart_files.in_folder(folder, f"charts/{each.name}-{each.version}.tgz")
        try:
            archives[path] = await _fetched(each, charts)
        except (ChartNameError, ChartArchiveError) as error:
            message = f"{each.name} {each.version} of {each.repository} {error}"
            file = chart_files.in_folder(folder, each.file)
            failures.append(Failure(reason=Reason.BUILD_FAILED, message=message, file=file, line=each.line))
    return archives, failures


async def _fetched(needed: NeededChart, charts: PinnedCharts) -> bytes:
    chart = chart_name.parse(needed.repository, needed.name, needed.version, allow_http=charts.allow_http)
    archive = await charts.archive(chart)
    await asyncio.to_thread(chart_archive.unpack, archive)
    return archive


def with_files(source: UnitSource, added: Mapping[str, bytes]) -> UnitSource:
    """Return a source that has more files."""
    if not added:
        return source
    tree = AddedFiles(source.tree, added)

    async def read(entries: Sequence[Entry]) -> Sequence[bytes]:
        own = tree.split(entries)
        contents = dict(zip((each.sha for each in own), await source.read(own), strict=True)) if own else {}
        return [tree.content(each) or contents.get(each.sha, b"") for each in entries]

    return replace(source, tree=tree, read=read)
