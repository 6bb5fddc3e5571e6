"""What is too large."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from towline.errors import Reason, SourceError
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


async def read_whole(mirrors: Mirrors, repo: Repo) -> None:
    remote, sha = await fetched(mirrors, repo)
    entries = await mirrors.entries(remote, sha, ".")
    await mirrors.blobs(remote, [entry.sha for entry in entries])
