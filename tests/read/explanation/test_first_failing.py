from __future__ import annotations

import math

import pytest
from towline.model import Person, Revision
from towline.read.explanation.first_failing import first_failing, first_failing_revision


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 100])
async def test_the_first_commit_that_fails_is_found_by_few_trials(count: int) -> None:
    for first in range(count):
        tried: list[int] = []

        async def fails(commit: int, first: int = first, tried: list[int] = tried) -> bool:
            tried.append(commit)
            return commit >= first

        assert await first_failing(range(count), fails) == first
        assert len(tried) <= 1 + math.ceil(math.log2(count)) + 1


async def test_where_the_newest_does_not_fail_none_does() -> None:
    async def fails(_: int) -> bool:
        return False

    assert await first_failing(range(5), fails) is None
    assert await first_failing((), fails) is None


def revision(sha: str, *parents: str) -> Revision:
    who = Person(name="Ada", email="ada@example.com")
    return Revision(
        sha=sha, author=who, committer=who, authored_at="", committed_at="", subject=sha, parents=parents
    )


def leads_to(sha: str, bad: str, known: dict[str, Revision]) -> bool:
    return sha == bad or any(leads_to(each, bad, known) for each in known[sha].parents if each in known)


@pytest.mark.parametrize("bad", ["branch-1", "branch-2", "inner-1", "main-1", "main-2", "merge", "later"])
async def test_a_commit_that_a_merge_brought_is_found_among_those_of_the_branch(bad: str) -> None:
    new = (
        revision("main-1", "applied"),
        revision("branch-1", "applied"),
        revision("inner-1", "branch-1"),
        revision("main-2", "main-1"),
        revision("branch-2", "branch-1", "inner-1"),
        revision("merge", "main-2", "branch-2"),
        revision("later", "merge"),
    )
    known = {each.sha: each for each in new}

    async def fails(each: Revision) -> bool:
        return leads_to(each.sha, bad, known)

    found = await first_failing_revision(new, fails)
    assert found is not None
    assert found.sha == bad
