"""Read the manifests of a whole commit: its plain files, and what tools make of its units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from towline import aio
from towline.api.gitrepository import Spec
from towline.errors import BuildError, CostlyBuildError
from towline.model import Manifest
from towline.reconcile.desired import charts_elsewhere, commit_notes
from towline.reconcile.desired.commit_charts import CommitCharts
from towline.reconcile.desired.commit_files import RevisionFiles
from towline.reconcile.desired.head import Head
from towline.reconcile.remotes.remote_parts import PinnedParts
from towline.reconcile.values.treatments import Treated
from towline.render import formats
from towline.render.build_report import build_error
from towline.render.cache import Cache
from towline.render.documents import YamlLimits
from towline.render.links import Links
from towline.render.overlays import spec_overlay
from towline.render.rendered import Bounds, Reading, Total
from towline.render.units import unit_kinds
from towline.render.units.built_units import Built
from towline.render.units.unit_builds import UnitBuilder
from towline.render.units.unit_kinds import UnitKinds
from towline.render.units.unit_settings import UnitSettings
from towline.render.units.unit_source import UnitSource
from towline.source import selection
from towline.source.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitManifests:
    """The manifests of a commit as its files declare them, and where they come from.

    Attributes:
        listed: what is below the path.
        selected: the files among it that are read as they are.
        built: what the units declare.
        manifests: all manifests, in no place yet.
    """

    listed: Links
    selected: Selection
    built: Built
    manifests: tuple[Manifest, ...]

    @property
    def places(self) -> Mapping[str, str]:
        """The paths by which files were reached, by their own."""
        return _places(self.selected)


class ManifestReader:
    """Reads the manifests of commits, for all repositories.

    Args:
        files: lists and reads the files of commits.
        cache: parses files.
        units: builds kustomizations.
        charts: renders charts.
        yaml: how much of a file is read.
    """

    def __init__(
        self,
        *,
        files: RevisionFiles,
        cache: Cache,
        units: UnitBuilder,
        charts: CommitCharts,
        yaml: YamlLimits,
    ) -> None:
        self._files = files
        self._cache = cache
        self._units = units
        self._charts = charts
        self._yaml = yaml

    async def read(
        self, head: Head, spec: Spec, treated: Treated, parts: PinnedParts | None = None
    ) -> CommitManifests:
        """Read every file and build every unit of a commit.

        Raises:
            BuildError: with every error of every file and unit.
            SourceError: the path, or the size of its content.
            SpecError: a patch of spec.kustomize, or values that are for one chart where there are others.
        """
        listed = await self._files.listed(head, spec.path)
        markers = formats.markers(spec.render)
        limits = self._files.limits
        steps = limits.entries if listed.has_links else len(listed.entries) * (1 + len(spec.exclude))
        selected = await aio.aside(steps, selection.select, listed, spec.path, markers, spec.exclude, limits)
        if spec.helm.chart:
            return await self._of_chart(head, spec, treated, parts, listed=listed, selected=selected)
        unit_kinds.check(selected.units, spec.render, spec.path)
        kinds = unit_kinds.split(selected.units, spec.render)
        spec_overlay.check(spec.kustomize, spec.path, kinds.kustomizations | kinds.charts)
        self._charts.check(spec, len(kinds.charts))
        source = await self._source(head, parts) if selected.units else None
        how = _unit_settings(spec, treated)
        built = await self._built(head, source, kinds, how)
        if source and kinds.charts:
            charts = await charts_elsewhere.with_dependencies(source, kinds.charts, parts)
            built = built.plus(await self._charts.build(head, spec, treated, charts, how))
        else:
            self._charts.forget(treated.key)
        plain = tuple(each for each in selected.files if each.path not in built.reads)
        selected = replace(selected, files=plain)
        manifests = await self._manifests(head, spec, treated, selected, built)
        return CommitManifests(listed=listed, selected=selected, built=built, manifests=manifests)

    async def _of_chart(  # noqa: PLR0913  what is read, how, and what is there
        self,
        head: Head,
        spec: Spec,
        treated: Treated,
        parts: PinnedParts | None,
        *,
        listed: Links,
        selected: Selection,
    ) -> CommitManifests:
        """Render the chart that the spec names; the files below the path are values."""
        spec_overlay.check(spec.kustomize, spec.path, {"of the spec"})
        chart, door = charts_elsewhere.of_spec(spec, parts)
        charts_elsewhere.check_values_only(selected.units)
        source = await self._source(head, parts)
        charts = await charts_elsewhere.alone(source, chart, door)
        built = await self._charts.build(head, spec, treated, charts, _unit_settings(spec, treated))
        selected = replace(selected, files=(), failures=())
        manifests = await self._manifests(head, spec, treated, selected, built)
        return CommitManifests(listed=listed, selected=selected, built=built, manifests=manifests)

    async def _source(self, head: Head, parts: PinnedParts | None) -> UnitSource:
        return replace(await self._files.unit_source(head), bases=parts.bases if parts else None)

    async def _built(
        self, head: Head, source: UnitSource | None, kinds: UnitKinds, how: UnitSettings
    ) -> Built:
        if source is None or not kinds.kustomizations:
            return Built(failures=kinds.failures)
        built = await self._units.build(source, kinds.kustomizations, how)
        commit_notes.built(built, head.sha)
        return built.plus(Built(failures=kinds.failures))

    async def _manifests(
        self, head: Head, spec: Spec, treated: Treated, selected: Selection, built: Built
    ) -> tuple[Manifest, ...]:
        """Parse the selected files; report refusals of the selection and of units together with parse errors."""

        async def read(shas: Sequence[str]) -> Mapping[str, bytes]:
            return await self._files.blobs(head, shas)

        files = [(entry.path, entry.sha, entry.size) for entry in selected.files]
        places = _places(selected)
        refused = (*selected.failures, *built.failures)
        try:
            manifests = await self._cache.render(
                files,
                read,
                Reading(self._yaml, treated.treatment, treated.files_mark),
                skip_non_manifests=spec.skip_non_manifests,
            )
        except BuildError as error:
            told = build_error((*refused, *error.failures), places, spec.path, head.sha)
            raise _weighed(told, built, is_passing=isinstance(error, CostlyBuildError)) from error
        if refused:
            raise _weighed(build_error(refused, places, spec.path, head.sha), built)
        both = (*manifests, *built.manifests)
        if built.manifests:
            bounds = Bounds(self._yaml.objects, self._yaml.content_bytes, 0)
            bounds.check(Total(len(both), sum(len(each.content) for each in both)))
        return both


def _places(selected: Selection) -> Mapping[str, str]:
    return {entry.path: entry.reached for entry in selected.files}


def _unit_settings(spec: Spec, treated: Treated) -> UnitSettings:
    return UnitSettings(
        treatment=treated.treatment,
        mark=treated.files_mark,
        decryption_mark=treated.decryption_mark,
        overlay=spec.kustomize,
        components=spec_overlay.components(spec.kustomize, spec.path),
    )


def _weighed(error: BuildError, built: Built, *, is_passing: bool = False) -> BuildError:
    """Return the error that says how soon it is worth while to build again."""
    is_costly = built.is_costly or is_passing
    return CostlyBuildError(error.failures, error.reason) if is_costly else error
