"""`towline log --graph`: every commit of a real branch, with what became of it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from towline.api import recordbody
from towline.api.syncrecord import Ending, SyncRecord, Trigger
from towline.errors import Failure
from towline.model import Action
from towline.records import closing, newest, opening
from towline.records.newest import NewestSync
from towline.records.opening import Place

from e2e.harness import gitrepo
from e2e.harness.gitrepo import BOB, Repo, Who
from tests.kube.api_of_bodies import ApiOfBodies, command
from tests.records import syncs

BAD = Failure(reason="BuildFailed", message="not YAML", file="web.yaml", line=1)


@dataclass(kw_only=True)
class Followed:
    """A repository and the records of what was applied of it."""

    repo: Repo
    records: list[SyncRecord] = field(default_factory=list)
    last: NewestSync | None = None
    applied: str = ""

    def sync(
        self,
        target: str,
        by: Iterable[str] = (),
        ending: Ending = Ending.SUCCEEDED,
        trigger: Trigger = Trigger.COMMIT,
    ) -> None:
        """Record a sync that leads to a commit, and changes one object for each of some commits."""
        changes = [syncs.change(f"object-{sha[:4]}", Action.UPDATE) for sha in by]
        places = {each.ref: Place(sha, "web.yaml", 1) for each, sha in zip(changes, by, strict=True)}
        listed = (syncs.revision(target, self.repo.git("log", "-1", "--format=%s", target)),)
        draft = syncs.sync(source=self.applied, target=target, commits=listed, trigger=trigger)
        opened = opening.opening(draft, opening.entries(changes, {}, places, syncs.MASK), self.last)
        failures = (BAD,) if ending is Ending.FAILED else ()
        made = closing.close(opened, syncs.ended(ending, outcomes=syncs.done(*changes), failures=failures))
        self.records += made
        self.last = newest.of(made)
        if ending is Ending.SUCCEEDED:
            self.applied = target

    def api(self, *, observed: str = "") -> ApiOfBodies:
        """Serve the repository and its records."""
        body = {
            "apiVersion": "towline.dev/v1alpha1",
            "kind": "GitRepository",
            "metadata": {"namespace": "shop", "name": "app", "uid": syncs.UID, "generation": 1},
            "spec": {"url": "https://git.example/app", "ref": {"branch": "main"}},
            "status": {"commit": {"observed": observed or self.applied, "applied": self.applied}},
        }
        return ApiOfBodies(body, *map(recordbody.to_body, self.records))

    async def log(self, folder: Path, *arguments: str, observed: str = "") -> Result:
        repo = ("--repo", str(self.repo.path))
        return await command(self.api(observed=observed), folder, "log", "app", "--graph", *repo, *arguments)


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    seconds = itertools.count(1767225600)
    return Followed(repo=gitrepo.create(tmp_path / "app.git", clock=lambda: next(seconds)))


def told(ended: Result) -> list[tuple[str, str]]:
    entries: list[dict[str, Any]] = json.loads(ended.stdout)
    return [(each["subject"], each["outcome"]) for each in entries]


async def test_each_commit_of_a_branch_has_one_line(followed: Followed, tmp_path: Path) -> None:
    repo = followed.repo
    first = repo.commit({"web.yaml": "1"}, message="First")
    followed.sync(first, [first])
    repo.branch("feature")
    repo.commit({"web.yaml": "2"}, message="Too early", branch="feature")
    feature = repo.commit({"web.yaml": "3"}, message="Feature", branch="feature", author=BOB)
    merged = repo.merge_pull_request(7, "feature", title="Feature")
    followed.sync(merged, [feature])
    followed.sync(merged, [feature], trigger=Trigger.DRIFT)
    broken = repo.commit({"web.yaml": "["}, message="Broken")
    followed.sync(broken, ending=Ending.FAILED)
    idle = repo.commit({"web.yaml": "3", "README.md": "x"}, message="Idle")
    followed.applied = idle
    repo.commit({"web.yaml": "4"}, message="To come")

    ended = await followed.log(tmp_path, "-o", "json")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert told(ended) == [
        ("To come", "Pending"),
        ("Idle", "NoChange"),
        ("Broken", "Failed"),
        ("Merge pull request #7 from example/feature", "Succeeded"),
        ("Merge pull request #7 from example/feature", "Succeeded"),
        ("Feature", "Succeeded"),
        ("Too early", "Superseded"),
        ("First", "Succeeded"),
    ]
    drawn = (await followed.log(tmp_path)).stdout.splitlines()
    assert [line[:5].rstrip() for line in drawn] == ["GRAPH", "*", "*", "*", "o", "*", "| *", "| *", "*"]
    assert "BuildFailed: web.yaml:1: not YAML" in drawn[3]


async def test_only_what_is_below_the_path_of_the_repository_counts(
    followed: Followed, tmp_path: Path
) -> None:
    repo = followed.repo
    first = repo.commit({"web.yaml": "1"}, message="First")
    followed.sync(first, [first])
    repo.commit({"web.yaml": "2"}, message="Overtaken")
    repo.commit({"docs/web.md": "x"}, message="Docs")
    last = repo.commit({"web.yaml": "3"}, message="Last")
    followed.sync(last, [last])
    assert told(await followed.log(tmp_path, "-o", "json"))[1:3] == [
        ("Docs", "NoChange"),
        ("Overtaken", "Superseded"),
    ]


async def test_filters_choose_among_commits_that_never_ran_too(followed: Followed, tmp_path: Path) -> None:
    repo = followed.repo
    first = repo.commit({"web.yaml": "1"}, message="First")
    followed.sync(first, [first])
    mine = repo.commit({"web.yaml": "2"}, message="Bob's", author=BOB)
    repo.commit({"web.yaml": "3"}, message="Last")
    assert told(await followed.log(tmp_path, "-o", "json", "--author", "bob")) == [("Bob's", "Pending")]
    assert told(await followed.log(tmp_path, "-o", "json", "--commit", mine[:8])) == [("Bob's", "Pending")]


async def test_without_git_the_syncs_are_shown_and_the_rest_is_said_to_be_missing(
    followed: Followed, tmp_path: Path
) -> None:
    first = followed.repo.commit({"web.yaml": "1"}, message="First")
    followed.sync(first, [first])
    folder = tmp_path / "empty"
    folder.mkdir()
    ended = await command(
        followed.api(), tmp_path, "log", "app", "--graph", "--repo", str(folder), "-o", "json"
    )
    assert ended.exit_code == 2
    assert told(ended) == [("First", "Succeeded")]
    assert "commits that never ran are not shown" in ended.stderr


async def test_a_clone_that_lacks_the_newest_commit_is_said_to(followed: Followed, tmp_path: Path) -> None:
    first = followed.repo.commit({"web.yaml": "1"}, message="First")
    followed.sync(first, [first])
    ended = await followed.log(tmp_path, "-o", "json", observed="f" * 40)
    assert ended.exit_code == 2
    assert "does not have commit fffffff: run git fetch" in ended.stderr
    assert len(told(ended)) == 1


async def test_a_path_chooses_commits_that_never_ran_too(followed: Followed, tmp_path: Path) -> None:
    repo = followed.repo
    first = repo.commit({"web.yaml": "1"}, message="First")
    followed.sync(first, [first])
    repo.commit({"apps/db.yaml": "1"}, message="Database")
    repo.commit({"web.yaml": "2"}, message="Web")
    assert told(await followed.log(tmp_path, "-o", "json", "--path", "apps")) == [("Database", "Pending")]
    assert told(await followed.log(tmp_path, "-o", "json", "--path", "web.yaml")) == [
        ("Web", "Pending"),
        ("First", "Succeeded"),
    ]


async def test_an_author_without_a_name_is_told_by_the_address(followed: Followed, tmp_path: Path) -> None:
    followed.repo.commit({"web.yaml": "1"}, message="First", author=Who("", "nameless@example.com"))
    followed.applied = followed.repo.sha()
    (entry,) = json.loads((await followed.log(tmp_path, "-o", "json")).stdout)
    assert entry["author"] == "nameless@example.com"


async def test_a_long_branch_and_a_shallow_clone_say_where_they_end(
    followed: Followed, tmp_path: Path
) -> None:
    repo = followed.repo
    followed.applied = repo.commits({"web.yaml": str(each)} for each in range(2003))
    ended = await followed.log(tmp_path, "-o", "json")
    entries = json.loads(ended.stdout)
    assert [each["commit"] for each in entries] == repo.git("rev-list", "-2000", "main").split()
    assert f"the newest 2,000 commits are shown, the last one is {entries[-1]['commit'][:7]}" in ended.stderr
    shallow = tmp_path / "shallow.git"
    repo.git("clone", "--quiet", "--bare", "--depth=3", f"file://{repo.path}", str(shallow))
    ended = await followed.log(tmp_path, "-o", "json", "--repo", str(shallow))
    assert len(told(ended)) == 3
    assert "the clone is shallow, and older commits are not in it" in ended.stderr


async def test_a_merge_of_three_and_one_with_a_change_of_its_own_have_all_their_commits(
    followed: Followed, tmp_path: Path
) -> None:
    repo = followed.repo
    first = repo.commit({"web.yaml": "1"}, message="First")
    followed.sync(first, [first])
    sides = []
    for name in "xyz":
        repo.branch(name, at=first)
        sides.append(repo.commit({f"{name}.yaml": "1"}, message=name, branch=name))
    parents = [word for sha in (first, *sides) for word in ("-p", sha)]
    tree = repo.git("rev-parse", "x^{tree}")
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    repo.branch("main", at=repo.git(*identity, "commit-tree", "-m", "Octopus", *parents, tree))
    repo.branch("side")
    side = repo.commit({"web.yaml": "2"}, message="Side", branch="side")
    evil = repo.commit({"web.yaml": "3"}, message="Resolve", merge_of=side)
    followed.sync(evil, [evil])
    ended = await followed.log(tmp_path, "-o", "json")
    found = {each["commit"]: each for each in json.loads(ended.stdout)}
    assert set(found) == set(repo.git("rev-list", "main").split())
    assert found[evil]["changed"] == [{"object": f"ConfigMap/shop/object-{evil[:4]}", "action": "update"}], (
        "the merge's own change is the merge's"
    )
    assert found[side]["outcome"] == "Superseded"
    lanes = (await followed.log(tmp_path)).stdout
    assert lanes.count("| *") == 4
