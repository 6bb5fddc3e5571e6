"""Which of several commits changed a file, or wrote a line of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from towline.api import gitrepository
from towline.read import crd_schema
from towline.read.comparison.revision_choice import RevisionChoice, RevisionFinder

from e2e.harness import gitrepo
from e2e.harness.gitrepo import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return gitrepo.create(tmp_path / "shop.git", url="https://git.example/shop.git")


def finder(repo: Repo) -> RevisionFinder:
    metadata = {"namespace": "shop", "name": "app", "uid": "1"}
    read = gitrepository.identify({"metadata": metadata, "spec": {"url": repo.url}})
    spec = gitrepository.specify(read, crd_schema.load())
    return RevisionFinder(spec, RevisionChoice(repos=(repo.path,)))


async def test_the_commit_that_wrote_a_line_is_told_from_a_later_one_of_its_file(repo: Repo) -> None:
    applied = repo.commit({"web.yaml": "a: 1\nb: 1\n"})
    breaks = repo.commit({"web.yaml": "a: 2\nb: 1\n"})
    later = repo.commit({"web.yaml": "a: 2\nb: 2\n"})
    newest = repo.commit({"README.md": "The shop"})

    async def told(line: int = 0) -> str:
        found = await finder(repo).last_change(applied, newest, "web.yaml", line)
        return found.sha if found else ""

    assert [await told(1), await told(2), await told()] == [breaks, later, later]
    assert await told(99) == later


async def test_a_line_that_is_older_than_the_commits_leaves_the_last_change_of_the_file(repo: Repo) -> None:
    repo.commit({"web.yaml": "a: 1\nb: 1\n"})
    applied = repo.commit({"README.md": "The shop"})
    changed = repo.commit({"web.yaml": "a: 1\nb: 2\n"})
    found = await finder(repo).last_change(applied, changed, "web.yaml", 1)
    assert found is not None
    assert found.sha == changed
    assert await finder(repo).last_change(changed, changed, "web.yaml", 1) is None
