"""`towline rollback`: the commands for a person to run, and what they would change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from towline.api import recordbody
from towline.api.syncrecord import FieldChange, SyncRecord
from towline.model import Action, Change
from towline.records import closing, newest, opening

from e2e.harness import gitrepo
from e2e.harness.gitrepo import Repo
from tests.cli import documented
from tests.kube.api_of_bodies import ApiOfBodies, command
from tests.records import syncs


class Shop:
    """A repository whose commit was applied, then changed by a commit and a pull request, which are applied, too."""

    def __init__(self, folder: Path) -> None:
        self.repo: Repo = gitrepo.create(folder / "app.git")
        self.first = self.repo.commit({"app/settings.yaml": "x: one\n"})
        self.second = self.repo.commit({"app/settings.yaml": "x: two\n"})
        self.repo.branch("feature")
        self.repo.commit({"app/added.yaml": "y: 1\n"}, branch="feature")
        self.head = self.repo.merge_pull_request(7, "feature")
        self.records: list[SyncRecord] = []
        self._applied(self.first, syncs.change("settings"))
        self._applied(self.head, syncs.change("settings", Action.UPDATE), syncs.change("added"))

    def _applied(self, target: str, *changes: Change) -> None:
        fields = {
            each.ref: (FieldChange(path="/data/x", old="one", new="two"),)
            for each in changes
            if each.action is Action.UPDATE
        }
        tip = newest.of((self.records[-1],)) if self.records else None
        opened = opening.opening(syncs.sync(target=target), syncs.entries(changes, fields), tip)
        self.records += closing.close(opened, syncs.ended(outcomes=syncs.done(*changes)))

    def api(self, **status: Any) -> ApiOfBodies:
        metadata = {"namespace": "shop", "name": "app", "uid": syncs.UID}
        resource = {
            "apiVersion": "towline.dev/v1alpha1",
            "kind": "GitRepository",
            "metadata": metadata,
            "spec": {"url": "https://git.example/app", "path": "app"},
            "status": {"ref": "refs/heads/main", "commit": {"observed": self.head}, **status},
        }
        return ApiOfBodies(resource, *(recordbody.to_body(each) for each in self.records))

    def shown(self, printed: str) -> str:
        """What was printed, with the commits of the page."""
        for sha, digit in ((self.first, "1"), (self.second, "2"), (self.head, "3")):
            printed = printed.replace(sha, digit * 40).replace(sha[:7], digit * 7)
        return printed.replace(self.records[0].name, "app-01234567-00000001")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


async def test_the_reverts_are_printed_with_what_they_would_change(tmp_path: Path, shop: Shop) -> None:
    repo = ("--repo", str(shop.repo.path))
    ended = await command(shop.api(), tmp_path, "rollback", "app", *repo)
    assert shop.shown(ended.stdout) == documented.output("towline rollback shop")
    assert ended.exit_code == 0
    assert f"towline diff app -n shop --revision {shop.first}" in ended.stderr
    printed = await command(shop.api(), tmp_path, "rollback", "app", shop.first[:7], *repo, "-o", "json")
    found = json.loads(printed.stdout)
    assert [(each["sha"], each["merge"]) for each in found["reverts"]] == [
        (shop.head, True),
        (shop.second, False),
    ]
    assert (found["repository"], found["from"], found["to"]) == ("shop/app", shop.head, shop.first)
    assert found["changes"][1] == {
        "object": "ConfigMap/shop/settings",
        "action": "update",
        "fields": [{"path": "/data/x", "now": "two", "then": "one"}],
    }
    assert (found["follows"], found["branch"], found["pushed"]) == ("main", "", "")
    named = await command(shop.api(), tmp_path, "rollback", "app", *repo, "-o", "name")
    assert (named.exit_code, named.stdout) == (0, f"syncrecord.towline.dev/{found['record']}\n")


@pytest.mark.parametrize(
    ("status", "arguments", "why"),
    [
        ({"ref": "refs/tags/v1"}, (), "which no revert moves"),
        ({"commit": {}}, (), "no commit was seen yet"),
        ({}, ("9999999",), "neither a SyncRecord of it nor a commit"),
    ],
)
async def test_where_no_revert_leads_back_the_reason_is_told(
    tmp_path: Path, shop: Shop, status: dict[str, Any], arguments: tuple[str, ...], why: str
) -> None:
    ended = await command(shop.api(**status), tmp_path, "rollback", "app", *arguments)
    assert (ended.exit_code, why in ended.stderr, ended.stdout) == (1, True, "")


async def test_the_followed_branch_is_never_pushed(tmp_path: Path, shop: Shop) -> None:
    repo = ("--repo", str(shop.repo.path))
    ended = await command(shop.api(), tmp_path, "rollback", "app", "--push-branch", "main", *repo)
    assert (ended.exit_code, "push another one, and merge it" in ended.stderr) == (2, True)
    assert shop.repo.sha() == shop.head


async def test_without_the_commits_the_range_is_named_and_the_answer_is_not_whole(
    tmp_path: Path, shop: Shop
) -> None:
    empty = gitrepo.create(tmp_path / "empty.git")
    empty.commit({"a.yaml": "a: 1\n"})
    ended = await command(shop.api(), tmp_path, "rollback", "app", "--repo", str(empty.path))
    assert ended.exit_code == 2
    assert f"git revert --no-edit {shop.first}..{shop.head}" in ended.stdout
    assert "does not have commit" in ended.stderr


async def test_the_reverts_are_pushed_as_a_new_branch_by_the_git_of_the_user(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = f'[url "{shop.repo.path}"]\n\tinsteadOf = https://git.example/app\n'
    (tmp_path / ".gitconfig").write_text(f"[user]\n\tname = Ada\n\temail = ada@example.com\n{leads}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    repo = ("--repo", str(shop.repo.path))
    ended = await command(shop.api(), tmp_path, "rollback", "app", *repo, "--push-branch", "back")
    pushed = shop.repo.sha("back")
    assert ended.exit_code == 0, ended.output
    assert f"Pushed branch back at {pushed[:7]}: merge it into main" in ended.stdout
    assert shop.repo.git("show", f"{pushed}:app/settings.yaml") == "x: one"
    assert shop.repo.git("log", "-1", "--format=%an", pushed) == "Ada"
