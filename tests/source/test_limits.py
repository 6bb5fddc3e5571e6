"""What is too large."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from towline.errors import CostlyError, Reason, SourceError
from towline.shares.pools import Pools
from towline.source.mirror import Mirrors
from towline.source.selection import SourceLimits

from e2e.harness.gitrepo import Repo
from tests.source.passes import fetched


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (SourceLimits(refs=2), "more than 2 refs"),
        (SourceLimits(mirror_bytes=1000), "more than 1000 bytes"),
        (SourceLimits(entries=3), "more than 3 files"),
        (SourceLimits(content_bytes=100), "too large to read"),
    ],
)
async def test_a_repository_beyond_a_limit_is_too_large(
    repo: Repo, tmp_path: Path, limits: SourceLimits, words: str
) -> None:
    repo.commit({f"{number}.yaml": f"{number}" * 100 for number in range(5)})
    for name in ("a", "b"):
        repo.branch(name)
    mirrors = Mirrors(tmp_path / "data", limits)
    for _ in range(2):
        with pytest.raises(SourceError, match=words) as raised:
            await read_whole(mirrors, repo)
        assert raised.value.reason == Reason.SOURCE_TOO_LARGE
        assert raised.value.message.isprintable()


async def test_an_object_that_would_take_all_memory_is_refused_and_its_mirror_stays_small(
    repo: Repo, tmp_path: Path
) -> None:
    first = repo.commit({"a.yaml": "a"})
    mirrors = Mirrors(tmp_path / "data", pools=replace(Pools.here(), large_memory=64 * 1024**2))
    remote, _ = await fetched(mirrors, repo)
    repo.commit({"b.yaml": "b"}, message="x" * 64 * 1024**2)
    with pytest.raises(SourceError, match="more memory") as raised:
        await fetched(mirrors, repo)
    assert raised.value.reason == Reason.SOURCE_TOO_LARGE
    assert (await mirrors.revision(remote, first)).sha == first
    assert sum(path.stat().st_size for path in (tmp_path / "data").rglob("*pack*")) < 50_000


_SPENT = """#!/bin/sh
case "$*" in
    *version*) echo git version 2.50.0 ;;
    *) kill -s XCPU $$ ;;
esac
"""
"""A git that ends as the kernel ends one that has computed for as long as it may."""


async def test_a_commit_that_is_too_much_work_to_read_says_so_and_its_mirror_stays(
    mirrors: Mirrors, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"a.yaml": "a"})
    remote, sha = await fetched(mirrors, repo)
    spent = tmp_path / "bin/git"
    spent.parent.mkdir()
    spent.write_text(_SPENT)
    spent.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spent.parent}:{os.environ['PATH']}")
    others = Mirrors(tmp_path / "data")  # the folder of `mirrors`
    with pytest.raises(CostlyError, match="not finished within 60 s of computing") as raised:
        await others.entries(remote, sha, ".")
    assert raised.value.reason == Reason.GIT_TIMEOUT
    assert [entry.path for entry in await mirrors.entries(remote, sha, ".")] == ["a.yaml"]


async def read_whole(mirrors: Mirrors, repo: Repo) -> None:
    remote, sha = await fetched(mirrors, repo)
    entries = await mirrors.entries(remote, sha, ".")
    await mirrors.blobs(remote, [entry.sha for entry in entries])
