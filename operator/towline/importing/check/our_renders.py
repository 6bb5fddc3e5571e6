"""Render a GitRepository that was imported from a local clone, as the operator would."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from towline.api.gitrepository import Spec
from towline.errors import BuildError, Failure, TowlineError
from towline.importing.check.rendered_side import RenderedSide
from towline.model import Body
from towline.render import folder, formats, links, plain
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.helm import helm_tool
from towline.render.helm.chart_builds import ChartBuilder
from towline.render.helm.chart_options import ChartOptions
from towline.render.offline.offline_units import OfflineTools
from towline.render.units import kustomize, overlay, unit_kinds
from towline.render.units.built_units import Built
from towline.render.units.unit_builds import UnitBuilder
from towline.render.units.unit_settings import UnitSettings
from towline.render.units.unit_source import UnitSource
from towline.shares.pools import Pools
from towline.source import selection
from towline.source.selection import Entry, Selection, SourceLimits

_YAML = YamlLimits()
_CHART_FILE_BYTES = 16 * 1024**2


def render(root: Path, spec: Spec, tools: OfflineTools) -> RenderedSide:
    """Return what a spec makes of a clone, or why it makes nothing.

    Variables, and what ConfigMaps and Secrets hold, are left as they are written: a cluster has them.

    Args:
        root: the top of the clone.
        spec: that of the GitRepository.
        tools: what builds units.
    """
    try:
        listed = links.Links(
            tuple(folder.entries(root, spec.path)), folder.Disk(root), SourceLimits().entries
        )
        markers = formats.markers(spec.render)
        selected = selection.select(listed, spec.path, markers, spec.exclude, SourceLimits())
        built = asyncio.run(_built(root, spec, selected, tools))
        found, failures = _plain(root, selected, built)
    except BuildError as error:
        return RenderedSide(errors=tuple(map(_told, error.failures)))
    except TowlineError as error:
        return RenderedSide(errors=(error.message,))
    except OSError as error:
        return RenderedSide(errors=(f"{spec.path} cannot be read: {error.strerror}",))
    refused = (*selected.failures, *built.failures, *failures)
    if refused:
        return RenderedSide(errors=tuple(map(_told, refused)))
    return RenderedSide(objects=(*(one.body for one in built.manifests), *found))


async def _built(root: Path, spec: Spec, selected: Selection, tools: OfflineTools) -> Built:
    kinds = unit_kinds.split(selected.units, spec.render)
    if not kinds.kustomizations and not kinds.charts:
        return Built(failures=kinds.failures)

    async def read(entries: Sequence[Entry]) -> Sequence[bytes]:
        return [folder.content(root, entry, _CHART_FILE_BYTES) for entry in entries]

    source = UnitSource(name="", tree=folder.Disk(root), read=read)
    with tempfile.TemporaryDirectory() as place:
        jail = Jail(Path(place), Pools.here())
        units = UnitBuilder(jail, partial(kustomize.find, tools.kustomize), _YAML)
        charts = ChartBuilder(jail, partial(helm_tool.find, tools.helm))
        how = UnitSettings(overlay=spec.kustomize, components=overlay.components(spec.kustomize, spec.path))
        built = await units.build(source, kinds.kustomizations, how)
        rendered = await charts.build(source, kinds.charts, _chart_options(spec))
        return built.plus(rendered.built).plus(Built(failures=kinds.failures))


def _chart_options(spec: Spec) -> ChartOptions:
    """Return how a chart is rendered; an import always names the release."""
    namespace = spec.helm.namespace or spec.default_namespace
    return ChartOptions(asked=spec.helm, release=spec.helm.name, namespace=namespace, limits=_YAML)


def _plain(root: Path, selected: Selection, built: Built) -> tuple[list[Body], list[Failure]]:
    found: list[Body] = []
    failures: list[Failure] = []
    for entry in selected.files:
        if entry.path in built.reads:
            continue
        manifests, faults = plain.manifests(
            entry.path, "", folder.content(root, entry, _YAML.file_bytes), _YAML
        )
        found.extend(one.body for one in manifests)
        failures.extend(faults)
    return found, failures


def _told(failure: Failure) -> str:
    where = ":".join(filter(None, (failure.file, str(failure.line or ""))))
    return f"{where}: {failure.message}" if where else failure.message
