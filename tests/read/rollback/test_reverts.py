"""Which commits are reverted, and that a pushed branch holds the folder as it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from towline.errors import SourceError
from towline.read.git.git_content import GitContent, GitPlace
from towline.read.git.local_git import LocalGit
from towline.read.rollback import revert_steps
from towline.read.rollback.revert_branch import RevertBranch

from e2e.harness import gitrepo
from e2e.harness.gitrepo import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return gitrepo.create(tmp_path / "shop.git")


@pytest.fixture
def user(tmp_path: Path) -> Mapping[str, str]:
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}


def content(repo: Repo, user: Mapping[str, str]) -> GitContent:
    return GitContent(git=LocalGit(user), place=GitPlace(repo.path, "the clone"))


async def test_commits_that_changed_the_folder_are_reverted_and_a_merge_as_a_whole(
    repo: Repo, user: Mapping[str, str]
) -> None:
    first = repo.commit({"app/a.yaml": "a: 1\n", "base/b.yaml": "b: 1\n", "docs.md": "x"})
    second = repo.commit({"app/a.yaml": "a: 2\n"})
    repo.commit({"docs.md": "y"})
    base = repo.commit({"base/b.yaml": "b: 2\n"})
    repo.branch("feature")
    repo.commit({"app/c.yaml": "c: 1\n"}, branch="feature")
    head = repo.merge_pull_request(7, "feature")
    found = await revert_steps.steps(content(repo, user), first, head, ("app",))
    assert [(each.sha, each.is_merge) for each in found] == [(head, True), (second, False)]
    found = await revert_steps.steps(content(repo, user), first, head, ("app", "base/b.yaml"))
    assert [each.sha for each in found] == [head, base, second]
    assert list(revert_steps.reverts(found)) == [
        ("git", "revert", "--no-edit", "-m", "1", head),
        ("git", "revert", "--no-edit", base, second),
    ]
    pushing = RevertBranch(objects=repo.path, url=str(repo.path), name="back", environment=user)
    pushed = await pushing.pushed(head, found)
    assert repo.sha("back") == pushed
    assert repo.git("rev-parse", f"{pushed}:app") == repo.git("rev-parse", f"{first}:app")
    assert repo.git("show", f"{pushed}:docs.md") == "y"
    assert repo.sha() == head, "the followed branch stays"
    with pytest.raises(SourceError, match="git push failed"):
        await pushing.pushed(head, found[:1])


async def test_a_revert_that_meets_later_changes_is_not_pushed(repo: Repo, user: Mapping[str, str]) -> None:
    first = repo.commit({"app/a.yaml": "a: 1\n"})
    repo.commit({"app/a.yaml": "a: 2\n"})
    head = repo.commit({"app/a.yaml": "a: 3\n"})
    _, older = await revert_steps.steps(content(repo, user), first, head, ("app",))
    pushing = RevertBranch(objects=repo.path, url=str(repo.path), name="back", environment=user)
    with pytest.raises(SourceError, match=r"later changes in app/a\.yaml: nothing was pushed"):
        await pushing.pushed(head, [older])
    assert repo.git("for-each-ref", "refs/heads/back") == ""


async def test_a_branch_that_was_rewritten_cannot_be_reverted(repo: Repo, user: Mapping[str, str]) -> None:
    first = repo.commit({"a.yaml": "a: 1\n"})
    repo.branch("kept", at=first)
    lost = repo.commit({"a.yaml": "a: 2\n"}, branch="kept")
    head = repo.commit({"a.yaml": "a: 3\n"})
    with pytest.raises(SourceError, match="the branch was rewritten"):
        await revert_steps.steps(content(repo, user), lost, head, ())


async def test_a_commit_that_came_by_a_merge_is_no_place_to_go_back_to(
    repo: Repo, user: Mapping[str, str]
) -> None:
    repo.commit({"a.yaml": "a: 1\n"})
    repo.branch("feature")
    inner = repo.commit({"b.yaml": "b: 1\n"}, branch="feature")
    repo.commit({"c.yaml": "c: 1\n"})
    head = repo.merge_pull_request(7, "feature")
    with pytest.raises(SourceError, match="came into the branch by a merge"):
        await revert_steps.steps(content(repo, user), inner, head, ())


@pytest.mark.parametrize("name", ["-x", "a..b", "", "a b"])
async def test_what_cannot_be_a_branch_is_not_pushed(repo: Repo, user: Mapping[str, str], name: str) -> None:
    repo.commit({"a.yaml": "a: 1\n"})
    pushing = RevertBranch(objects=repo.path, url=str(repo.path), name=name, environment=user)
    with pytest.raises(SourceError, match="cannot be the name of a branch"):
        await pushing.pushed(repo.sha(), ())
