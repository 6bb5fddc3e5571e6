"""What kustomizations cost beside kustomize itself: builds, commits that touch few units or none, and retries."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.units import kustomize
from towline.render.units.inputs import InputReader
from towline.render.units.unit_builds import UnitBuilder
from towline.render.units.unit_settings import UnitSettings
from towline.shares.pools import Pools

from e2e.bench import render_costs, rows
from e2e.bench.render_costs import Commit
from e2e.bench.rig import Rig
from e2e.bench.rows import Row, Section, Unit
from e2e.scenes import random_overlays
from e2e.scenes.random_overlays import Overlay

SIZES = (5, 100, 500)
UNITS = 100
ROUNDS = 5
RETRIES = 20

BUILD = 1.3
"""Times the bare tool, for a unit that changed."""

ONE_OF_MANY = 1.5
"""Times the build of this one alone, for a commit that changes one of `UNITS` units."""

UNTOUCHED_MILLISECONDS = 2.0
"""For a commit that touches no unit, for `UNITS` units."""


class Builds:
    """A builder with a jail in a folder of its own, and what its builds cost.

    Args:
        folder: is empty.
        binary: of kustomize or kubectl.
    """

    def __init__(self, folder: Path, binary: Path) -> None:
        self.children = 0
        self._loop = asyncio.new_event_loop()
        self._builder = UnitBuilder(
            Jail(folder, Pools.here()), partial(kustomize.find, str(binary)), InputReader(YamlLimits())
        )

    def cost(self, files: Mapping[str, str]) -> float:
        """Build the units of a commit; return seconds of processor time, children included."""
        commit = Commit(files)
        source, folders = commit.source, commit.folders
        before = render_costs.used()
        built = self._loop.run_until_complete(self._builder.build(source, folders, UnitSettings()))
        self.children += len(built.runs)
        return render_costs.used() - before


def measure(rig: Rig, seed: int) -> tuple[Section, ...]:
    """Measure builds of several sizes, and commits of many units."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return (
            _sizes(rig, place, seed),
            _many(rig, place, seed),
        )


def _sizes(rig: Rig, place: Path, seed: int) -> Section:
    found = []
    for count in SIZES:
        rig.say(f"a kustomization of {count} objects, {ROUNDS} times")
        drawn = random_overlays.overlay(seed, "app", count)
        builds = Builds(place / f"of-{count}", rig.plane.kubectl)
        ours, bare = [], []
        for number in range(ROUNDS):
            files = drawn.changed(f"v2-{number}")
            bare.append(
                render_costs.bare(
                    (str(rig.plane.kubectl), "kustomize", drawn.folder),
                    place / f"bare-{count}-{number}",
                    files,
                )
            )
            ours.append(builds.cost(files))
        ratios = [own / other for own, other in zip(ours, bare, strict=True)]
        found += [
            rows.median(
                f"an overlay of {count} objects, to kustomize alone", ratios, Unit.TIMES, at_most=BUILD
            ),
            rows.median("kustomize alone, CPU", [1000 * each for each in bare], Unit.MILLISECONDS),
        ]
    return Section(
        title=f"Kustomizations whose files changed, CPU with children, seed {seed}", rows=tuple(found)
    )


def _many(rig: Rig, place: Path, seed: int) -> Section:
    rig.say(f"{UNITS} kustomizations, of which one, or none, changes")
    drawn = [random_overlays.overlay(seed, f"app-{number}", 5 + number % 10) for number in range(UNITS)]
    files = _together(drawn)
    builds = Builds(place / "many", rig.plane.kubectl)
    builds.cost(files)
    begun = builds.children
    untouched = [builds.cost({**files, "notes.txt": str(number)}) for number in range(ROUNDS)]
    idle = builds.children - begun
    one = drawn[UNITS // 2]
    ratios = []
    for number in range(ROUNDS):
        changed = one.changed(f"v3-{number}")
        alone = Builds(place / f"alone-{number}", rig.plane.kubectl).cost(changed)
        ratios.append(builds.cost({**files, **changed}) / alone)
    apiece = (builds.children - begun - idle) / ROUNDS
    return Section(
        title=f"Commits to {UNITS} kustomizations of 5 to 14 objects, CPU with children, seed {seed}",
        rows=(
            Row(what="children for all of them, at first", value=begun),
            Row(what=f"children in {ROUNDS} commits that touch none", value=idle, at_most=0),
            rows.median(
                "a commit that touches none",
                [1000 * each for each in untouched],
                Unit.MILLISECONDS,
                at_most=UNTOUCHED_MILLISECONDS,
            ),
            Row(what="children for a commit that changes one", value=apiece, at_most=1),
            rows.median(
                "a commit that changes one, to its build alone", ratios, Unit.TIMES, at_most=ONE_OF_MANY
            ),
            Row(
                what=f"children for {RETRIES} tries of what kustomize refuses",
                value=_refused(rig, place),
                at_most=1,
            ),
        ),
    )


def _refused(rig: Rig, place: Path) -> int:
    files = {
        "a/kustomization.yaml": 'resources: [x.yaml]\nnamespace: "of: two lines"\nreplicas: [{name: x}]\n',
        "a/x.yaml": "kind: X\n",
    }
    builds = Builds(place / "refused", rig.plane.kubectl)
    for number in range(RETRIES):
        builds.cost({**files, "notes.txt": str(number)})
    return builds.children


def _together(drawn: Iterable[Overlay]) -> dict[str, str]:
    return {path: content for one in drawn for path, content in one.files.items()}
