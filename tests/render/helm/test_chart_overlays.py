"""`spec.kustomize` changes what a chart declares, and each object still names its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from towline.api import overlaying
from towline.render.helm.chart_builds import BuiltCharts
from towline.render.overlays import spec_overlay
from towline.render.sops import keyring
from towline.render.units.unit_settings import UnitSettings
from towline.render.units.unit_source import UnitSource
from towline.render.variables.treatment import Treatment

from e2e.scenes import sops_files
from tests.render.helm.yard import Yard, options, told
from tests.render.units.trees import Commit

CHART: Mapping[str, str] = {
    "app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
    "app/values.yaml": "colour: red\n",
    "app/templates/both.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-one\n"
    "data: {colour: {{ .Values.colour }}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n",
}
PATCH = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-one}\ndata: {colour: blue}\n"
COMPONENT: Mapping[str, str] = {
    "parts/debug/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    "configMapGenerator: [{name: made, envs: [app.env], options: {disableNameSuffixHash: true}}]\n",
    "parts/debug/app.env": "LEVEL=high\n",
}
KEYS = keyring.keyring({"x.agekey": sops_files.PRIVATE.encode()})


async def overlaid(
    yard: Yard, files: Mapping[str, str], given: Mapping[str, Any], **more: Any
) -> BuiltCharts:
    overlay = overlaying.parse(given)
    how = UnitSettings(overlay=overlay, components=spec_overlay.components(overlay, "app"), **more)
    commit = Commit(files)
    source = UnitSource(name="repository", tree=commit.tree, read=commit.read)
    prepared = await yard.overlayer.prepare(source, how)
    return await yard.charts(files, replace(options(), overlay=prepared))


def named(found: BuiltCharts) -> dict[str, Any]:
    assert told(found) == []
    return {one.ref.name: one for one in found.built.manifests}


async def test_objects_of_a_chart_are_changed_and_name_their_templates(tmp_path: Path) -> None:
    given = {"nameSuffix": "-x", "labels": {"team": "shop"}, "patches": [{"patch": PATCH}]}
    plain = named(await Yard(tmp_path).charts(CHART))
    found = named(await overlaid(Yard(tmp_path), CHART, given))
    assert found.keys() == {"web-one-x", "two-x"}
    one, two = found["web-one-x"], found["two-x"]
    assert one.body["data"] == {"colour": "blue"}
    assert two.body["metadata"] == {"name": "two-x", "labels": {"team": "shop"}}
    origins = [each.origin._replace(render="") for each in (one, two, plain["web-one"], plain["two"])]
    assert origins[:2] == origins[2:]
    assert (two.origin.file, two.origin.line) == ("app/templates/both.yaml", 7)


async def test_a_component_adds_to_a_chart_and_hides_what_was_encrypted(tmp_path: Path) -> None:
    files = {**CHART, **COMPONENT}
    yard, given = Yard(tmp_path), {"components": ["../parts/debug"]}
    made = named(await overlaid(yard, files, given))["made"]
    assert made.body["data"] == {"LEVEL": "high"}
    assert made.origin.file == "parts/debug/kustomization.yaml"
    sealed = {**files, "parts/debug/app.env": sops_files.env_file({"LEVEL": "correct horse"})}
    (failure,) = told(await overlaid(yard, sealed, given))
    assert failure.startswith("parts/debug/app.env:1: encrypted by SOPS, and spec.decryption is not set")
    more = {"treatment": Treatment(keys=KEYS), "mark": "k", "decryption_mark": "k"}
    hidden = named(await overlaid(yard, sealed, given, **more))["made"]
    assert hidden.body["data"] == {"LEVEL": "correct horse"}
    assert "correct horse" in hidden.hidden.texts


async def test_another_overlay_renders_again_and_the_same_does_not(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    for suffix, children in (("-a", 2), ("-b", 4), ("-a", 4)):
        await overlaid(yard, CHART, {"nameSuffix": suffix})
        assert yard.children == children


async def test_what_kustomize_refuses_names_the_chart(tmp_path: Path) -> None:
    patch = PATCH.replace("web-one", "gone")
    (failure,) = told(await overlaid(Yard(tmp_path), CHART, {"patches": [{"patch": patch}]}))
    assert failure.startswith("app/Chart.yaml:0: kustomize refuses it: ")
    assert str(tmp_path) not in failure
