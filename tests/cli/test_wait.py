"""`towline wait`: a script goes on when a commit has arrived, and learns why where it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli import documented
from tests.cli.test_get import BROKEN, HEALTHY, SHOP, repository
from tests.kube.api_of_bodies import ApiOfBodies, command

APPLIED = "1a2b3c4" + "0" * 33


async def test_a_commit_that_is_there_is_good_as_the_page_shows(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(SHOP), tmp_path, "wait", "shop", "--commit", "1a2b3c4")
    assert ended.exit_code == 0
    assert ended.stdout == documented.output("towline wait shop --commit 1a2b3c4")


async def test_a_commit_that_cannot_be_built_ends_the_wait_with_its_line(tmp_path: Path) -> None:
    broken = repository("shop", {**HEALTHY, "Ready": BROKEN})
    broken["status"]["commit"]["attempted"] = "9f8e7d6" + "0" * 33
    ended = await command(ApiOfBodies(broken), tmp_path, "wait", "shop", "--commit", "9f8e7d6")
    assert ended.exit_code == 1
    assert ended.stdout == documented.output("towline wait shop --commit 9f8e7d6")


def recorded(*shas: str, outcome: str) -> dict[str, Any]:
    """Return the record of a sync that led to the first of some commits."""
    who, at = {"name": "Ada", "email": "ada@example.com"}, "2026-01-01T00:00:00Z"
    commits = [
        {
            "sha": sha,
            "author": who,
            "committer": who,
            "authoredAt": at,
            "committedAt": at,
            "subject": "Raise the limit",
        }
        for sha in shas
    ]
    return {
        "apiVersion": "towline.dev/v1alpha1",
        "kind": "SyncRecord",
        "metadata": {"namespace": "shop", "name": "shop-1a2b3c4d-00000001", "uid": "r"},
        "spec": {
            "repository": {"namespace": "shop", "name": "shop", "uid": "uid-shop"},
            "sequence": 1,
            "trigger": "Commit",
            "to": shas[0],
            "commits": commits,
            "operator": "towline",
            "startedAt": at,
            "digestVersion": 7,
        },
        "status": {"outcome": outcome, "finishedAt": at, "counts": {}, "digest": "sha256:0"},
    }


async def test_a_commit_before_ones_that_changed_nothing_is_applied_by_the_records(tmp_path: Path) -> None:
    before = "2b3c4d5" + "0" * 33
    api = ApiOfBodies(SHOP, recorded(before, outcome="Succeeded"))
    ended = await command(api, tmp_path, "wait", "shop", "--commit", before[:7])
    assert (ended.exit_code, ended.stdout) == (0, "2b3c4d5 is applied, as a part of 1a2b3c4\n")


async def test_a_commit_that_never_ran_is_superseded_by_the_newer_one_that_fails(tmp_path: Path) -> None:
    before, newer = "2b3c4d5" + "0" * 33, "9f8e7d6" + "0" * 33
    broken = repository("shop", {**HEALTHY, "Ready": BROKEN})
    broken["status"]["commit"] |= {"observed": newer, "attempted": newer}
    api = ApiOfBodies(broken, recorded(newer, before, outcome="Failed"))
    ended = await command(api, tmp_path, "wait", "shop", "--commit", before, "--timeout", "30s")
    assert ended.exit_code == 1, ended.output
    assert ended.stdout.startswith("2b3c4d5 was superseded by 9f8e7d6 before it was applied. 9f8e7d6 by Bob")


async def test_when_the_time_is_over_the_last_sentence_is_told(tmp_path: Path) -> None:
    arguments = ("wait", "shop", "--commit", APPLIED, "--for", "healthy", "--timeout", "1s", "-o", "json")
    ended = await command(ApiOfBodies(SHOP), tmp_path, *arguments)
    assert ended.exit_code == 1
    assert "waiting: Applied 1a2b3c4" in ended.stderr
    found = json.loads(ended.stdout)
    assert found["reached"] is False
    assert found["sentence"].startswith("1a2b3c4 is not healthy after 1s: Applied 1a2b3c4")


@pytest.mark.parametrize("sha", ["main", "1a2b3c", "", "1a2b3c4; rm"])
async def test_what_is_not_a_commit_is_wrong_usage(tmp_path: Path, sha: str) -> None:
    ended = await command(ApiOfBodies(SHOP), tmp_path, "wait", "shop", "--commit", sha)
    assert ended.exit_code == 2
    assert "must be a commit" in ended.stderr


async def test_a_repository_that_does_not_exist_is_no_answer(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(SHOP), tmp_path, "wait", "blog", "--commit", APPLIED)
    assert ended.exit_code == 2
    assert 'no GitRepository "blog" in namespace shop' in ended.stderr
