"""`spec.kustomize` changes units as an overlay in Git would, and only units."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from towline.api import overlaying
from towline.errors import Reason, SpecError
from towline.render.overlays import spec_overlay
from towline.render.units.unit_settings import UnitSettings

from tests.render.units.kustomizations import BASE, FASTER
from tests.render.units.test_kustomize_builds import by_name, oracle
from tests.render.units.trees import Yard, told

REPLICAS = "- {op: replace, path: /spec/replicas, value: 7}\n"
COMPONENT: Mapping[str, str] = {
    "parts/debug/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    "patches: [{path: level.yaml, target: {kind: Deployment}}]\n",
    "parts/debug/level.yaml": "- {op: add, path: /spec/minReadySeconds, value: 3}\n",
}
ANNOTATIONS = """
apiVersion: builtin
kind: AnnotationsTransformer
metadata: {name: x}
annotations: {team: shop}
fieldSpecs: [{path: metadata/annotations, create: true}]
"""
OVERLAYS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "names": ({"namePrefix": "a-", "nameSuffix": "-z", "namespace": "shop"},) * 2,
    "labels": ({"labels": {"team": "shop"}}, {"labels": [{"pairs": {"team": "shop"}}]}),
    "annotations": ({"annotations": {"team": "shop"}}, {"transformers": [ANNOTATIONS]}),
    "images": ({"images": [{"name": "nginx", "newName": "mirror/nginx", "newTag": "1.2"}]},) * 2,
    "digest": ({"images": [{"name": "nginx", "digest": f"sha256:{'a' * 64}"}]},) * 2,
    "replicas": ({"replicas": [{"name": "web", "count": 0}]},) * 2,
    "patch with an identity": ({"patches": [{"patch": FASTER}]},) * 2,
    "patch with a target": (
        {"patches": [{"patch": REPLICAS, "target": {"kind": "Deployment", "name": "w.*"}}]},
    )
    * 2,
    "component": ({"components": ["../parts/debug"]}, {"components": ["../../parts/debug"]}),
}


def how(given: Mapping[str, Any], path: str = "base") -> UnitSettings:
    found = overlaying.parse(given)
    return UnitSettings(overlay=found, components=spec_overlay.components(found, path))


@pytest.mark.parametrize("name", OVERLAYS)
async def test_an_overlay_of_the_spec_is_one_that_git_could_hold(tmp_path: Path, name: str) -> None:
    given, written = OVERLAYS[name]
    files = {**BASE, **COMPONENT}
    built = await Yard(tmp_path).build(files, how=how(given))
    assert told(built) == []
    by_hand = yaml.safe_dump({"resources": ["../../base"], **written})
    expected = oracle(tmp_path / "tree", "by/hand", {**files, "by/hand/kustomization.yaml": by_hand})
    assert by_name([one.body for one in built.manifests]) == by_name(expected)
    assert by_name(expected) != by_name(oracle(tmp_path / "plain", "base", BASE))
    assert {one.origin.file for one in built.manifests} == {"base/web.yaml", "base/service.yaml"}
    assert {one.origin.via for one in built.manifests} == {("base/kustomization.yaml",)}


async def test_every_unit_is_changed_the_unit_at_the_root_too(tmp_path: Path) -> None:
    maps = {name: f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n" for name in ("one", "two")}
    files = {f"{name}/kustomization.yaml": "resources: [map.yaml]\n" for name in maps}
    files |= {f"{name}/map.yaml": text for name, text in maps.items()}
    built = await Yard(tmp_path).build(files, how=how({"namePrefix": "a-"}))
    assert sorted(one.ref.name for one in built.manifests) == ["a-one", "a-two"]
    root = {"kustomization.yaml": "resources: [one/map.yaml]\nconfigMapGenerator: [{name: made}]\n", **files}
    yard = Yard(tmp_path)
    (settings, made) = sorted(
        (await yard.build(root, {""}, how({"namePrefix": "a-"}, "."))).manifests,
        key=lambda one: one.ref.name != "a-one",
    )
    assert (settings.ref.name, settings.origin.file) == ("a-one", "one/map.yaml")
    assert (made.origin.file, made.origin.line) == ("kustomization.yaml", 2)


async def test_another_overlay_and_another_component_build_again(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    files, given = {**BASE, **COMPONENT}, {"components": ["../parts/debug"]}
    for each in ({"namePrefix": "a-"}, {"namePrefix": "b-"}, {"namePrefix": "a-"}, given, given):
        await yard.build(files, how=how(each))
    assert yard.children == 3
    changed = {**files, "parts/debug/level.yaml": COMPONENT["parts/debug/level.yaml"].replace("3", "4")}
    built = await yard.build(changed, how=how(given))
    assert yard.children == 4
    assert built.reads == {*BASE, *COMPONENT}


@pytest.mark.parametrize(
    ("component", "words"),
    [
        ("../none", "spec.kustomize.components[0]: none has no kustomization in this commit"),
        ("../other", "spec.kustomize.components[0]: other is not of kind Component"),
    ],
)
async def test_a_component_that_is_none_is_named_by_its_field(
    tmp_path: Path, component: str, words: str
) -> None:
    files = {**BASE, "other/kustomization.yaml": "resources: [../base]\n"}
    (failure,) = told(await Yard(tmp_path).build(files, {"base"}, how({"components": [component]})))
    assert words in failure


async def test_what_is_wrong_inside_a_component_has_its_file_and_line(tmp_path: Path) -> None:
    files = {
        **BASE,
        "parts/debug/kustomization.yaml": "kind: Component\napiVersion: x\npatches:\n- path: gone.yaml\n",
    }
    (failure,) = told(await Yard(tmp_path).build(files, how=how({"components": ["../parts/debug"]})))
    assert failure == "parts/debug/kustomization.yaml:4: gone.yaml is not in this commit"


async def test_what_kustomize_refuses_is_told_with_paths_of_the_repository(tmp_path: Path) -> None:
    patch = {"patch": FASTER.replace("name: web}", "name: gone}")}
    (failure,) = told(await Yard(tmp_path).build(BASE, how=how({"patches": [patch]})))
    assert failure.startswith("base/kustomization.yaml:0: kustomize refuses it: ")
    assert str(tmp_path) not in failure
    assert "repository/" not in failure


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        (REPLICAS, "names no object: add a target"),
        ("kind: Deployment\nmetadata: {name: web}\n", "names no object"),
        ("a: b: c\n", "line 1: "),
        ("# nothing\n", "is empty"),
    ],
)
def test_a_patch_that_says_nowhere_what_it_changes_is_refused_by_its_field(patch: str, words: str) -> None:
    found = overlaying.parse({"patches": [{"patch": FASTER}, {"patch": patch}]})
    assert found
    with pytest.raises(SpecError) as raised:
        spec_overlay.check(found, ".", {"app"})
    assert raised.value.reason is Reason.INVALID_SPEC
    assert raised.value.message.startswith("spec.kustomize.patches[1].patch: ")
    assert words in raised.value.message
