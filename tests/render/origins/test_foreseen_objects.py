"""Objects are known by their names, and where they are not, kustomize says where they are declared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from towline.api import overlaying
from towline.model import Origin
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.origins import foreseen_objects
from towline.render.origins.foreseen_objects import ForeseenObjects
from towline.render.overlays import spec_overlay
from towline.render.units import build_place, graph, kustomize, unit_inputs
from towline.render.units.graph_reader import GraphReader
from towline.render.units.inputs import InputReader
from towline.render.units.unit_settings import UnitSettings
from towline.render.units.unit_source import UnitSource
from towline.shares.pools import Pools

from tests.render.kubectl import KUBECTL
from tests.render.units.kustomizations import BASE, FIXTURES, over
from tests.render.units.trees import Commit, Yard, told

ASKED = {"transformers as files", "generators as files"}
"""Fixtures of which only kustomize knows what its objects are called."""

FORGOTTEN = {"a JSON patch written inline"}
"""Those that lose the annotation in which kustomize says where an object is declared."""

Named = Mapping[str, Origin]


def config_map(name: str, namespace: str = "") -> str:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


async def origins(
    place: Path, folder: str, files: Mapping[str, str], how: UnitSettings | None = None
) -> tuple[Named | None, Named]:
    """Return the origins of a unit's objects as they were foreseen, None where they were not, and as kustomize says."""
    how = how or UnitSettings()
    commit = Commit(files)
    source = UnitSource(name="r", tree=commit.tree, read=commit.read)
    reader = GraphReader(InputReader(YamlLimits()))
    unit = (await reader.graphs(source, (folder,)))[folder]
    added, _ = await reader.components(source, how.components)
    unit = graph.joined(unit, added)
    assert unit.failures == ()
    read = unit_inputs.read(
        unit, {path: commit.contents[path] for path in unit.files}, InputReader(YamlLimits()), None
    )
    overlay = spec_overlay.kustomization(how.overlay, "", {}) if how.overlay else {}
    foreseen = foreseen_objects.foreseen(unit, read.files, overlay, how.components.values())

    async def built(known: ForeseenObjects | None) -> Named:
        tool = kustomize.find(str(KUBECTL))
        assert tool
        seen = build_place.place(unit, read, how, asks=known is None)
        ran = await Jail(place / "renders", Pools.here()).run((*tool.command, seen.folder), seen.files)
        assert ran.result.code == 0, ran.result.complaint
        found, failures = kustomize.objects(ran.result.out, unit, read, seen, known)
        assert failures == ()
        return {json.dumps(json.loads(one.content), sort_keys=True): one.origin for one in found}

    return await built(foreseen) if foreseen else None, await built(None)


@pytest.mark.parametrize("name", FIXTURES)
async def test_an_object_is_declared_where_kustomize_says(tmp_path: Path, name: str) -> None:
    foreseen, said = await origins(tmp_path, *FIXTURES[name])
    assert (foreseen is None) == (name in ASKED)
    if name in FORGOTTEN:
        assert foreseen != said
        assert foreseen
        assert {one.file for one in foreseen.values()} == {"base/web.yaml", "base/service.yaml"}
    elif foreseen is not None:
        assert foreseen == said


CHANGES: Mapping[str, str] = {
    "a patch that may rename": "patches:\n- patch: |\n    apiVersion: v1\n    kind: Service\n"
    "    metadata: {name: shop}\n  target: {kind: Service}\n  options: {allowNameChange: true}\n",
    "a JSON patch of the name": "patches:\n- target: {kind: Service}\n"
    '  patch: \'[{"op": "replace", "path": "/metadata/name", "value": "shop"}]\'\n',
    "a JSON patch of all metadata": "patchesJson6902:\n- target: {version: v1, kind: Service, name: web}\n"
    "  patch: |-\n    - {op: replace, path: /metadata, value: {name: shop}}\n",
    "a replacement of the name": "replacements:\n- source: {kind: Deployment, name: web, fieldPath: spec.replicas}\n"
    "  targets:\n  - {select: {kind: Service}, fieldPaths: [metadata.name], options: {create: true}}\n",
    "a transformer of names": 'transformers: ["apiVersion: builtin\\nkind: PrefixTransformer\\n'
    'metadata: {name: p}\\nprefix: x-\\nfieldSpecs: [{path: metadata/name}]\\n"]\n',
}


@pytest.mark.parametrize("name", CHANGES)
async def test_kustomize_is_asked_where_something_else_may_rename(tmp_path: Path, name: str) -> None:
    foreseen, said = await origins(tmp_path, *over(f"resources: [../base]\n{CHANGES[name]}"))
    assert foreseen is None
    assert "base/web.yaml" in {one.file for one in said.values()}


async def test_a_name_that_is_a_part_of_another_is_no_reason_to_ask(tmp_path: Path) -> None:
    names = ["a", "a-b", "a-b-c", "x-a", "a-2456789bcd"]
    files = {f"prod/{name}.yaml": config_map(name) for name in names}
    listed = ", ".join(f"{name}.yaml" for name in names)
    files["prod/kustomization.yaml"] = f"resources: [{listed}]\nnamePrefix: x-\n"
    foreseen, said = await origins(tmp_path, "prod", files)
    assert foreseen == said
    assert len(said) == len(names)


async def test_namespaces_tell_apart_what_has_the_same_name(tmp_path: Path) -> None:
    both = f"{config_map('settings', 'one')}---\n{config_map('settings', 'two')}"
    files = {
        "all/kustomization.yaml": "resources: [both.yaml, ../a, ../b]\n",
        "all/both.yaml": both,
        "a/kustomization.yaml": "resources: [map.yaml]\nnamespace: three\n",
        "a/map.yaml": f"# of a\n{config_map('settings')}",
        "b/kustomization.yaml": "resources: [map.yaml]\nnamespace: four\n",
        "b/map.yaml": config_map("settings", "five"),
    }
    foreseen, _ = await origins(tmp_path, "all", files)
    assert foreseen
    places = {
        yaml.safe_load(body)["metadata"]["namespace"]: (each.file, each.line)
        for body, each in foreseen.items()
    }
    assert places == {
        "one": ("all/both.yaml", 1),
        "two": ("all/both.yaml", 7),
        "three": ("a/map.yaml", 2),
        "four": ("b/map.yaml", 1),
    }


async def test_names_alone_are_enough_where_a_patch_removes_namespaces(tmp_path: Path) -> None:
    patch = 'patches:\n- target: {kind: ConfigMap}\n  patch: \'[{"op": "remove", "path": "/metadata/namespace"}]\'\n'
    files = {
        "prod/kustomization.yaml": f"resources: [a.yaml, b.yaml]\n{patch}",
        "prod/a.yaml": config_map("a", "one"),
        "prod/b.yaml": config_map("b", "two"),
    }
    foreseen, said = await origins(tmp_path / "1", "prod", files)
    assert foreseen == said
    both = {**files, "prod/b.yaml": config_map("a", "two"), "prod/more.yaml": config_map("b")}
    one = patch.replace("{kind: ConfigMap}", "{kind: ConfigMap, namespace: one}")
    both["prod/kustomization.yaml"] = f"resources: [a.yaml, b.yaml, more.yaml]\n{one}"
    foreseen, said = await origins(tmp_path / "2", "prod", both)
    assert foreseen is None
    assert len(said) == len({each.file for each in said.values()})


async def test_a_base_that_is_built_on_twice_is_declared_once(tmp_path: Path) -> None:
    files = {
        **BASE,
        "all/kustomization.yaml": "resources: [../blue, ../green]\n",
        "blue/kustomization.yaml": "resources: [../base]\nnamePrefix: blue-\n",
        "green/kustomization.yaml": "resources: [../base]\nnamePrefix: green-\nnamespace: web\n",
    }
    foreseen, said = await origins(tmp_path, "all", files)
    assert foreseen == said
    assert sorted(one.file for one in said.values()) == ["base/service.yaml"] * 2 + ["base/web.yaml"] * 2


async def test_cluster_wide_objects_and_namespaces_keep_their_files(tmp_path: Path) -> None:
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: reader}\n"
    files = {
        "prod/kustomization.yaml": "resources: [ns.yaml, role.yaml]\nnamespace: shop\nnamePrefix: p-\n",
        "prod/ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n",
        "prod/role.yaml": role,
    }
    foreseen, said = await origins(tmp_path, "prod", files)
    assert foreseen == said
    assert {one.file for one in said.values()} == {"prod/ns.yaml", "prod/role.yaml"}


async def test_an_overlay_of_the_spec_renames_and_adds(tmp_path: Path) -> None:
    component = {
        "parts/kustomization.yaml": "kind: Component\nresources: [more.yaml]\nnameSuffix: -c\n",
        "parts/more.yaml": config_map("more"),
    }
    overlay = overlaying.parse({"namePrefix": "a-", "namespace": "shop", "components": ["../parts"]})
    how = UnitSettings(overlay=overlay, components=spec_overlay.components(overlay, "base"))
    foreseen, said = await origins(tmp_path, "base", {**BASE, **component}, how)
    assert foreseen
    assert {one.file for one in foreseen.values()} == {one.file for one in said.values()}
    assert "parts/more.yaml" in {one.file for one in said.values()}


async def test_an_object_that_is_called_otherwise_costs_a_second_build_and_keeps_its_file(
    tmp_path: Path,
) -> None:
    """Kustomize leaves the names of an API server's APIServices alone, and not those of other groups."""
    files = {
        **BASE,
        "prod/kustomization.yaml": "resources: [../base, custom.yaml]\nnamePrefix: x-\n",
        "prod/custom.yaml": "apiVersion: example.com/v1\nkind: APIService\nmetadata: {name: web}\n",
    }
    yard = Yard(tmp_path)
    built = await yard.build(files)
    assert told(built) == []
    assert {(one.ref.kind, one.ref.name, one.origin.file) for one in built.manifests} == {
        ("APIService", "x-web", "prod/custom.yaml"),
        ("Service", "x-web", "base/service.yaml"),
        ("Deployment", "x-web", "base/web.yaml"),
    }
    assert yard.children == 2
