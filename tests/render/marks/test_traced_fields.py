"""From which file and line each field of a built object comes, with kubectl itself as the judge."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from towline.fields import pointer
from towline.model import Manifest
from towline.render.documents import YamlLimits
from towline.render.marks.field_place import Certainty, FieldPlace
from towline.render.marks.likelihood import Field
from towline.render.marks.tracing import Traced
from towline.render.marks.unit_tracer import UnitTracer
from towline.render.units import kustomize
from towline.render.units.inputs import InputReader
from towline.render.units.unit_source import UnitSource
from towline.shares.pools import Pools

from e2e.found_lines import FoundLines
from e2e.provenance import measured
from tests.render.kubectl import KUBECTL
from tests.render.units.kustomizations import BASE, FIXTURES, over
from tests.render.units.trees import Commit, CountingJail, Yard


class Tracing:
    """A tracer, and how many children it has started."""

    def __init__(self, folder: Path) -> None:
        self._yard = Yard(folder / "builds")
        self.jail = CountingJail(folder / "traces", Pools.here())
        self._tracer = UnitTracer(self.jail, lambda: kustomize.find(str(KUBECTL)), InputReader(YamlLimits()))

    async def unit(self, files: Mapping[str, str]) -> tuple[Traced, tuple[Manifest, ...]]:
        """Return the only unit, and what it declares."""
        built = await self._yard.build(files)
        assert built.failures == ()
        commit = Commit(files)
        source = UnitSource(name="repository", tree=commit.tree, read=commit.read)
        traced = await self._tracer.traced(source, "", built.manifests[0].origin.via[0])
        assert traced
        return traced, built.manifests

    async def place(
        self, files: Mapping[str, str], kind: str, path: str, *, confirm: bool = True
    ) -> FieldPlace:
        traced, manifests = await self.unit(files)
        (manifest,) = (each for each in manifests if each.ref.kind == kind)
        steps = tuple(int(step) if step.isdecimal() else step for step in pointer.split(path))
        value = pointer.follow(manifest.body, path)
        return await traced.place(Field(manifest.body, manifest.origin, steps, value), confirm=confirm)


@pytest.fixture
def tracing(tmp_path: Path) -> Tracing:
    (tmp_path / "builds").mkdir()
    return Tracing(tmp_path)


IMAGE = "/spec/template/spec/containers/0/image"
PATCH = """patches:
- target: {kind: Deployment}
  patch: |-
    # why
    - op: replace
      path: /spec/replicas
      value: 4
"""
OVERLAY = "resources: [../base]\nnamespace: shop\n"
EXACT: Mapping[str, tuple[Mapping[str, str], str, str, str]] = {
    "a tag that the overlay sets": (
        over(f"{OVERLAY}images:\n- name: nginx\n  newTag: '1.27'\n")[1],
        "Deployment",
        IMAGE,
        "prod/kustomization.yaml:5",
    ),
    "an image that only the base names": (over(OVERLAY)[1], "Deployment", IMAGE, "base/web.yaml:17"),
    "replicas of the overlay": (
        over("resources: [../base]\nreplicas:\n- name: web\n  count: 7\n")[1],
        "Deployment",
        "/spec/replicas",
        "prod/kustomization.yaml:4",
    ),
    "a namespace": (over(OVERLAY)[1], "Service", "/metadata/namespace", "prod/kustomization.yaml:2"),
    "a label": (
        over("resources: [../base]\nlabels:\n- includeSelectors: true\n  pairs:\n    team: blue\n")[1],
        "Deployment",
        "/spec/selector/matchLabels/team",
        "prod/kustomization.yaml:5",
    ),
    "a value in a patch that is written inline": (
        over(f"resources: [../base]\n{PATCH}")[1],
        "Deployment",
        "/spec/replicas",
        "prod/kustomization.yaml:8",
    ),
    "a value in a patch of its own": (
        FIXTURES["a strategic patch in a file"][1],
        "Deployment",
        "/spec/template/spec/containers/0/env/0/value",
        "prod/faster.yaml:11",
    ),
    "a literal of a generator that is merged": (
        FIXTURES["a generator that merges"][1],
        "ConfigMap",
        "/data/b",
        "prod/kustomization.yaml:5",
    ),
    "a line of a file of variables": (
        {
            "a/kustomization.yaml": "configMapGenerator:\n- name: made\n  envs: [vars.env]\n",
            "a/vars.env": "# first\nA=1\nB=2\n",
        },
        "ConfigMap",
        "/data/B",
        "a/vars.env:3",
    ),
    "what a replacement copies": (
        FIXTURES["replacements"][1],
        "Deployment",
        "/spec/template/spec/containers/0/env/0/value",
        "base/service.yaml:7",
    ),
    "a value of the base under an overlay": (
        over(OVERLAY)[1],
        "Service",
        "/spec/ports/0/port",
        "base/service.yaml:7",
    ),
}


@pytest.mark.parametrize("what", EXACT)
async def test_a_field_names_the_line_that_changes_it(tracing: Tracing, what: str) -> None:
    files, kind, path, place = EXACT[what]
    found = await tracing.place(files, kind, path)
    assert (f"{found.file}:{found.line}", found.certainty) == (place, Certainty.EXACT)


async def test_what_the_tool_makes_itself_names_the_generator(tracing: Tracing) -> None:
    files = {"a/kustomization.yaml": "configMapGenerator:\n- name: made\n  literals: [a=b]\n"}
    found = await tracing.place(files, "ConfigMap", "/kind")
    assert found == FieldPlace("a/kustomization.yaml", 2, Certainty.FILE)


async def test_a_unit_is_built_once_with_marks_and_once_for_each_line_that_is_confirmed(
    tracing: Tracing,
) -> None:
    files = EXACT["a tag that the overlay sets"][0]
    likely = await tracing.place(files, "Deployment", IMAGE, confirm=False)
    assert (likely.certainty, tracing.jail.started) == (Certainty.LIKELY, 0)
    for _ in range(20):
        await tracing.place(files, "Deployment", IMAGE)
    assert tracing.jail.started == 2


async def test_marks_that_kustomize_refuses_are_left_out(tracing: Tracing) -> None:
    tested = "- {op: test, path: /spec/ports/0/name, value: http}\n- {op: remove, path: /spec/ports/0/name}\n"
    service = BASE["base/service.yaml"].replace("{port: 80}", "{port: 80, targetPort: 8080, name: http}")
    files = {
        **BASE,
        "base/service.yaml": service,
        "prod/kustomization.yaml": "resources: [../base]\npatches:\n- path: p.yaml\n  target: {kind: Service}\n",
        "prod/p.yaml": tested,
    }
    found = await tracing.place(files, "Service", "/spec/ports/0/targetPort")
    assert (found.file, found.certainty) == ("base/service.yaml", Certainty.EXACT)


@pytest.mark.parametrize("marks", [True, False], ids=["marked", "replayed"])
async def test_lines_of_the_fixtures_are_causally_right(tracing: Tracing, *, marks: bool) -> None:
    total = FoundLines()
    for _, files in FIXTURES.values():
        traced, manifests = await tracing.unit(files)
        total.add(await measured(traced, manifests, 2, random.Random(1), marks=marks))  # noqa: S311  a sample
    assert total.with_line > 0.95, str(total)
    assert total.right >= 0.95, "\n".join(total.wrong)


async def test_a_value_that_a_file_holds_ten_thousand_times_is_compared_with_few_of_them(
    tracing: Tracing,
) -> None:
    many = "".join(f"  k{number}: {{type: string}}\n" for number in range(10_000))
    files = {
        "a/kustomization.yaml": "resources: [custom.yaml]\n",
        "a/custom.yaml": f"apiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: thing}}\nspec:\n{many}",
    }
    traced, (manifest,) = await tracing.unit(files)
    field = Field(manifest.body, manifest.origin, ("spec", "k7000", "type"), "string")
    assert len(list(traced.replayed._holding(field, field.steps))) < 10
    assert (await traced.place(field, confirm=False)).line == 7005


async def test_a_value_that_no_file_sets_is_not_traced_to_another_object_that_has_it(
    tracing: Tracing,
) -> None:
    other = BASE["base/web.yaml"].replace("name: web\n  labels", "name: other\n  labels")
    files = {
        **BASE,
        "base/kustomization.yaml": "resources: [web.yaml, other.yaml]\n",
        "base/other.yaml": other.replace("replicas: 1", "replicas: 3"),
    }
    traced, manifests = await tracing.unit(files)
    (web,) = (each for each in manifests if each.ref.name == "web")
    set_in_the_spec = {**web.body, "spec": {**web.body["spec"], "replicas": 3}}
    field = Field(set_in_the_spec, web.origin, ("spec", "replicas"), 3)
    for confirm in (False, True):
        found = await traced.place(field, confirm=confirm)
        assert found == FieldPlace("base/web.yaml", 2, Certainty.FILE)
