"""`towline blame`: who set each field of a live object, as the page shows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from e2e.harness import gitrepo
from e2e.harness.gitrepo import BOB, Repo
from tests.cli import documented
from tests.cli.json_shapes import LIST, MAYBE_TEXT, NULL, TEXT, Shape, misshapen
from tests.kube.api_of_bodies import ApiOfBodies, command

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    notes: |
      Ask the team
      before you change it.
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: web
        image: web:1
"""
OWN = {
    "manager": "towline:shop/shop",
    "operation": "Apply",
    "time": "2026-11-02T09:00:00Z",
    "fieldsV1": {
        "f:metadata": {"f:labels": {}, "f:annotations": {}},
        "f:spec": {
            "f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:name": {}, "f:image": {}}}}}
        },
    },
}
EDITED = {
    "manager": "kubectl-edit",
    "operation": "Update",
    "time": "2026-11-03T15:00:00Z",
    "fieldsV1": {"f:spec": {"f:replicas": {}}},
}


def history(folder: Path) -> tuple[Repo, str]:
    moments = iter(range(1_793_000_000, 1_800_000_000, 86_400))
    repo = gitrepo.create(folder / "shop.git", clock=lambda: float(next(moments)))
    repo.commit({"apps/web.yaml": WEB})
    text = WEB.replace("before you change it", "before you touch it")
    repo.commit({"apps/web.yaml": text}, author=BOB, message="Say touch (#7)")
    return repo, repo.commit(
        {"apps/web.yaml": text.replace("web:1", "web:2")}, author=BOB, message="Raise web (#12)"
    )


def repository(applied: str) -> dict[str, Any]:
    return {
        "apiVersion": "towline.dev/v1alpha1",
        "kind": "GitRepository",
        "metadata": {"namespace": "shop", "name": "shop", "uid": "u", "generation": 1},
        "spec": {"url": "https://git.example/shop"},
        "status": {"commit": {"applied": applied}},
    }


def deployment(applied: str, **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "labels": {"towline.dev/repository": "shop.shop"},
            "annotations": {
                "notes": "Ask the team\nbefore you touch it.\n",
                "towline.dev/commit": applied,
                "towline.dev/source": "apps/web.yaml",
            },
            "managedFields": [OWN, EDITED],
        },
        "spec": {
            "replicas": 9,
            "template": {
                "spec": {
                    "containers": [{"name": "web", "image": "web:2", "imagePullPolicy": "IfNotPresent"}],
                    "dnsPolicy": "ClusterFirst",
                    **more,
                }
            },
        },
    }


async def blamed(
    folder: Path, *arguments: str, objects: Iterable[dict[str, Any]] = (), sha: str = ""
) -> Result:
    repo, applied = history(folder)
    shown = tuple(objects) or (repository(sha or applied), deployment(applied))
    return await command(
        ApiOfBodies(*shown), folder, "blame", "deployment/web", "--repo", str(repo.path), *arguments
    )


async def test_an_object_is_shown_as_on_the_page(tmp_path: Path) -> None:
    ended = await blamed(tmp_path)
    assert ended.exit_code == 0, ended.stderr
    assert ended.stdout == documented.output("towline blame deployment/web")


async def test_one_field_is_shown_in_json_as_documented(tmp_path: Path) -> None:
    path = "spec.template.spec.containers[name=web].image"
    ended = await blamed(tmp_path, "--field", path, "-o", "json")
    assert json.loads(ended.stdout) == json.loads(
        documented.output(f"towline blame deployment/web --field '{path}' -o json")
    )
    pointed = await command_again(tmp_path, "--field", "/spec/replicas", "-o", "json")
    assert json.loads(pointed.stdout) == json.loads(
        documented.output("towline blame deployment/web --field /spec/replicas -o json")
    )


async def command_again(folder: Path, *arguments: str) -> Result:
    (folder / "again").mkdir()
    return await blamed(folder / "again", *arguments)


async def test_a_field_that_the_object_does_not_have_is_told(tmp_path: Path) -> None:
    ended = await blamed(tmp_path, "--field", "spec.paused")
    assert ended.exit_code == 2
    assert "has no field spec.paused" in ended.stderr


async def test_without_git_the_stamps_tell_what_they_can(tmp_path: Path) -> None:
    ended = await blamed(tmp_path, "-o", "json", sha="1" * 40)
    assert ended.exit_code == 2, "the answer is not whole"
    assert "does not have commit 1111111: run git fetch in" in ended.stderr
    found = {each["pointer"]: each for each in json.loads(ended.stdout)}
    image = found["/spec/template/spec/containers/0/image"]
    assert (image["owner"], image["file"], image["certainty"]) == ("shop/shop", "apps/web.yaml", "file")
    assert found["/spec/replicas"]["owner"] == "kubectl-edit"
    assert found["/spec/template/spec/dnsPolicy"]["owner"] == "default"


async def test_who_may_not_read_the_repository_is_told_so(tmp_path: Path) -> None:
    repo, applied = history(tmp_path)
    place = "/apis/towline.dev/v1alpha1/namespaces/shop/gitrepositories/shop"
    api = ApiOfBodies(repository(applied), deployment(applied), forbidden=(place,))
    ended = await command(api, tmp_path, "blame", "deployment/web", "--repo", str(repo.path))
    assert ended.exit_code == 2
    assert 'you may not get gitrepositories.towline.dev "shop" in namespace shop' in ended.stderr
    assert "web:2" in ended.stdout


async def test_an_object_of_no_repository_has_its_field_managers(tmp_path: Path) -> None:
    body = deployment("")
    del body["metadata"]["labels"]
    ended = await blamed(tmp_path, "-o", "json", objects=(body,))
    assert ended.exit_code == 0
    assert "no GitRepository owns this object" in ended.stderr
    owners = {each["pointer"]: each["owner"] for each in json.loads(ended.stdout)}
    assert owners["/spec/template/spec/containers/0/image"] == "towline:shop/shop"
    assert owners["/spec/replicas"] == "kubectl-edit"


async def test_values_of_secrets_that_cannot_be_read_are_not_shown(tmp_path: Path) -> None:
    repo, applied = history(tmp_path)
    body = repository(applied)
    body["spec"]["substitute"] = {"from": [{"kind": "Secret", "name": "gone"}]}
    ended = await command(
        ApiOfBodies(body, deployment(applied)), tmp_path, "blame", "deployment/web", "--repo", str(repo.path)
    )
    assert "web:2" not in ended.stdout
    assert "***" in ended.stdout
    assert "ClusterFirst" in ended.stdout


async def test_variables_of_the_spec_are_filled_in_before_values_are_compared(tmp_path: Path) -> None:
    repo, _ = history(tmp_path)
    applied = repo.commit({"apps/web.yaml": WEB.replace("web:1", "web:${TAG}").replace("change", "touch")})
    body = repository(applied)
    body["spec"]["substitute"] = {"variables": {"TAG": "2"}}
    api = ApiOfBodies(body, deployment(applied))
    ended = await command(api, tmp_path, "blame", "deployment/web", "--repo", str(repo.path), "-o", "json")
    image = {each["pointer"]: each for each in json.loads(ended.stdout)}[
        "/spec/template/spec/containers/0/image"
    ]
    assert (image["owner"], image["commit"], image["line"]) == ("shop/shop", applied, 15)


async def test_what_git_declares_and_the_object_does_not_have_is_told(tmp_path: Path) -> None:
    repo, _ = history(tmp_path)
    applied = repo.commit({"apps/web.yaml": WEB.replace("spec:\n", "spec:\n  paused: true\n", 1)})
    api = ApiOfBodies(repository(applied), deployment(applied))
    ended = await command(api, tmp_path, "blame", "deployment/web", "--repo", str(repo.path))
    assert ended.exit_code == 0
    assert "Git declares spec.paused (apps/web.yaml:10), which the object does not have" in ended.stderr


async def test_a_repository_that_has_applied_nothing_is_told(tmp_path: Path) -> None:
    ended = await blamed(tmp_path, objects=(repository(""), deployment("")))
    assert ended.exit_code == 2
    assert "names no applied commit" in ended.stderr


async def test_a_shallow_clone_says_that_older_lines_have_no_commit(tmp_path: Path) -> None:
    repo, applied = history(tmp_path)
    shallow = tmp_path / "shallow"
    repo.git("clone", "--quiet", "--bare", "--depth=1", f"file://{repo.path}", str(shallow))
    api = ApiOfBodies(repository(applied), deployment(applied))
    ended = await command(api, tmp_path, "blame", "deployment/web", "--repo", str(shallow), "-o", "json")
    assert "run git fetch --unshallow there" in ended.stderr
    found = {each["pointer"]: each for each in json.loads(ended.stdout)}
    kind = found["/kind"]
    assert (kind["file"], kind["line"], kind["commit"], kind["author"]) == ("apps/web.yaml", 2, None, None)


async def test_a_folder_that_is_no_clone_is_told(tmp_path: Path) -> None:
    _, applied = history(tmp_path)
    api = ApiOfBodies(repository(applied), deployment(applied))
    ended = await command(api, tmp_path, "blame", "deployment/web", "--repo", str(tmp_path))
    assert ended.exit_code == 2
    assert "is not in a clone" in ended.stderr


@pytest.mark.parametrize("named", ["deployment", "web/", "gadget/web"])
async def test_what_names_no_object_is_told(tmp_path: Path, named: str) -> None:
    ended = await command(ApiOfBodies(), tmp_path, "blame", named)
    assert ended.exit_code == 2
    assert ended.stderr


async def test_nothing_that_somebody_wrote_controls_the_terminal(tmp_path: Path) -> None:
    _, applied = history(tmp_path)
    body = deployment(applied, hostname="x\x1b[31m")
    body["metadata"]["managedFields"][1] = {**EDITED, "manager": "evil\x1b[2J"}
    ended = await blamed_again(tmp_path, body, applied)
    assert "\x1b" not in ended.stdout + ended.stderr


async def blamed_again(folder: Path, body: dict[str, Any], applied: str) -> Result:
    api = ApiOfBodies(repository(applied), body)
    return await command(api, folder, "blame", "deployment/web", "--repo", str(folder / "shop.git"))


async def test_an_object_of_five_hundred_lines_takes_far_less_than_a_minute(tmp_path: Path) -> None:
    repo, _ = history(tmp_path)
    texts = {f"key-{number}": str(number) for number in range(490)}
    written = "".join(f"  {key}: '{value}'\n" for key, value in texts.items())
    file = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: large\n  namespace: shop\ndata:\n{written}"
    applied = repo.commit({"apps/large.yaml": file})
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "large",
            "namespace": "shop",
            "labels": {"towline.dev/repository": "shop.shop"},
            "managedFields": [{**OWN, "fieldsV1": {"f:data": {}}}],
        },
        "data": texts,
    }
    begun = time.monotonic()
    api = ApiOfBodies(repository(applied), body)
    ended = await command(api, tmp_path, "blame", "cm/large", "--repo", str(repo.path), "-o", "json")
    took = time.monotonic() - begun
    assert sum(each["owner"] == "shop/shop" for each in json.loads(ended.stdout)) == 494
    assert took < 60


LEAF: Shape = {
    "pointer": TEXT,
    "value": (str, int, float, bool, NULL, list, dict),
    "owner": TEXT,
    "file": MAYBE_TEXT,
    "line": (int, NULL),
    "commit": MAYBE_TEXT,
    "author": MAYBE_TEXT,
    "date": MAYBE_TEXT,
    "pullRequest": MAYBE_TEXT,
    "via": LIST,
    "certainty": TEXT,
}


async def test_each_entry_of_the_json_form_has_the_keys_of_the_contract(tmp_path: Path) -> None:
    ended = await blamed(tmp_path, "-o", "json")
    entries = json.loads(ended.stdout)
    declared = {key: LEAF[key] for key in LEAF if key not in {"pointer", "owner"}}
    wrong = [misshapen(each, LEAF, {"git": (dict,)}) for each in entries]
    wrong += [misshapen(each["git"], declared) for each in entries if "git" in each]
    assert not any(wrong), wrong
    assert {each["certainty"] for each in entries} <= {"exact", "likely", "file"}
    assert {"shop/shop", "kubectl-edit", "towline:shop/shop", "default"} == {
        each["owner"] for each in entries
    }
