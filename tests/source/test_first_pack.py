"""The first fetch of a branch needs one child; whatever is out of the ordinary, `git fetch` does it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.errors import Reason, SourceError
from towline.source.access import Remote
from towline.source.mirror import Mirrors
from towline.source.smart.sideband import Said, Sideband

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import Fault, GitServer
from tests.source import badserver
from tests.source.commands import started
from tests.source.passes import MAIN, SECONDS, fetched, stored


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in {".pack", ".lock"}]


RESULT = "application/x-git-upload-pack-result"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    with started(monkeypatch) as told:
        yield told


async def test_the_first_fetch_of_a_branch_is_one_request_and_one_child_that_checks_what_comes(
    commands: list[str], repo: Repo, server: GitServer, tmp_path: Path
) -> None:
    for number in range(5):
        repo.commit({f"apps/{number}.yaml": f"a: {number}"})
    mirrors = Mirrors(tmp_path / "data")
    remote, sha = await fetched(mirrors, repo)
    assert commands == ["index-pack"]
    assert [each.path for each in server.requests(repo.path.stem)] == ["/info/refs", "/git-upload-pack"]
    assert len((await mirrors.history(remote, repo.sha("main~4"), sha)).revisions) == 4
    assert len(await mirrors.entries(remote, sha, "apps")) == 5


async def test_later_fetches_ask_for_what_is_new_only(
    commands: list[str], repo: Repo, tmp_path: Path
) -> None:
    repo.commit({"a.yaml": "a"})
    mirrors = Mirrors(tmp_path / "data")
    await fetched(mirrors, repo)
    repo.commit({"a.yaml": "b"})
    remote, sha = await fetched(mirrors, repo)
    assert commands == ["index-pack", "for-each-ref", "fetch"]
    assert (await mirrors.revision(remote, sha)).sha == sha


@pytest.mark.parametrize("fault", [Fault.PACK_CUT, Fault.PACK_CHANGED, Fault.CUT])
async def test_a_pack_that_is_damaged_on_its_way_is_not_kept(
    repo: Repo, server: GitServer, tmp_path: Path, fault: Fault
) -> None:
    sha = repo.commit({"a.yaml": "a: " + "b" * 5000})
    mirrors = Mirrors(tmp_path / "data")
    remote = Remote(url=repo.url)
    with server.failing(repo.path.stem, fault), pytest.raises(SourceError) as raised:
        await mirrors.fetch(remote, MAIN, sha, SECONDS)
    assert raised.value.reason in {Reason.GIT_UNAVAILABLE, Reason.GIT_OBJECT_INVALID}
    await mirrors.fetch(remote, MAIN, sha, SECONDS)
    assert [entry.path for entry in await mirrors.entries(remote, sha, ".")] == ["a.yaml"]


async def test_what_git_fetch_refuses_is_refused(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"a.yaml": "a"})
    blob = bytes.fromhex(repo.git("rev-parse", "main:a.yaml"))
    sha = await stored(repo, "hash-object", b"100644 .git\0" + blob)
    mirrors = Mirrors(tmp_path / "data")
    with pytest.raises(SourceError) as raised:
        await mirrors.fetch(Remote(url=repo.url), MAIN, sha, SECONDS)
    assert raised.value.reason is Reason.GIT_OBJECT_INVALID


async def test_a_server_that_does_not_have_all_of_the_history_is_fetched_from_by_git(
    commands: list[str], repo: Repo, server: GitServer, tmp_path: Path
) -> None:
    for number in range(3):
        repo.commit({"a.yaml": f"a: {number}"})
    shallow = server.create(f"{repo.path.stem}-shallow")
    shallow.git("fetch", "--quiet", "--depth=1", f"file://{repo.path}", f"+{MAIN}:{MAIN}")
    mirrors = Mirrors(tmp_path / "data")
    remote, sha = await fetched(mirrors, shallow)
    assert commands[:2] == ["index-pack", "fetch"]
    assert [entry.path for entry in await mirrors.entries(remote, sha, ".")] == ["a.yaml"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"0008NAK\n",
        b"0008NAK\n0000",
        b"0008NAK\n0009\x01PACK",
        b"0008NAK\n0009\x03nope0000",
        b"000cERR nope",
        b"zzzz",
    ],
    ids=["nothing", "no pack", "an empty pack", "no end", "an error", "a refusal", "noise"],
)
async def test_a_server_that_answers_otherwise_is_asked_by_git_and_leaves_nothing(
    tmp_path: Path, body: bytes
) -> None:
    mirrors = Mirrors(tmp_path / "data")
    async with badserver.answering(badserver.says("200 OK", body, RESULT)) as bad:
        with pytest.raises(SourceError):
            await mirrors.fetch(Remote(url=bad.url), MAIN, "a" * 40, SECONDS)
        assert [each.split()[0] for each in bad.requests][:2] == [b"POST", b"GET"]
    assert not left(tmp_path)


async def test_how_far_a_first_fetch_has_come_is_told(repo: Repo, tmp_path: Path) -> None:
    for number in range(30):
        repo.commit({"a.yaml": str(number)})
    mirrors = Mirrors(tmp_path / "data")
    remote, sha = await fetched(mirrors, repo)
    assert (mirrors.progress(remote, sha) or "").endswith("objects, 100 %")


def packet(content: bytes) -> bytes:
    return b"%04x%s" % (len(content) + 4, content)


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=50), max_size=20), seed=st.randoms(use_true_random=False)
)
def test_a_pack_is_put_together_however_it_comes(pieces: list[bytes], seed: Any) -> None:
    answer = (
        packet(b"NAK\n")
        + b"".join(packet(b"\x01" + piece) + packet(b"\x02working\r") for piece in pieces)
        + b"0000"
    )
    sideband, said = Sideband(), list[Said]()
    while answer:
        cut = seed.randint(1, 20)
        said += sideband.take(answer[:cut])
        answer = answer[cut:]
    assert b"".join(each.pack for each in said) == b"".join(pieces)
    assert [each.progress for each in said if each.progress] == ["working\r"] * len(pieces)
    assert sideband.is_whole


@given(st.binary(max_size=200))
def test_noise_is_refused_or_waits_for_more(noise: bytes) -> None:
    sideband = Sideband()
    try:
        list(sideband.take(noise))
    except ValueError:
        return
    assert not sideband.is_whole


async def test_a_silent_server_is_left_after_its_timeout(tmp_path: Path) -> None:
    mirrors = Mirrors(tmp_path / "data")
    async with badserver.answering(badserver.silence) as bad, asyncio.timeout(SECONDS):
        with pytest.raises(SourceError) as raised:
            await mirrors.fetch(Remote(url=bad.url), MAIN, "a" * 40, 0.5)
    assert raised.value.reason is Reason.GIT_TIMEOUT
