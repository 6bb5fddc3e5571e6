"""Stories write commits in one call each."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.harness import gitrepo
from e2e.harness.gitrepo import ALICE, BOB, Entry, Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return gitrepo.create(tmp_path / "bare.git", clock=lambda: 1_700_000_000)


def _files(repo: Repo, name: str = "main") -> list[str]:
    return repo.git("ls-tree", "-r", "--name-only", name).splitlines()


def test_a_commit_changes_adds_and_removes_paths_and_keeps_the_others(repo: Repo) -> None:
    first = repo.commit({"a.yaml": "1", "b.yaml": "1", "sub/c.yaml": "1", "sub/d.yaml": "1"})
    second = repo.commit({"a.yaml": "2", "b.yaml": None, "new file.yaml": b"\xff\x00", "sub": None})
    assert _files(repo) == ["a.yaml", "new file.yaml"]
    assert repo.git("show", "main:a.yaml") == "2"
    assert repo.git("log", "--format=%H") == f"{second}\n{first}"


def test_a_commit_names_author_committer_date_and_the_whole_message(repo: Repo) -> None:
    repo.commit({"a": "1"}, message="Change colour\n\nBecause.", author=ALICE, committer=BOB)
    assert repo.git("log", "--format=%an|%ae|%cn|%at|%B") == (
        "Alice Author|alice@example.com|Bob Builder|1700000000|Change colour\n\nBecause."
    )


def test_links_executables_and_submodules_can_be_committed(repo: Repo) -> None:
    repo.commit(
        {
            "run": Entry("100755", "x"),
            "link": Entry("120000", "/etc/passwd"),
            "module": Entry("160000", "a" * 40),
        }
    )
    modes = {line.split()[3]: line.split()[0] for line in repo.git("ls-tree", "main").splitlines()}
    assert modes == {"run": "100755", "link": "120000", "module": "160000"}


def test_a_merged_pull_request_looks_like_that_of_a_forge(repo: Repo) -> None:
    base = repo.commit({"a": "1", "gone": "1"})
    repo.branch("feature")
    head = repo.commit({"a": "2", "gone": None}, branch="feature")
    repo.merge_pull_request(12, "feature", title="Bump a")
    assert repo.git("log", "-1", "--format=%P|%s|%b|%cn") == (
        f"{base} {head}|Merge pull request #12 from example/feature|Bump a|Forge"
    )
    assert _files(repo) == ["a"]


def test_a_rename_keeps_the_content(repo: Repo) -> None:
    repo.commit({"old/a.yaml": "1"})
    blob = repo.git("rev-parse", "main:old/a.yaml")
    repo.rename("old", "new")
    assert _files(repo) == ["new/a.yaml"]
    assert repo.git("rev-parse", "main:new/a.yaml") == blob


def test_a_branch_can_be_emptied_rewritten_tagged_and_deleted(repo: Repo) -> None:
    first = repo.commit({"a": "1"})
    repo.clear()
    assert _files(repo) == []
    rewritten = repo.rewrite({"b": "1"})
    assert repo.git("rev-list", "main") == rewritten
    assert repo.tag("v1.0.0", at=first, message="One") == first == repo.sha("v1.0.0")
    repo.branch("side", at=first)
    repo.delete_branch("main")
    assert repo.git("for-each-ref", "--format=%(refname)") == "refs/heads/side\nrefs/tags/v1.0.0"


def test_a_commit_onto_two_parents_is_a_merge(repo: Repo) -> None:
    first = repo.commit({"a": "1"})
    repo.branch("side")
    side = repo.commit({"b": "1"}, branch="side")
    repo.commit({"b": "1"}, merge_of="side")
    assert repo.git("log", "-1", "--format=%P") == f"{first} {side}"


def test_a_commit_that_git_refuses_says_why(repo: Repo) -> None:
    with pytest.raises(ValueError, match="fatal"):
        repo.commit({"a": "1"}, branch="bad..name")
