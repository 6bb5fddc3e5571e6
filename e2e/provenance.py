"""Measure on any folder how well the fields of its units are traced: `python -m e2e.provenance DIR`."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import click
from towline.model import Manifest
from towline.render import folder
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.formats import KUSTOMIZATIONS
from towline.render.marks import attribution
from towline.render.marks.likelihood import Field
from towline.render.marks.tracing import Traced
from towline.render.marks.unit_tracer import UnitTracer
from towline.render.units import kustomize
from towline.render.units.inputs import InputReader
from towline.render.units.unit_builds import UnitBuilder
from towline.render.units.unit_settings import UnitSettings
from towline.render.units.unit_source import UnitSource
from towline.shares.pools import Pools
from towline.source.selection import Entry

from e2e import chart_provenance
from e2e.found_lines import FoundLines


async def measured(
    traced: Traced, manifests: Sequence[Manifest], samples: int, rng: random.Random, *, marks: bool
) -> FoundLines:
    """Trace every field of a unit, by marks or by replaying alone, and try some of the lines by changing them."""
    found = FoundLines()
    sites_of = (await traced.marked() if marks else traced.replayed).candidates
    with_sites: list[Field] = []
    for one in (
        each for manifest in manifests for each in attribution.fields(manifest.body, manifest.origin)
    ):
        sites = sites_of(one)
        by_mark = marks and sites and sites[0].is_marked
        found.leaves["marked" if by_mark else "replayed" if sites else "file only"] += 1
        if sites:
            with_sites.append(one)
    for one in rng.sample(with_sites, min(samples, len(with_sites))):
        site = sites_of(one)[0]
        moves = await traced.moves(site, one)
        found.sampled["broke the build" if moves is None else "moved" if moves else "did not move"] += 1
        if moves is False:
            found.wrong.append(f"{one.body['kind']} {one.steps}: {site.file} {site.steps}")
    return found


async def folder_measured(
    directory: Path, samples: int, seed: int, binary: str, *, marks: bool
) -> FoundLines:
    """Measure every unit below a folder."""
    root, path = folder.placed(directory)

    async def read(entries: Sequence[Entry]) -> Sequence[bytes]:
        return [(root / entry.path).read_bytes() for entry in entries]

    source = UnitSource(name="", tree=folder.Disk(root), read=read)
    listed = [entry.path for entry in folder.entries(root, path)]
    folders = {each.rpartition("/")[0] for each in listed if each.rpartition("/")[2] in KUSTOMIZATIONS}
    total, rng = FoundLines(), random.Random(seed)  # noqa: S311  a sample
    with tempfile.TemporaryDirectory() as place:
        jail, limits = Jail(Path(place), Pools.here()), YamlLimits()
        built = await UnitBuilder(jail, lambda: kustomize.find(binary), InputReader(limits)).build(
            source, folders, UnitSettings()
        )
        units: dict[str, list[Manifest]] = defaultdict(list)
        for manifest in built.manifests:
            units[manifest.origin.via[0]].append(manifest)
        tracer = UnitTracer(jail, lambda: kustomize.find(binary), InputReader(limits))
        for unit, manifests in units.items():
            traced = await tracer.traced(source, "", unit)
            if traced:
                found = await measured(traced, manifests, samples, rng, marks=marks)
                click.echo(f"{unit}: {len(manifests)} objects, {found}")
                total.add(found)
        for each in chart_provenance.folders(listed):
            measured_chart = await chart_provenance.measured(source, each, jail, samples, rng)
            if isinstance(measured_chart, str):
                click.echo(f"not rendered: {measured_chart}")
            else:
                click.echo(f"{each}: {measured_chart}")
                total.add(measured_chart)
    for failure in built.failures:
        click.echo(f"not built: {failure.file}:{failure.line}: {failure.message[:120]}")
    return total


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--samples", default=10, show_default=True, help="Lines of each unit that are tried.")
@click.option("--seed", default=1, show_default=True)
@click.option("--marks/--no-marks", default=True, help="Without marks, nothing is built to find lines.")
@click.option("--kustomize", "binary", default="", help="The kustomize or kubectl that builds.")
def main(directory: Path, samples: int, seed: int, binary: str, *, marks: bool) -> None:
    """Trace every field of the kustomizations and charts in DIRECTORY, and try some of the lines."""
    total = asyncio.run(folder_measured(directory, samples, seed, binary, marks=marks))
    for wrong in total.wrong:
        click.echo(f"did not move: {wrong}")
    click.echo(f"all: {total}")


if __name__ == "__main__":
    main()
