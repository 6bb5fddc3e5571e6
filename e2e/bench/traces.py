"""What it costs to say which line of a kustomization sets a field: the first time, and then."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.marks import likelihood
from towline.render.marks.field_place import Certainty
from towline.render.marks.unit_tracer import UnitTracer
from towline.render.units import kustomize
from towline.render.units.inputs import InputReader
from towline.render.units.unit_builds import UnitBuilder
from towline.render.units.unit_settings import UnitSettings
from towline.shares.pools import Pools

from e2e.bench import render_costs
from e2e.bench.render_costs import Commit
from e2e.bench.rig import Rig
from e2e.bench.rows import Row, Section, Unit
from e2e.scenes import random_overlays

OBJECTS = 100
FIRST = 4.0
"""Times one build, for the first field that is confirmed."""

NEXT_MILLISECONDS = 5.0
"""For each further field, as it is told in failures and drift."""

_FIRST_FIELD = "/spec/replicas"
_SHA = "a" * 40


def measure(rig: Rig, seed: int) -> tuple[Section, ...]:
    """Trace the fields of one overlay."""
    rig.say(f"the lines of fields of a kustomization of {OBJECTS} objects")
    drawn = random_overlays.overlay(seed, "app", OBJECTS)
    source, loop = Commit(drawn.files).source, asyncio.new_event_loop()
    find = partial(kustomize.find, str(rig.plane.kubectl))
    with tempfile.TemporaryDirectory() as folder:
        jail = Jail(Path(folder), Pools.here())
        before = render_costs.used()
        built = loop.run_until_complete(
            UnitBuilder(jail, find, InputReader(YamlLimits())).build(source, {drawn.folder}, UnitSettings())
        )
        build = render_costs.used() - before
        tracer = UnitTracer(jail, find, InputReader(YamlLimits()))
        fields = [
            field
            for one in built.manifests
            for path in (_FIRST_FIELD, "/metadata/namespace", "/metadata/labels/team")
            if (field := likelihood.field_at(one.body, one.origin, path))
        ]

        async def places(count: int) -> float:
            begun = time.process_time()
            traced = await tracer.traced(source, _SHA, f"{drawn.folder}/kustomization.yaml")
            if traced is None:
                raise ValueError("the overlay cannot be traced")
            for field in fields[:count]:
                place = await traced.place(field, confirm=count == 1)
                if place.certainty is Certainty.FILE:
                    raise ValueError(f"the line of {field.steps} is not found")
            return time.process_time() - begun

        before = render_costs.used()
        loop.run_until_complete(places(1))
        first = render_costs.used() - before
        further = statistics.median(loop.run_until_complete(places(len(fields))) for _ in range(3)) / len(
            fields
        )
    return (
        Section(
            title=f"Which line sets a field, in an overlay of {OBJECTS} objects, seed {seed}",
            rows=(
                Row(
                    what="the first one, confirmed, to one build",
                    value=first / build,
                    unit=Unit.TIMES,
                    at_most=FIRST,
                ),
                Row(
                    what="each further one, CPU",
                    value=1000 * further,
                    unit=Unit.MILLISECONDS,
                    at_most=NEXT_MILLISECONDS,
                ),
            ),
        ),
    )
