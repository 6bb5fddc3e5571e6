"""`towline diff --offline` on a real Git repository; with a cluster it is tested by a story."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from towline.cli.diff import diff

from tests.cli.json_shapes import LIST, NULL, TEXT, Shape, misshapen

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
UID = "9b4875f8-0000-4000-8000-000000000000"
SPEC = """\
apiVersion: towline.dev/v1alpha1
kind: GitRepository
metadata: {name: shop, namespace: team}
spec: {url: https://git.example.com/team/shop, path: deploy, defaultNamespace: shop}
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1"}]}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: uploads, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


class Clone:
    """A clone with two commits: the one that the last record calls applied, and its head."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")
        self.applied = self.commit({"deploy/web.yaml": WEB, "deploy/uploads.yaml": CLAIM, "ci/x.txt": "x"})

    def commit(self, files: Mapping[str, str | None]) -> str:
        for name, content in files.items():
            at = self.folder / name
            at.parent.mkdir(exist_ok=True)
            at.unlink(missing_ok=True) if content is None else at.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        who = {f"GIT_{role}_{part}": "ada" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        when = {f"GIT_{role}_DATE": "2026-01-01T00:00:00Z" for role in ("AUTHOR", "COMMITTER")}
        done = subprocess.run(
            ["git", "-c", "core.hooksPath=/dev/null", *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **who, **when},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "clone"
    folder.mkdir()
    return Clone(folder)


def run(clone: Clone, *flags: str, outcome: str = "Succeeded", name: str = "shop") -> Result:
    spec, records = clone.folder.parent / "shop.yaml", clone.folder.parent / "records.json"
    spec.write_text(SPEC)
    records.write_text(json.dumps({"items": [record(clone.applied, outcome)]}))
    files = ("--spec", str(spec), "--records", str(records), "--repo", str(clone.folder))
    return CliRunner().invoke(diff, [name, "--offline", *files, *flags])


def record(sha: str, outcome: str) -> dict[str, object]:
    """A record as the API server holds it."""
    return {
        "kind": "SyncRecord",
        "metadata": {"namespace": "team", "name": "shop-9b4875f8-00000001"},
        "spec": {
            "repository": {"namespace": "team", "name": "shop", "uid": UID},
            "sequence": 1,
            "trigger": "Commit",
            "to": sha,
            "operator": "towline",
            "startedAt": "2026-01-01T00:00:00Z",
            "digestVersion": 5,
        },
        "status": {
            "outcome": outcome,
            "finishedAt": "2026-01-01T00:00:00Z",
            "counts": {"changed": 0},
            "digest": "sha256:0",
        },
    }


def change_the_shop(clone: Clone) -> str:
    """The commit of the reference page."""
    return clone.commit(
        {
            "deploy/web.yaml": WEB.replace("web:1", "web:2"),
            "deploy/settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\n",
            "deploy/uploads.yaml": None,
        }
    )


def test_a_head_that_declares_the_same_changes_nothing(clone: Clone) -> None:
    clone.commit({"ci/x.txt": "y"})
    told = run(clone)
    assert told.exit_code == 0, told.output
    assert "nothing would change" in told.output


def test_the_reference_page_shows_what_a_terminal_shows(clone: Clone) -> None:
    sha = change_the_shop(clone)
    told = run(clone)
    assert told.exit_code == 1, told.output
    (page,) = re.findall(
        r"^## `towline diff NAME`\n(.*?)(?=^## )", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    blocks = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    shown = told.output.replace(sha[:7], "1a2b3c4").replace(clone.applied[:7], "9f8e7d6")
    assert shown in blocks


def test_the_json_form_has_changes_refusals_and_what_waits(clone: Clone) -> None:
    sha = change_the_shop(clone)
    found = json.loads(run(clone, "-o", "json").output)
    assert found["revision"] == sha
    assert {each["object"]: each["action"] for each in found["changes"]} == {
        "Deployment.apps/shop/web": "restart",
        "ConfigMap/shop/settings": "create",
    }
    assert [each["waits"] for each in found["blocked"]] == [True]
    assert found["refused"] == []


def test_a_generated_config_map_with_another_hash_restarts_what_names_it(clone: Clone) -> None:
    reads = WEB.replace("[{name: web,", "[{envFrom: [{configMapRef: {name: settings}}], name: web,")
    kustomization = (
        "resources: [web.yaml]\nconfigMapGenerator: [{name: settings, namespace: shop, literals: [a=1]}]\n"
    )
    clone.applied = clone.commit(
        {"deploy/web.yaml": reads, "deploy/uploads.yaml": None, "deploy/kustomization.yaml": kustomization}
    )
    clone.commit({"deploy/kustomization.yaml": kustomization.replace("a=1", "a=2")})
    told = run(clone, "-o", "json", "--kustomize", str(Path(sys.executable).parent / "kubectl"))
    found = json.loads(told.output)
    assert sorted(each["action"] for each in found["changes"]) == ["create", "delete", "restart"]
    restarted = next(each for each in found["changes"] if each["action"] == "restart")
    (field,) = restarted["fields"]
    assert field["path"].endswith("/envFrom/0/configMapRef/name")
    assert {field["old"][:9], field["new"][:9]} == {"settings-"}


def test_a_revision_that_cannot_be_built_is_refused_with_its_file_and_line(clone: Clone) -> None:
    sha = clone.commit({"deploy/web.yaml": WEB.replace("replicas: 2", "replicas: [")})
    told = run(clone, "-o", "json", "--revision", "main")
    assert told.exit_code == 1
    (refused,) = json.loads(told.output)["refused"]
    assert (refused["file"], refused["line"]) == ("deploy/web.yaml", 5)
    assert sha


def test_a_folder_that_is_not_committed_is_compared_as_it_is(clone: Clone) -> None:
    (clone.folder / "deploy" / "web.yaml").write_text(WEB.replace("replicas: 2", "replicas: 3"))
    for folder in (clone.folder, clone.folder / "deploy"):
        found = json.loads(run(clone, "-o", "json", "--local", str(folder)).output)
        (change,) = found["changes"]
        assert change["action"] == "update"
        assert change["fields"] == [{"path": "/spec/replicas", "old": 2, "new": 3}]
        assert (change["file"], change["line"]) == ("deploy/web.yaml", 5)


def test_a_revision_without_the_applied_commit_is_said_to_take_it_back(clone: Clone) -> None:
    clone.git("checkout", "--quiet", "--orphan", "other")
    clone.commit({"ci/y.txt": "y"})
    assert "does not contain the applied commit" in run(clone, "--revision", "other").output


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--revision", "no-such-branch"), "has no revision no-such-branch"),
        (("--revision", "main", "--local", "."), "give one of --revision and --local"),
        (("--pr", "3"), "--pr asks the Git server"),
        (("-n", "elsewhere"), "has GitRepository team/shop"),
    ],
)
def test_what_cannot_be_compared_is_exit_code_2_and_says_what_to_do(
    clone: Clone, flags: tuple[str, ...], said: str
) -> None:
    told = run(clone, *flags)
    assert told.exit_code == 2, told.output
    assert said in told.output


def test_records_of_which_none_succeeded_leave_nothing_to_compare_with(clone: Clone) -> None:
    told = run(clone, outcome="Failed")
    assert told.exit_code == 2
    assert "no record of a sync of team/shop that succeeded" in told.output


def test_records_may_be_one_a_line_and_anything_else_is_named(clone: Clone) -> None:
    change_the_shop(clone)
    spec, lines = clone.folder.parent / "shop.yaml", clone.folder.parent / "export.jsonl"
    spec.write_text(SPEC)
    rows = (record(clone.applied, "Succeeded"), {"kind": "Checkpoint"})
    lines.write_text("".join(f"{json.dumps(each)}\n" for each in rows))
    files = ("--spec", str(spec), "--repo", str(clone.folder), "--records")
    assert CliRunner().invoke(diff, ["shop", "--offline", *files, str(lines)]).exit_code == 1
    lines.write_text("not JSON")
    told = CliRunner().invoke(diff, ["shop", "--offline", *files, str(lines)])
    assert told.exit_code == 2
    assert "does not hold SyncRecords" in told.output


ANSWER: Shape = dict.fromkeys(("changes", "refused", "blocked", "notes"), LIST) | {
    "repository": TEXT,
    "revision": TEXT,
}
PLACE: Shape = {"file": TEXT, "line": (int,)}
VALUE = (str, int, float, bool, NULL, list, dict)


def test_each_answer_in_json_has_the_keys_of_the_contract(clone: Clone) -> None:
    change_the_shop(clone)
    changed = json.loads(run(clone, "-o", "json").output)
    clone.commit({"deploy/web.yaml": "kind: [\n"})
    refused = json.loads(run(clone, "-o", "json").output)
    wrong = [misshapen(each, ANSWER) for each in (changed, refused)]
    change: Shape = {"object": TEXT, "action": TEXT, "fields": LIST}
    wrong += [misshapen(each, change, {**PLACE, "message": TEXT}) for each in changed["changes"]]
    field: Shape = {"path": TEXT}
    more: Shape = {"old": VALUE, "new": VALUE, "by": TEXT, "at": TEXT}
    wrong += [misshapen(one, field, more) for each in changed["changes"] for one in each["fields"]]
    failure: Shape = {"object": TEXT, "reason": TEXT, "message": TEXT}
    wrong += [misshapen(each, failure, {**PLACE, "field": TEXT}) for each in refused["refused"]]
    stays: Shape = {"object": TEXT, "action": TEXT, "reason": TEXT, "message": TEXT, "waits": (bool,)}
    wrong += [misshapen(each, stays) for each in changed["blocked"]]
    assert all((changed["changes"], changed["blocked"], refused["refused"]))
    assert not any(wrong), wrong
