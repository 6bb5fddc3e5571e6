"""What a server may do to us, and what is said about it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from towline.errors import Reason, SourceError
from towline.source import lookup
from towline.source.access import Remote
from towline.source.mirror import Mirrors
from towline.source.selection import SourceLimits

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import Fault, GitServer
from tests.source import badserver, processes
from tests.source.badserver import Answer
from tests.source.waiting import until

MAIN = "refs/heads/main"
SECONDS = 20.0


async def refused(mirrors: Mirrors, remote: Remote, seconds: float = SECONDS) -> SourceError:
    with pytest.raises(SourceError) as raised:
        await mirrors.look(remote, seconds)
    assert raised.value.message.isprintable()
    assert remote.url in raised.value.message
    assert len(raised.value.message.encode()) <= 1024
    return raised.value


async def vanished(mentioning: str) -> None:
    """Wait until no process mentions a text; what was killed may need a moment to be gone."""
    await until(lambda: not processes.shown(mentioning=mentioning), 2.0)


@pytest.mark.parametrize("answer", [badserver.silence, badserver.trickle])
async def test_a_server_without_an_answer_is_left_in_time_and_no_process_stays(
    mirrors: Mirrors, answer: Answer
) -> None:
    async with badserver.answering(answer) as bad:
        begun = time.monotonic()
        error = await refused(mirrors, Remote(url=bad.url), 1.0)
        assert error.reason == Reason.GIT_TIMEOUT
        assert "1 s" in error.message
        assert time.monotonic() - begun < 3.0
        await vanished(bad.url)


async def test_a_fetch_that_hangs_is_left_in_time_and_the_mirror_works_on(
    mirrors: Mirrors, repo: Repo, server: GitServer
) -> None:
    first = repo.commit({"a.yaml": "a"})
    remote = Remote(url=repo.url)
    await mirrors.fetch(remote, MAIN, first, SECONDS)
    second = repo.commit({"a.yaml": "b"})
    with server.failing(repo.path.stem, Fault.HANG):
        with pytest.raises(SourceError) as raised:
            await mirrors.fetch(remote, MAIN, second, 1.0)
        assert raised.value.reason == Reason.GIT_TIMEOUT
        await vanished(repo.url)
        assert (await mirrors.revision(remote, first)).sha == first
    await mirrors.fetch(remote, MAIN, second, SECONDS)


async def test_what_is_there_after_a_restart_is_found_while_the_fetch_of_another_hangs(
    mirrors: Mirrors, repo: Repo, server: GitServer, tmp_path: Path
) -> None:
    first = repo.commit({"a.yaml": "a"})
    remote = Remote(url=repo.url)
    await mirrors.fetch(remote, MAIN, first, SECONDS)
    second = repo.commit({"a.yaml": "b"})
    restarted = Mirrors(tmp_path / "data")
    with server.failing(repo.path.stem, Fault.HANG):
        fetching = asyncio.create_task(restarted.fetch(remote, MAIN, second, SECONDS))
        await until(lambda: processes.shown(mentioning=repo.url))
        async with asyncio.timeout(SECONDS / 2):
            assert await restarted.has(remote, first)
        assert not fetching.done()
        fetching.cancel()
        await asyncio.wait({fetching})


async def test_who_has_fetched_does_not_wait_for_another_who_fetches_from_the_same_remote(
    mirrors: Mirrors, repo: Repo
) -> None:
    first = repo.commit({"a.yaml": "a"})
    repo.branch("other")
    second = repo.commit({"a.yaml": "b"}, branch="other")
    remote = Remote(url=repo.url)
    mine = asyncio.create_task(mirrors.fetch(remote, MAIN, first, SECONDS))
    others = asyncio.create_task(mirrors.fetch(remote, "refs/heads/other", second, SECONDS))
    await mine
    others.cancel()
    await asyncio.wait({others})
    assert await mirrors.has(remote, first)
    assert not await mirrors.has(remote, second)


async def test_a_branch_that_one_of_many_servers_does_not_have_yet_is_tried_again_soon(
    mirrors: Mirrors,
) -> None:
    """Behind one address, the server that is asked for the commit may be older than the one that named it."""
    sha = "1" * 40

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        if request.startswith(b"GET"):
            await badserver.refs(f"{sha} {MAIN}\0shallow")(request, writer)
        else:
            said = f"ERR upload-pack: not our ref {sha}"
            body = f"{len(said) + 4:04x}{said}".encode()
            await badserver.says("200 OK", body, "application/x-git-upload-pack-result")(request, writer)

    async with badserver.answering(answer) as bad:
        with pytest.raises(SourceError, match="moved while it was fetched") as raised:
            await mirrors.fetch(Remote(url=bad.url), MAIN, sha, SECONDS)
    assert raised.value.reason == Reason.GIT_UNAVAILABLE


async def test_a_cancelled_fetch_leaves_no_process(mirrors: Mirrors, repo: Repo, server: GitServer) -> None:
    sha = repo.commit({"a.yaml": "a"})
    with server.failing(repo.path.stem, Fault.HANG):
        fetching = asyncio.create_task(mirrors.fetch(Remote(url=repo.url), "refs/tags/v1", sha, SECONDS))
        await until(lambda: processes.shown(mentioning=repo.url))
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        await vanished(repo.url)


async def test_closing_ends_every_look(tmp_path: Path) -> None:
    mirrors = Mirrors(tmp_path)
    async with badserver.answering(badserver.silence) as bad:
        looking = asyncio.create_task(mirrors.look(Remote(url=bad.url), SECONDS))
        await until(lambda: bad.connections)
        await mirrors.aclose()
        with pytest.raises(asyncio.CancelledError):
            await looking
        await vanished(bad.url)


async def test_one_who_gives_up_does_not_end_the_look_of_another(mirrors: Mirrors, repo: Repo) -> None:
    sha = repo.commit({"a.yaml": "a"})
    first = asyncio.create_task(mirrors.look(Remote(url=repo.url), SECONDS))
    second = asyncio.create_task(mirrors.look(Remote(url=repo.url), SECONDS))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).names[MAIN] == sha


async def test_one_who_waits_longer_is_not_ended_by_one_who_waits_less(
    mirrors: Mirrors, repo: Repo, server: GitServer
) -> None:
    sha = repo.commit({"a.yaml": "a"})
    remote = Remote(url=repo.url)
    server.fault(repo.path.stem, Fault.HANG)
    hasty = asyncio.create_task(mirrors.look(remote, 0.5))
    patient = asyncio.create_task(mirrors.look(remote, SECONDS))
    with pytest.raises(SourceError, match=r"0\.5 s"):
        await hasty
    assert not patient.done()
    server.fault(repo.path.stem, Fault.NONE)  # what hangs is dropped now, and asked once more
    assert (await patient).names[MAIN] == sha


async def test_who_asks_anew_is_not_given_the_answer_to_an_older_question(
    mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow server answers with the refs of before the push that somebody tells us of."""
    monkeypatch.setattr(lookup, "TOGETHER", 0.0)
    pushed, old, new = asyncio.Event(), "1" * 40, "2" * 40
    shas = [new, old]

    async def slow(request: bytes, writer: asyncio.StreamWriter) -> None:
        sha = shas.pop() if len(shas) > 1 else new
        await pushed.wait()
        await badserver.refs(f"{sha} {MAIN}")(request, writer)

    async with badserver.answering(slow) as bad:
        remote = Remote(url=bad.url)
        before = asyncio.create_task(mirrors.look(remote, SECONDS))
        await until(lambda: bad.requests)
        anew = [asyncio.create_task(mirrors.look(remote, SECONDS)) for _ in range(3)]
        content = asyncio.create_task(mirrors.look(remote, SECONDS, age=SECONDS))
        await asyncio.sleep(0)
        pushed.set()
        assert (await before).names == (await content).names == {MAIN: old}
        assert [(await one).names for one in anew] == [{MAIN: new}] * 3
        assert len(bad.requests) == 2


async def test_the_last_who_gives_up_ends_the_look(mirrors: Mirrors) -> None:
    async with badserver.answering(badserver.silence) as bad:
        waiting = [asyncio.create_task(mirrors.look(Remote(url=bad.url), SECONDS)) for _ in range(3)]
        await until(lambda: bad.connections)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await vanished(bad.url)


async def test_silent_servers_delay_nobody_else(mirrors: Mirrors, repo: Repo) -> None:
    sha = repo.commit({"a.yaml": "a"})
    async with badserver.answering(badserver.silence) as one, badserver.answering(badserver.silence) as other:
        hanging = [
            asyncio.create_task(mirrors.look(Remote(url=f"{bad.url}/{number}"), 30.0))
            for bad in (one, other)
            for number in range(25)
        ]
        await until(lambda: one.connections >= 5 and other.connections >= 5)
        begun = time.monotonic()
        assert (await mirrors.look(Remote(url=repo.url), 10.0)).names[MAIN] == sha
        await mirrors.fetch(Remote(url=repo.url), MAIN, sha, 10.0)
        assert time.monotonic() - begun < 5.0
        for task in hanging:
            task.cancel()
        await mirrors.aclose()
        await asyncio.gather(*hanging, return_exceptions=True)
        await vanished(one.url)
        await vanished(other.url)


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (badserver.says("500 Oops"), Reason.GIT_UNAVAILABLE, "error: 500"),
        (
            badserver.says("503 Busy", b"x", "text/plain", "Retry-After: 9"),
            Reason.GIT_UNAVAILABLE,
            "error: 503",
        ),
        (badserver.says("429 Slow down"), Reason.GIT_UNAVAILABLE, "limits the rate"),
        (badserver.says("200 OK", b"<html>\nPlease log in</html>\n"), Reason.GIT_UNAVAILABLE, "not valid"),
        (
            badserver.says("200 OK", b"<html>Please log in</html>"),
            Reason.GIT_UNAVAILABLE,
            "not that of a Git server",
        ),
        (badserver.says("200 OK", b"", "text/plain"), Reason.GIT_UNAVAILABLE, "not that of a Git server"),
        (
            badserver.says("200 OK", b"\xff\x00garbage" * 99, "application/x-git-upload-pack-advertisement"),
            Reason.GIT_UNAVAILABLE,
            "",
        ),
        (
            badserver.says("301 Moved", b"", "text/html", "Location: http://127.0.0.1:1/x"),
            Reason.GIT_UNAVAILABLE,
            ".git",
        ),
        (
            badserver.says("302 Found", b"", "text/html", "Location: file:///etc"),
            Reason.GIT_UNAVAILABLE,
            "redirects",
        ),
        (badserver.says("404 Not Found"), Reason.AUTHENTICATION_FAILED, "not found or no access"),
        (badserver.says("403 Forbidden"), Reason.AUTHENTICATION_FAILED, "secretRef"),
        (
            badserver.says("401 Who", b"", "text/html", 'WWW-Authenticate: Basic realm="x"'),
            Reason.AUTHENTICATION_FAILED,
            "secretRef",
        ),
    ],
)
async def test_a_bad_answer_has_a_reason_and_says_who_can_mend_it(
    mirrors: Mirrors, answer: Answer, reason: Reason, words: str
) -> None:
    async with badserver.answering(answer) as bad:
        error = await refused(mirrors, Remote(url=bad.url))
    assert error.reason == reason
    assert words in error.message


async def test_a_redirect_is_not_followed(mirrors: Mirrors) -> None:
    async with badserver.answering(badserver.silence) as target:
        location = f"Location: {target.url}/info/refs?service=git-upload-pack"
        moved = badserver.says("301 Moved", b"", "text/html", location)
        async with badserver.answering(moved) as bad:
            await refused(mirrors, Remote(url=bad.url, token="s3cr3t"))
        assert target.connections == 0


async def test_a_wrong_password_is_tried_once(mirrors: Mirrors) -> None:
    answer = badserver.says("401 Who", b"", "text/html", 'WWW-Authenticate: Basic realm="x"')
    async with badserver.answering(answer) as bad:
        error = await refused(mirrors, Remote(url=bad.url, username="ann", password="s3cr3t"))
        assert (error.reason, bad.connections) == (Reason.AUTHENTICATION_FAILED, 1)


@pytest.mark.parametrize(
    ("url", "words"),
    [("http://127.0.0.1:1/app.git", "connect"), ("http://nowhere.invalid/app.git", "resolve host")],
)
async def test_a_server_that_is_not_there_is_unavailable(mirrors: Mirrors, url: str, words: str) -> None:
    error = await refused(mirrors, Remote(url=url))
    assert error.reason == Reason.GIT_UNAVAILABLE
    assert words in error.message


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.DOWN, Fault.CUT])
async def test_a_failing_server_leaves_what_was_fetched_as_it_is(
    mirrors: Mirrors, repo: Repo, server: GitServer, tmp_path: Path, fault: Fault
) -> None:
    first = repo.commit({"a.yaml": "a"})
    remote = Remote(url=repo.url)
    await mirrors.fetch(remote, MAIN, first, SECONDS)
    second = repo.commit({"b.yaml": "b" * 10_000})
    with server.failing(repo.path.stem, fault):
        with pytest.raises(SourceError) as raised:
            await mirrors.fetch(remote, MAIN, second, SECONDS)
        assert raised.value.reason == Reason.GIT_UNAVAILABLE
        assert (await mirrors.revision(remote, first)).sha == first
    assert not leftovers(tmp_path)
    await mirrors.fetch(remote, MAIN, second, SECONDS)
    assert (await mirrors.revision(remote, second)).sha == second


def leftovers(folder: Path) -> Sequence[Path]:
    return [*folder.rglob("*.lock"), *folder.rglob("tmp_*")]


def packed(folder: Path) -> list[str]:
    """Return the name of every pack, finished or not, and of its index."""
    return sorted(path.name for path in folder.rglob("*pack*"))


@pytest.mark.parametrize(
    ("fault", "share"),
    [
        *((Fault.PACK_CUT, each / 10) for each in range(10)),
        *((Fault.PACK_CHANGED, share) for share in (0, 0.01, 0.5, 0.99)),  # the last bytes are progress
    ],
)
async def test_a_pack_that_is_cut_or_changed_anywhere_costs_nothing_but_a_retry(
    mirrors: Mirrors, repo: Repo, server: GitServer, tmp_path: Path, fault: Fault, share: float
) -> None:
    first = repo.commit({"a.yaml": "a"})
    remote = Remote(url=repo.url)
    await mirrors.fetch(remote, MAIN, first, SECONDS)
    before = packed(tmp_path)
    noise = random.Random(7).randbytes(50_000)  # noqa: S311  no secret
    second = repo.commit({"b.bin": noise})
    with server.failing(repo.path.stem, fault, share):
        with pytest.raises(SourceError) as raised:
            await mirrors.fetch(remote, MAIN, second, SECONDS)
        assert raised.value.reason == Reason.GIT_UNAVAILABLE
        assert (await mirrors.revision(remote, first)).sha == first
        assert packed(tmp_path) == before
    await mirrors.fetch(remote, MAIN, second, SECONDS)
    assert (await mirrors.revision(remote, second)).sha == second


async def test_a_flood_of_refs_is_cut_off(tmp_path: Path) -> None:
    mirrors = Mirrors(tmp_path, SourceLimits(refs=100))
    lines = (f"{'a' * 40} refs/heads/{number:060}" for number in range(50_000))
    async with badserver.answering(badserver.refs(*lines)) as bad:
        error = await refused(mirrors, Remote(url=bad.url))
        assert error.reason == Reason.SOURCE_TOO_LARGE
        await vanished(bad.url)


async def test_a_flood_of_objects_is_cut_off_and_the_disk_given_back(repo: Repo, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(10_000_000)  # noqa: S311  what cannot be compressed
    sha = repo.commit({"big.bin": noise})
    mirrors = Mirrors(tmp_path, SourceLimits(mirror_bytes=1_000_000))
    with pytest.raises(SourceError) as raised:
        await mirrors.fetch(Remote(url=repo.url), MAIN, sha, SECONDS)
    assert raised.value.reason == Reason.SOURCE_TOO_LARGE
    assert size(tmp_path) < 1_000_000


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def test_a_server_echoing_the_credential_is_not_repeated(mirrors: Mirrors) -> None:
    async def echo(request: bytes, writer: asyncio.StreamWriter) -> None:
        packet = (
            "ERR you sent s3cr3t and YW5uOnMzY3IzdCU= \x1b[31mred\x1b[0m\r\nfatal: repository 'x' not found\n"
        )
        body = f"001e# service=git-upload-pack\n0000{len(packet) + 4:04x}{packet}".encode()
        await badserver.says("200 OK", body, "application/x-git-upload-pack-advertisement")(request, writer)

    async with badserver.answering(echo) as bad:
        error = await refused(mirrors, Remote(url=bad.url, username="ann", password="s3cr3t"))
        other = await refused(mirrors, Remote(url=bad.url, username="ann", password="s3cr3t%"))
    assert "s3cr3t" not in error.message
    assert "YW5uOnMzY3IzdCU" not in other.message
    assert error.reason == Reason.GIT_UNAVAILABLE


async def test_a_server_of_plain_files_is_refused_because_nobody_checks_its_objects(
    mirrors: Mirrors, repo: Repo, tmp_path: Path
) -> None:
    sha = repo.commit({"a.yaml": "a"})
    repo.git("update-server-info")
    async with badserver.files(repo.path) as bad:
        remote = Remote(url=bad.url)
        assert (await mirrors.look(remote, SECONDS)).names[MAIN] == sha
        with pytest.raises(SourceError, match="smart protocol") as raised:
            await mirrors.fetch(remote, MAIN, sha, SECONDS)
    assert raised.value.reason == Reason.GIT_UNAVAILABLE
    assert size(tmp_path) < 1000
