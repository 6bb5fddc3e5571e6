"""`towline wait`: a script goes on when a commit has arrived, and learns why where it cannot."""

from __future__ import annotations

import json
from pathlib import Path

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
