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
from e2e.harness.gitrepo import Entry, Repo


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
    with pytest.raises(SourceError, match=r"git push failed.* has a branch back already\. Name a new one"):
        await pushing.pushed(head, found[:1])


async def test_a_revert_that_meets_later_changes_is_not_pushed(repo: Repo, user: Mapping[str, str]) -> None:
    first = repo.commit({"app/a.yaml": "a: 1\n"})
    repo.commit({"app/a.yaml": "a: 2\n"})
    head = repo.commit({"app/a.yaml": "a: 3\n"})
    _, older = await revert_steps.steps(content(repo, user), first, head, ("app",))
    pushing = RevertBranch(objects=repo.path, url=str(repo.path), name="back", environment=user)
    told = rf"the revert of {older.sha[:7]} meets later changes in app/a\.yaml: nothing was pushed"
    with pytest.raises(SourceError, match=told):
        await pushing.pushed(head, [older])
    assert repo.git("for-each-ref", "refs/heads/back") == ""


async def pushed_back(
    repo: Repo, user: Mapping[str, str], first: str, git: Path | None = None, head: str = ""
) -> str:
    """Push the reverts since a commit, read from this Git folder; return the commit."""
    tip = head or repo.sha()
    read = GitContent(git=LocalGit(user), place=GitPlace(git or repo.path, "the clone"))
    found = await revert_steps.steps(read, first, tip, ())
    pushing = RevertBranch(objects=read.place.folder, url=str(repo.path), name="back", environment=user)
    return await pushing.pushed(tip, found)


def tree(repo: Repo, sha: str) -> str:
    return repo.git("rev-parse", f"{sha}^{{tree}}")


async def test_what_changed_nothing_is_not_reverted(repo: Repo, user: Mapping[str, str]) -> None:
    first = repo.commit({"a.yaml": "a: 1\n"})
    repo.commit({}, message="An empty commit")
    repo.branch("feature")
    repo.commit({"b.yaml": "b: 1\n"}, branch="feature")
    repo.commit({}, merge_of="feature", message="A merge that takes nothing")
    repo.commit({"a.yaml": "a: 2\n"})
    assert tree(repo, await pushed_back(repo, user, first)) == tree(repo, first)


async def test_a_merge_that_was_reverted_and_brought_again_is_taken_back(
    repo: Repo, user: Mapping[str, str]
) -> None:
    first = repo.commit({"a.yaml": "a: 1\n"})
    repo.branch("feature")
    repo.commit({"b.yaml": "b: 1\n"}, branch="feature")
    repo.merge_pull_request(7, "feature")
    repo.commit({"b.yaml": None}, message="Revert the merge")
    repo.commit({"b.yaml": "b: 1\n"}, message="Revert the revert")
    assert tree(repo, await pushed_back(repo, user, first)) == tree(repo, first)


async def test_symlinks_submodules_and_names_that_differ_in_case_go_back(
    repo: Repo, user: Mapping[str, str]
) -> None:
    first = repo.commit({"a.yaml": "a: 1\n", "sub": Entry("160000", "1" * 40)})
    repo.commit({"a.yaml": Entry("120000", "b.yaml"), "b.yaml": "b: 1\n"})
    repo.commit({"sub": Entry("160000", "2" * 40)})
    repo.rename("b.yaml", "B.yaml")
    assert tree(repo, await pushed_back(repo, user, first)) == tree(repo, first)


async def test_attributes_that_convert_files_do_not_stop_a_revert(
    repo: Repo, user: Mapping[str, str]
) -> None:
    mixed = "a: {}\r\nb: 1\r\nc: 1\n"
    attributes = "*.yaml text eol=crlf working-tree-encoding=UTF-16\n"
    first = repo.commit({"a.yaml": mixed.format(1), ".gitattributes": attributes})
    repo.commit({"a.yaml": mixed.format(2)})
    assert tree(repo, await pushed_back(repo, user, first)) == tree(repo, first)


async def test_a_shallow_clone_serves_as_far_as_it_goes(
    repo: Repo, user: Mapping[str, str], tmp_path: Path
) -> None:
    repo.commit({"a.yaml": "a: 0\n"})
    first = repo.commit({"a.yaml": "a: 1\n"})
    head = repo.commit({"a.yaml": "a: 2\n"})
    for depth in (1, 2):
        git = tmp_path / f"{depth}.git"
        repo.git("clone", "--quiet", "--bare", f"--depth={depth}", f"file://{repo.path}", str(git))
    with pytest.raises(SourceError, match=r"is shallow: .* run git fetch --unshallow there"):
        await pushed_back(repo, user, first, tmp_path / "1.git")
    repo.commit({"b.yaml": "later"})  # so that the server does not say that it has the head
    pushed = await pushed_back(repo, user, first, tmp_path / "2.git", head)
    assert tree(repo, pushed) == tree(repo, first)


async def test_a_server_that_refuses_the_branch_is_quoted(repo: Repo, user: Mapping[str, str]) -> None:
    first = repo.commit({"a.yaml": "a: 1\n"})
    repo.commit({"a.yaml": "a: 2\n"})
    hook = repo.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'branch back is protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(SourceError, match=r"refused branch back: branch back is protected; .*--push-branch"):
        await pushed_back(repo, user, first)
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
