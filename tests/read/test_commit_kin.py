"""A clone tells how two commits are related, as far as its history goes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from towline.read.git import commit_kin, git_search
from towline.read.git.commit_kin import Kin

AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *AUTHOR, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, subject: str) -> str:
    git(folder, "commit", "--quiet", "--allow-empty", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


async def test_a_clone_tells_how_commits_are_related_and_a_shallow_one_only_what_it_knows(
    tmp_path: Path,
) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    git(whole, "init", "--quiet", "-b", "main")
    first, second = commit(whole, "one"), commit(whole, "two")
    git(whole, "checkout", "--quiet", "-b", "side", first)
    aside = commit(whole, "aside")
    git(whole, "checkout", "--quiet", "main")
    content = await git_search.clone(whole, dict(os.environ))
    assert await commit_kin.of(content, first[:8], second) is Kin.PART
    assert await commit_kin.of(content, second[:8], first) is Kin.AHEAD
    assert await commit_kin.of(content, aside[:8], second) is Kin.APART
    assert await commit_kin.of(content, "f" * 8, second) is Kin.UNKNOWN
    cut = tmp_path / "cut"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{whole}", str(cut))
    shallow = await git_search.clone(cut, dict(os.environ))
    assert await commit_kin.of(shallow, aside[:8], second) is Kin.UNKNOWN
