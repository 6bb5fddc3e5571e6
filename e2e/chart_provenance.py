"""Measure how well the fields of charts are traced: what `e2e.provenance` does for kustomizations."""

from __future__ import annotations

import os
import random
from collections.abc import Collection, Sequence

from towline.api.helm_spec.helm_release import HelmRelease
from towline.model import Manifest
from towline.render.chart_lines import line_edits, moved_fields
from towline.render.chart_lines.chart_tracer import ChartKey, ChartTracer
from towline.render.chart_lines.proved_chart import ProvedChart
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.helm import helm_tool
from towline.render.helm.chart_builds import ChartBuilder
from towline.render.helm.chart_options import ChartOptions
from towline.render.helm.chart_recipes import ChartRecipes
from towline.render.marks import attribution, same_objects
from towline.render.marks.likelihood import Field
from towline.render.units import unit_folders
from towline.render.units.unit_kinds import CHART
from towline.render.units.unit_source import UnitSource

from e2e.controlplane import assemble
from e2e.found_lines import FoundLines


def folders(paths: Collection[str]) -> Sequence[str]:
    """Return the folders of charts that are in no other chart."""
    named = {each.rpartition("/")[0] for each in paths if each.rpartition("/")[2] == CHART}
    return unit_folders.candidates(named, frozenset())


async def measured(
    source: UnitSource, folder: str, jail: Jail, samples: int, rng: random.Random
) -> FoundLines | str:
    """Trace every field of a chart, and try some of the lines; return why where it cannot be rendered."""
    recipes, binary = ChartRecipes(), str(assemble.helm(os.environ))
    builder = ChartBuilder(jail, lambda: helm_tool.find(binary), None, recipes)
    options = ChartOptions(asked=HelmRelease(), release="release-name", namespace="default")
    built = (await builder.build(source, [folder], options)).built
    if built.failures:
        return f"{built.failures[0].file}:{built.failures[0].line}: {built.failures[0].message[:120]}"
    if not built.manifests:
        return f"{folder}: declares nothing"
    origin = built.manifests[0].origin
    key = ChartKey("", "", origin.via[0], origin.values, origin.render)
    chart = await ChartTracer(YamlLimits(), recipes).traced(source, key)
    return await _measured(chart, built.manifests, samples, rng) if chart else f"{folder}: too large"


async def _measured(
    chart: ProvedChart, manifests: Sequence[Manifest], samples: int, rng: random.Random
) -> FoundLines:
    found = FoundLines()
    with_lines: list[Field] = []
    for one in (
        each for manifest in manifests for each in attribution.fields(manifest.body, manifest.origin)
    ):
        traced = chart.traced.source(one)
        found.leaves["file only" if traced is None else "value" if traced.site else "template"] += 1
        if traced:
            with_lines.append(one)
    for one in rng.sample(with_lines, min(samples, len(with_lines))):
        said = await _outcome(chart, one)
        place = await chart.place(one, confirm=True)
        found.confirmed[place.certainty] += 1
        found.sampled[said] += 1
        if said == "did not move":
            found.wrong.append(f"{one.body['kind']} {one.steps}: {place.file}:{place.line}")
    return found


async def _outcome(chart: ProvedChart, one: Field) -> str:
    """Say what a field does where its likeliest line alone is changed, whatever else changes with it."""
    traced = chart.traced.source(one)
    edit = line_edits.of(chart.traced, traced, one.value) if traced else None
    if edit is None:
        return "cannot be changed"
    after = await chart.rendered(edit)
    if after is None:
        return "broke the build"
    at = moved_fields.index_of(after, one)
    return (
        "did not move"
        if at is not None and same_objects.at(after[at].body, one.steps) == one.value
        else "moved"
    )
