"""What a kustomization must not read: refused with file and line, all at once, before any child is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.render.units.kustomizations import BASE, WEB
from tests.render.units.trees import Yard, told

REMOTE = (
    "https://example.com/x.yaml",
    "https://example.com/org/repo//path?ref=v1",
    "git@example.com:org/repo?ref=v1",
    "ssh://git@example.com/org/repo",
    "github.com/org/repo",
    "org/repo//path?ref=main",
    "git::https://example.com/org/repo",
    "file:///etc",
)


async def refused(folder: Path, files: dict[str, str], folders: set[str] | None = None) -> list[str]:
    """Return what is told of a commit; no child may run for it."""
    yard = Yard(folder)
    built = await yard.build(files, folders)
    assert (built.manifests, yard.children) == ((), 0)
    return told(built)


async def test_every_refusal_of_every_unit_is_told_at_once(tmp_path: Path) -> None:
    files = {
        "a/kustomization.yaml": "resources:\n- https://example.com/x.yaml\n- /etc/passwd\n- ../../x\n- missing.yaml\n",
        "b/kustomization.yaml": "resources: [web.yaml]\nsurprise: 1\npatches:\n- path: p.yaml\n",
        "b/web.yaml": "a: 1\na: 2\n",
        "b/p.yaml": "version https://git-lfs.github.com/spec/v1\n",
    }
    found = await refused(tmp_path, files)
    assert [line.split(" ")[0] for line in found] == [
        "a/kustomization.yaml:2:",
        "a/kustomization.yaml:3:",
        "a/kustomization.yaml:4:",
        "a/kustomization.yaml:5:",
        "b/web.yaml:2:",
        "b/kustomization.yaml:2:",
        "b/p.yaml:1:",
    ]
    for line, words in zip(
        found,
        (
            'remote resource "https://example.com/x.yaml" is refused',
            "absolute",
            "leads out of the repository",
            "missing.yaml is not in this commit",
            "",
            "unknown field surprise",
            "LFS",
        ),
        strict=True,
    ):
        assert words in line


@pytest.mark.parametrize("address", REMOTE)
@pytest.mark.parametrize(
    "field", ["resources: [{}]", "components: [{}]", "patches: [{{path: {}}}]", "crds: [{}]"]
)
async def test_no_address_is_asked(tmp_path: Path, field: str, address: str) -> None:
    (line,) = await refused(tmp_path, {"a/kustomization.yaml": field.format(f"'{address}'")})
    assert line.startswith("a/kustomization.yaml:1: remote resource ")


async def test_a_file_of_the_commit_wins_over_the_address_that_its_name_looks_like(tmp_path: Path) -> None:
    files = {"a/kustomization.yaml": "resources: [github.com/web.yaml]\n", "a/github.com/web.yaml": WEB}
    assert told(await Yard(tmp_path).build(files)) == []


async def test_a_folder_that_looks_like_an_address_must_be_written_otherwise(tmp_path: Path) -> None:
    files = {
        "a/kustomization.yaml": "resources: [github.com/org/web]\n",
        "a/github.com/org/web/kustomization.yaml": "resources: [web.yaml]\n",
        "a/github.com/org/web/web.yaml": WEB,
    }
    (line,) = await refused(tmp_path, files)
    assert "write ./github.com/org/web" in line
    files["a/kustomization.yaml"] = "resources: [./github.com/org/web]\n"
    assert told(await Yard(tmp_path).build(files)) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a/kustomization.yaml": "resources: [../a]\n"}, "leads in a circle"),
        (
            {"a/b/kustomization.yaml": "resources: [..]\n", "a/kustomization.yaml": "resources: [b]\n"},
            "in a circle",
        ),
        (
            {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"},
            "circle",
        ),
        (
            {"a/kustomization.yaml": "resources: [x.yaml]\n", "a/x.yaml": "->/etc/hostname"},
            "symlink that leads out",
        ),
        (
            {"a/kustomization.yaml": "resources: [x.yaml]\n", "a/x.yaml": "->../../x"},
            "symlink that leads out",
        ),
        ({"a/kustomization.yaml": "resources: [x.yaml]\n", "a/x.yaml": "->x.yaml"}, "leads in a circle"),
        (
            {
                "a/kustomization.yaml": "resources: [l]\n",
                "a/l": "->../b",
                "b/kustomization.yaml": "kind: Component\n",
            },
            "folder itself",
        ),
        ({"a/kustomization.yaml": "resources: [b]\n", "a/b/x.yaml": WEB}, "a folder without a kustomization"),
        ({"a/kustomization.yaml": "patches: [{path: b}]\n", "a/b/x.yaml": WEB}, "a file is expected here"),
        ({"a/kustomization.yaml": "bases: [x.yaml]\n", "a/x.yaml": WEB}, "a folder is expected here"),
        ({"a/kustomization.yaml": "namespace: a\n", "a/Kustomization": ""}, "more than one kustomization"),
        ({"a/kustomization.yaml": "# nothing\n"}, "the kustomization is empty"),
        ({"a/kustomization.yaml": "namespace: a\n---\nnamespace: b\n"}, "must be one document"),
        ({"a/kustomization.yaml": "- a\n"}, "must be a map"),
        ({"a/kustomization.yaml": "resources: a.yaml\n"}, "resources must be a list"),
        (
            {"a/kustomization.yaml": "helmCharts: [{name: x, repo: 'https://example.com'}]\n"},
            "needs a releaseName",
        ),
        ({"a/kustomization.yaml": "helmCharts: [{name: x}]\n"}, "needs a releaseName"),
        (
            {
                "a/kustomization.yaml": "transformers: [f.yaml]\n",
                "a/f.yaml": "apiVersion: v1\nkind: F\nmetadata:\n  name: f\n  annotations:\n"
                "    config.kubernetes.io/function: |\n      exec: {path: ./run.sh}\n",
                "a/run.sh": "#!/bin/sh\n",
            },
            "functions are refused",
        ),
        (
            {"a/kustomization.yaml": 'generators: ["apiVersion: x/v1\\nkind: Y\\n"]\n'},
            "functions are refused",
        ),
    ],
)
async def test_what_is_refused_is_named(tmp_path: Path, files: dict[str, str], words: str) -> None:
    found = await refused(tmp_path, files)
    assert len(found) == 1
    assert words in found[0]


async def test_a_build_of_more_than_a_thousand_files_is_refused(tmp_path: Path) -> None:
    names = [f"{number}.yaml" for number in range(1001)]
    files = {f"a/{name}": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{name}}}\n" for name in names}
    found = await refused(tmp_path, {**files, "a/kustomization.yaml": f"resources: [{', '.join(names)}]\n"})
    assert found == ["a/kustomization.yaml:0: the build reads more than 1000 files: split it"]


async def test_a_few_lines_that_expand_to_gigabytes_are_refused_before_any_child(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    found = await refused(
        tmp_path, {"a/kustomization.yaml": "resources: [x.yaml]\n", "a/x.yaml": "\n".join(lines)}
    )
    assert found[0].startswith("a/x.yaml:")


async def test_a_symlink_to_a_file_of_the_same_commit_is_read_as_that_file(tmp_path: Path) -> None:
    built = await Yard(tmp_path).build(
        {"a/kustomization.yaml": "resources: [x.yaml]\n", "a/x.yaml": "->../b/web.txt", "b/web.txt": WEB}
    )
    assert told(built) == []
    assert [one.ref.name for one in built.manifests] == ["web"]


async def test_a_component_and_a_base_are_no_units_and_a_folder_below_one_is(tmp_path: Path) -> None:
    files = {
        **BASE,
        "parts/kustomization.yaml": "kind: Component\nresources: [missing.yaml]\n",
        "parts/app/kustomization.yaml": "resources: [../../base]\n",
        "parts/app/inner/kustomization.yaml": "resources: [missing.yaml]\n",
    }
    built = await Yard(tmp_path).build(files)
    assert told(built) == []
    assert [one.ref.kind for one in built.manifests] == ["Service", "Deployment"]


async def test_what_would_take_long_to_follow_is_refused(tmp_path: Path) -> None:
    deep = {f"d{n}/kustomization.yaml": f"resources: [../d{n + 1}]\n" for n in range(60)}
    (line,) = await refused(tmp_path, {**deep, "d60/kustomization.yaml": "namespace: a\n"}, {"d0"})
    assert line.startswith("d49/kustomization.yaml:1: ../d50 is the last of more than 50 kustomizations")
    often = ", ".join(["x.yaml"] * 10_001)
    found = await refused(tmp_path, {"a/kustomization.yaml": f"resources: [{often}]\n", "a/x.yaml": WEB})
    assert found == ["a/kustomization.yaml:0: the build names more than 10000 files: split it"]
    (line,) = await refused(tmp_path, {"a/kustomization.yaml": f"resources: [{'a/' * 3000}b.yaml]\n"})
    assert "too long" in line
