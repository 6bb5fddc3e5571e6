"""Remote bases are built like the folders of the commit itself, from copies, and lead nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from towline.errors import SourceError
from towline.render.units import mounts

from tests.render.units.kustomizations import BASE, WEB
from tests.render.units.trees import RemoteCommits, Yard, told

URL = "https://h.example/org/base"
OTHER = "https://h.example/org/other"
REMOTE = {path.removeprefix("base/"): text for path, text in BASE.items()}
PROD = {"prod/kustomization.yaml": f"resources:\n- {URL}?ref=v1\nnamePrefix: prod-\n"}


async def test_an_overlay_of_a_remote_base_is_that_of_a_base_in_the_commit(tmp_path: Path) -> None:
    remote = RemoteCommits({URL: REMOTE})
    found = await Yard(tmp_path).build(PROD, remote=remote)
    local = await Yard(tmp_path).build(
        {**BASE, "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\n"}
    )
    assert told(found) == []
    assert [one.content for one in found.manifests] == [one.content for one in local.manifests]
    assert len(found.manifests) == 2


async def test_an_object_of_a_remote_base_names_its_file_there(tmp_path: Path) -> None:
    remote = RemoteCommits({URL: REMOTE})
    found = await Yard(tmp_path).build(PROD, remote=remote)
    sha = await remote.resolve(remote.asked[0])
    web = next(one for one in found.manifests if one.ref.kind == "Deployment")
    assert (web.origin.file, web.origin.line) == (f"{URL}//web.yaml@{sha[:7]}", 2)
    assert web.origin.via == ("prod/kustomization.yaml", f"{URL}//kustomization.yaml@{sha[:7]}")


async def test_a_remote_base_may_build_on_another_one_and_on_folders_next_to_it(tmp_path: Path) -> None:
    remote = RemoteCommits(
        {
            URL: {
                "app/kustomization.yaml": f"resources: [../web, '{OTHER}//x?ref=v2']\nnameSuffix: -x\n",
                "web/kustomization.yaml": "resources: [web.yaml]\n",
                "web/web.yaml": WEB,
            },
            OTHER: {"x/kustomization.yaml": "configMapGenerator:\n- {name: made, literals: [a=b]}\n"},
        }
    )
    found = await Yard(tmp_path).build(
        {"prod/kustomization.yaml": f"components: []\nresources: ['{URL}//app?ref=v1']\n"}, remote=remote
    )
    assert told(found) == []
    assert sorted(one.ref.kind for one in found.manifests) == ["ConfigMap", "Deployment"]


async def test_a_remote_component_changes_what_the_commit_declares(tmp_path: Path) -> None:
    component = "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnamePrefix: c-\n"
    remote = RemoteCommits({URL: {"kustomization.yaml": component}})
    files = {
        "prod/kustomization.yaml": f"resources: [web.yaml]\ncomponents: ['{URL}?ref=v1']\n",
        "prod/web.yaml": WEB,
    }
    (web,) = (await Yard(tmp_path).build(files, remote=remote)).manifests
    assert web.ref.name == "c-web"


@pytest.mark.parametrize(
    ("entry", "content"),
    [
        ("../../prod/secret.yaml", None),
        ("../secret.yaml", None),
        ("link.yaml", "->../prod/secret.yaml"),
        ("link.yaml", "->/etc/passwd"),
    ],
)
async def test_a_remote_base_reads_nothing_outside_its_repository(
    entry: str, content: str | None, tmp_path: Path
) -> None:
    remote = RemoteCommits(
        {URL: {"kustomization.yaml": f"resources: [{entry}]\n", **({entry: content} if content else {})}}
    )
    yard = Yard(tmp_path)
    found = await yard.build({**PROD, "prod/secret.yaml": WEB, "secret.yaml": WEB}, remote=remote)
    (line,) = told(found)
    assert "leads out of the repository" in line
    assert line.startswith(f"{URL}//kustomization.yaml@")
    assert yard.children == 0


async def test_a_commit_cannot_name_the_copy_of_a_remote_base(tmp_path: Path) -> None:
    remote = RemoteCommits({URL: REMOTE})
    await Yard(tmp_path).build(PROD, remote=remote)
    copy = mounts.mount(URL, await remote.resolve(remote.asked[0]))
    for path in (copy, f"{copy}/web.yaml"):
        own = {**PROD, "b/kustomization.yaml": f"resources: [../{path}]\n"}
        (line,) = told(await Yard(tmp_path).build(own, remote=remote))
        assert "is not an address that kustomize can open" in line


async def test_a_function_in_a_remote_base_is_not_run(tmp_path: Path) -> None:
    remote = RemoteCommits({URL: {"kustomization.yaml": "transformers: [f.yaml]\n", "f.yaml": WEB}})
    yard = Yard(tmp_path)
    (line,) = told(await yard.build(PROD, remote=remote))
    assert "functions are refused" in line
    assert yard.children == 0


async def test_remote_bases_in_a_circle_end(tmp_path: Path) -> None:
    remote = RemoteCommits({URL: {"kustomization.yaml": f"resources: ['{URL}?ref=v1']\n"}})
    (line,) = told(await Yard(tmp_path).build(PROD, remote=remote))
    assert "leads in a circle" in line


async def test_more_remote_bases_on_each_other_than_ten_are_refused(tmp_path: Path) -> None:
    chain = {
        f"https://h.example/org/r{at}": {
            "kustomization.yaml": f"resources: ['https://h.example/org/r{at + 1}?ref=v1']\n"
        }
        for at in range(12)
    }
    files = {"prod/kustomization.yaml": "resources: ['https://h.example/org/r0?ref=v1']\n"}
    (line,) = told(await Yard(tmp_path).build(files, remote=RemoteCommits(chain)))
    assert "the last of more than 10 that build on each other" in line


async def test_what_is_wrong_with_remote_bases_is_told_at_once_with_its_lines(tmp_path: Path) -> None:
    files = {
        "prod/kustomization.yaml": "resources:\n"
        "- https://h.example/x.yaml\n"
        f"- {URL}?ref=HEAD\n"
        f"- {OTHER}?ref=v1\n"
        f"- {URL}//nowhere?ref=v1\n"
        "transformers:\n"
        f"- {URL}//t?ref=v1\n"
    }
    found = told(await Yard(tmp_path).build(files, remote=RemoteCommits({URL: REMOTE})))
    assert [line.split(" ", 1)[0] for line in found] == [
        f"prod/kustomization.yaml:{n}:" for n in (2, 3, 4, 5, 7)
    ]
    for line, words in zip(
        found, ("commit it", "moves", "does not exist", "is not in commit", "refused"), strict=True
    ):
        assert words in line


async def test_a_known_remote_base_starts_no_child_and_a_new_one_does(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    await yard.build(PROD, remote=RemoteCommits({URL: REMOTE}))
    await yard.build(PROD, remote=RemoteCommits({URL: REMOTE}))
    assert yard.children == 1
    found = await yard.build(
        PROD, remote=RemoteCommits({URL: {**REMOTE, "kustomization.yaml": "resources: [web.yaml]\n"}})
    )
    assert (yard.children, len(found.manifests)) == (2, 1)


async def test_nothing_is_built_of_a_tag_that_moved(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    with pytest.raises(SourceError, match="moved"):
        await yard.build(PROD, remote=RemoteCommits({URL: REMOTE}, moved=True))
    assert yard.children == 0


async def test_what_kustomize_says_of_a_remote_base_names_its_url(tmp_path: Path) -> None:
    wrong = {"kustomization.yaml": "resources: [web.yaml]\npatches:\n- path: p.yaml\n", "web.yaml": WEB}
    patch = "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: other}\n"
    (line,) = told(await Yard(tmp_path).build(PROD, remote=RemoteCommits({URL: {**wrong, "p.yaml": patch}})))
    assert ".git/remote" not in line
    assert line.startswith("prod/kustomization.yaml:")


async def test_without_pinned_a_remote_base_is_refused_also_where_it_is_known(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    await yard.build(PROD, remote=RemoteCommits({URL: REMOTE}))
    (line,) = told(await yard.build(PROD))
    assert "set spec.remote: Pinned" in line
