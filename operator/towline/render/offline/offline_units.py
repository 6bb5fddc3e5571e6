"""Build the units of a folder on disk as the operator builds those of a commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from towline.api.gitrepository import Render
from towline.api.helm_spec import set_syntax
from towline.api.helm_spec.helm_release import HelmRelease
from towline.api.helm_spec.set_syntax import SetSyntaxError
from towline.api.overlaying import KustomizeOverlay
from towline.errors import Reason, SourceError
from towline.render import documents, folder
from towline.render.confined.jail import Jail
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.helm import helm_tool, value_layers
from towline.render.helm.chart_builds import ChartBuilder
from towline.render.helm.chart_options import KUBE_VERSION, Capabilities, ChartOptions
from towline.render.helm.value_layers import NamedLayer
from towline.render.offline.offline_tools import OfflineTools
from towline.render.overlays import spec_overlay
from towline.render.overlays.chart_overlay import ChartOverlayer
from towline.render.units import kustomize, unit_kinds
from towline.render.units.built_units import Built
from towline.render.units.inputs import InputReader
from towline.render.units.unit_builds import UnitBuilder
from towline.render.units.unit_settings import UnitSettings
from towline.render.units.unit_source import UnitSource
from towline.render.variables.treatment import UNTREATED, Treatment
from towline.source.selection import Entry, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineRelease:
    """What charts are rendered with: files of values, and what follows `--set`, where the last one wins."""

    name: str = "release-name"
    namespace: str = "default"
    files: tuple[Path, ...] = ()
    settings: tuple[str, ...] = field(default=(), repr=False)
    kube_version: str = KUBE_VERSION
    api_versions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a spec says about how a folder is read; `layers` are values of charts that it has from elsewhere."""

    render: Render = Render.AUTO
    exclude: tuple[str, ...] = ()
    skip_non_manifests: bool = False
    overlay: KustomizeOverlay | None = None
    helm: HelmRelease = field(default_factory=HelmRelease)
    treatment: Treatment = UNTREATED
    layers: tuple[NamedLayer, ...] = field(default=(), repr=False)


class OfflineFolder(NamedTuple):
    """A folder on disk: the root of its repository, the path from there, what is read, and how much of a file."""

    root: Path
    path: str
    selected: Selection
    limits: YamlLimits


async def build(
    place: OfflineFolder, jail: Jail, tools: OfflineTools, release: OfflineRelease, asked: Asked
) -> Built:
    """Build units.

    Args:
        place: what is read.
        jail: where the tools run.
        tools: what builds.
        release: what charts are rendered with.
        asked: how it is read.

    Raises:
        SourceError: values cannot be read, or there is not exactly one chart for them.
        SpecError, BuildError: the overlay.
    """
    limits = place.limits
    kinds = unit_kinds.split(place.selected.units, asked.render)
    spec_overlay.check(asked.overlay, place.path, kinds.kustomizations | kinds.charts)
    given = _values(release, limits)
    if given and len(kinds.charts) != 1:
        message = f"values are for one chart, and DIR has {len(kinds.charts) or 'none'}: name the folder of the chart"
        raise SourceError(Reason.INVALID_SPEC, message)
    if not kinds.kustomizations and not kinds.charts:
        return Built(failures=kinds.failures)

    async def read(entries: Sequence[Entry]) -> Sequence[bytes]:
        return [folder.content(place.root, entry, max(limits.file_bytes, _FILE_BYTES)) for entry in entries]

    source = UnitSource(name="", tree=folder.Disk(place.root), read=read)
    find_helm, reader = partial(helm_tool.find, tools.helm), InputReader(limits)
    units = UnitBuilder(jail, partial(kustomize.find, tools.kustomize), reader, find_helm)
    overlayer = ChartOverlayer(jail, partial(kustomize.find, tools.kustomize), reader)
    charts = ChartBuilder(jail, find_helm, overlayer)
    how = UnitSettings(
        treatment=asked.treatment,
        overlay=asked.overlay,
        components=spec_overlay.components(asked.overlay, place.path),
    )
    built = await units.build(source, kinds.kustomizations, how)
    options = replace(_options(release, asked, given, limits), overlay=await overlayer.prepare(source, how))
    rendered = await charts.build(source, kinds.charts, options)
    return built.plus(rendered.built).plus(Built(failures=kinds.failures))


_FILE_BYTES = 16 * 1024**2
"""What any file of a chart may have, such as an archive of another one."""


def _options(
    release: OfflineRelease, asked: Asked, given: Mapping[str, Any], limits: YamlLimits
) -> ChartOptions:
    """Return how charts are rendered: as a spec says, with the values of the command line over those of it."""
    helm = asked.helm
    values = value_layers.merged(orjson.loads(helm.values), given) if helm.values else given
    return ChartOptions(
        asked=replace(helm, values=orjson.dumps(values) if values else b""),
        release=helm.name or release.name,
        namespace=helm.namespace or release.namespace,
        layers=asked.layers,
        capabilities=Capabilities(kube_version=release.kube_version, api_versions=release.api_versions),
        limits=limits,
    )


def _values(release: OfflineRelease, limits: YamlLimits) -> dict[str, Any]:
    """Return the values that the command line gives.

    Raises:
        SourceError: they cannot be read.
    """
    values: dict[str, Any] = {}
    for file in release.files:
        for one in _documents(file, limits):
            values = value_layers.merged(values, one)
    for text in release.settings:
        try:
            values = set_syntax.applied(text, values)
        except SetSyntaxError as error:
            raise SourceError(Reason.INVALID_SPEC, f"--set {text}: {error}") from None
    return values


def _documents(file: Path, limits: YamlLimits) -> list[dict[str, Any]]:
    try:
        found = documents.parse(file.read_bytes(), limits)
    except DocumentErrors as error:
        raise SourceError(Reason.BUILD_FAILED, f"{file}: {error}") from None
    except OSError as error:
        raise SourceError(Reason.PATH_NOT_FOUND, f"{file}: {error.strerror}") from None
    for one in found:
        if not isinstance(one.value, dict):
            raise SourceError(Reason.BUILD_FAILED, f"{file}:{one.line}: values must be a map")
    return [one.value for one in found]
