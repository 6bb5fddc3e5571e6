"""What kustomizations build, against kubectl itself."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from towline.model import Manifest

from tests.render.kubectl import KUBECTL
from tests.render.units.kustomizations import BASE, FIXTURES
from tests.render.units.trees import Yard, told


def oracle(place: Path, folder: str, files: Mapping[str, str]) -> list[Any]:
    for path, text in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
    command = [str(KUBECTL), "kustomize", "--load-restrictor", "LoadRestrictionsNone", folder]
    answer = subprocess.run(command, cwd=place, env={"HOME": str(place)}, capture_output=True, check=True)
    return list(yaml.safe_load_all(answer.stdout))


def by_name(objects: list[Any]) -> dict[tuple[str, str], Any]:
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


@pytest.mark.parametrize("name", FIXTURES)
async def test_a_unit_declares_what_kubectl_kustomize_prints(tmp_path: Path, name: str) -> None:
    folder, files = FIXTURES[name]
    built = await Yard(tmp_path).build(files)
    assert told(built) == []
    expected = oracle(tmp_path / "tree", folder, files)
    assert expected
    assert by_name([one.body for one in built.manifests]) == by_name(expected)


def places(manifests: tuple[Manifest, ...]) -> dict[str, str]:
    return {one.ref.kind: f"{one.origin.file}:{one.origin.line}" for one in manifests}


async def test_an_object_names_the_file_that_declares_it_and_how_it_is_reached(tmp_path: Path) -> None:
    files = {
        **BASE,
        "base/web.yaml": f"---\n# first\n---{BASE['base/web.yaml']}",
        "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\nconfigMapGenerator:\n"
        "- name: other\n  literals: [c=d]\n- name: settings\n  literals: [a=b]\n",
    }
    built = await Yard(tmp_path).build(files)
    assert told(built) == []
    named = {
        one.ref.name.partition("-")[2].partition("-")[0] + one.ref.kind: one.origin for one in built.manifests
    }
    assert (named["webDeployment"].file, named["webDeployment"].line) == ("base/web.yaml", 4)
    assert named["webDeployment"].via == ("prod/kustomization.yaml", "base/kustomization.yaml")
    assert (named["settingsConfigMap"].file, named["settingsConfigMap"].line) == (
        "prod/kustomization.yaml",
        6,
    )
    assert named["settingsConfigMap"].via == ("prod/kustomization.yaml",)


async def test_a_folder_that_another_unit_builds_on_is_not_applied_itself(tmp_path: Path) -> None:
    files = {**BASE, "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\n"}
    built = await Yard(tmp_path).build(files)
    assert sorted(one.ref.name for one in built.manifests) == ["prod-web", "prod-web"]
    assert built.reads == {"prod/kustomization.yaml", *BASE}


async def test_only_what_changed_starts_a_child(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    files = {
        **BASE,
        "prod/kustomization.yaml": "resources: [../base]\nreplicas: [{name: web, count: 2}]\n",
        "other/kustomization.yaml": "resources: [map.yaml]\n",
        "other/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n",
    }
    first = await yard.build(files)
    assert (told(first), yard.children) == ([], 2)
    assert sorted((one.unit, one.objects, one.files) for one in first.runs) == [
        ("other/kustomization.yaml", 1, 2),
        ("prod/kustomization.yaml", 2, 4),
    ]
    again = await yard.build({**files, "README.md": "news", "plain.yaml": "a: b"})
    assert (again.manifests, again.runs) == (first.manifests, ())
    assert yard.children == 2
    changed = files["prod/kustomization.yaml"].replace("2", "3")
    second = await yard.build({**files, "prod/kustomization.yaml": changed})
    assert yard.children == 3
    assert [one.body["spec"]["replicas"] for one in second.manifests if one.ref.kind == "Deployment"] == [3]
    assert (await yard.build(files)).manifests == first.manifests
    assert yard.children == 3


async def test_what_kustomize_refuses_is_told_once_more_without_a_child(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    files = {
        **BASE,
        "prod/kustomization.yaml": "resources: [../base]\npatches:\n- path: p.yaml\n",
        "prod/p.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: absent}\n",
    }
    first, again = await yard.build(files), await yard.build(files)
    assert first.failures == again.failures
    (failure,) = told(first)
    assert failure.startswith("prod/kustomization.yaml:0: kustomize refuses it: ")
    assert "absent" in failure
    assert str(tmp_path) not in failure
    assert yard.children == 1
    assert yard.is_clean


async def test_what_kustomize_says_shows_no_secret(tmp_path: Path) -> None:
    files = {
        "app/kustomization.yaml": "resources: [s.yaml]\npatches:\n- path: p.yaml\n",
        "app/s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter2hunter2}\n",
        "app/p.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: hunter2hunter2}\n",
    }
    (failure,) = told(await Yard(tmp_path).build(files))
    assert "kustomize refuses it" in failure
    assert "hunter2" not in failure


async def test_without_the_tool_a_unit_says_so(tmp_path: Path) -> None:
    (failure,) = told(await Yard(tmp_path, "/nonexistent/kustomize").build(BASE))
    assert failure.startswith("base/kustomization.yaml:0: kustomize is not installed")


async def test_more_objects_than_kustomize_handles_in_time_are_refused(tmp_path: Path) -> None:
    many = "---\n".join(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{index}}}\n" for index in range(2001)
    )
    wide = tmp_path / "wide"
    wide.write_text(f"#!/bin/sh\n/bin/cat <<'EOF'\n{many}EOF\n")
    wide.chmod(0o755)
    (failure,) = told(await Yard(tmp_path, str(wide)).build(BASE))
    assert "declares 2001 objects, more than 2000: split it" in failure


async def test_what_takes_too_long_is_tried_again_and_known_to_be_costly(tmp_path: Path) -> None:
    endless = tmp_path / "endless"
    endless.write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    endless.chmod(0o755)
    yard = Yard(tmp_path, str(endless), seconds=1)
    built, again = await yard.build(BASE), await yard.build(BASE)
    assert (
        told(built)
        == told(again)
        == [
            "base/kustomization.yaml:0: the render took more than 1 s: split it into units next to each other"
        ]
    )
    assert (built.is_costly, yard.children, yard.is_clean) == (True, 2, True)


async def test_what_appears_disappears_or_becomes_a_link_is_seen_in_the_next_commit(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    files = {**BASE, "shared/web.yaml": BASE["base/web.yaml"]}
    assert told(await yard.build(files)) == []
    second = {**files, "base/Kustomization": "resources: []\n"}
    assert "more than one kustomization" in told(await yard.build(second))[0]
    gone = {path: text for path, text in files.items() if path != "base/web.yaml"}
    assert told(await yard.build(gone)) == ["base/kustomization.yaml:1: web.yaml is not in this commit"]
    linked = {**gone, "base/web.yaml": "->../shared/web.yaml"}
    assert told(await yard.build(linked)) == []
    outward = {**gone, "base/web.yaml": "->../../web.yaml"}
    assert "leads out of the repository" in told(await yard.build(outward))[0]
    assert told(await yard.build(files)) == []


async def test_units_are_built_two_at_a_time_and_told_in_their_order(tmp_path: Path) -> None:
    together = tmp_path / "together"
    together.write_text(
        '#!/bin/sh\ncase "$4" in a) /bin/sleep 0.5;; esac\nexec /bin/cat "$4/map.yaml"\n', encoding="utf-8"
    )
    together.chmod(0o755)
    names = ("a", "b", "c")
    files = {f"{name}/kustomization.yaml": "resources: [map.yaml]\n" for name in names}
    files |= {
        f"{name}/map.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n" for name in names
    }
    built = await Yard(tmp_path, str(together)).build(files)
    assert [one.ref.name for one in built.manifests] == ["a", "b", "c"]
    assert [one.unit for one in built.runs] == [f"{name}/kustomization.yaml" for name in names]
