"""A fetch may take its time as long as something arrives, and what has arrived is not asked for again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from towline.api.gitrepository import Ref, RefKind
from towline.errors import Reason, SourceError
from towline.source import disk, refs, transport
from towline.source.access import Remote
from towline.source.mirror import Mirrors
from towline.source.transport import Hearing

from e2e.harness.gitrepo import Repo
from tests.source.passes import SECONDS

COMMITS = 30
SIZE = 60_000


class CutError(Exception):
    """The proxy drops a connection."""


@asynccontextmanager
async def through(url: str, passed: Callable[[int], float]) -> AsyncIterator[str]:
    """Lead to a server by a proxy; `passed` gets the bytes of one answer so far, and returns how long to wait."""
    parts = urlsplit(url)

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool) -> None:
        total = 0
        while chunk := await reader.read(16_384):
            total += len(chunk)
            if slow:
                await asyncio.sleep(passed(total))
            writer.write(chunk)
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        above, below = await asyncio.open_connection(parts.hostname, parts.port)
        ways = [
            asyncio.create_task(pipe(reader, below, slow=False)),
            asyncio.create_task(pipe(above, writer, slow=True)),
        ]
        with suppress(CutError, ConnectionError):
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        writer.close()
        below.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{parts.path}"
    finally:
        server.close()


def grown(repo: Repo, commits: int = COMMITS) -> str:
    """Commit one file again and again, each time with content that does not compress."""
    chance = random.Random(7)  # noqa: S311  content, no secret
    sha = ""
    for _ in range(commits):
        sha = repo.commit({"a.yaml": "a: " + chance.randbytes(SIZE // 2).hex()})
    return sha


async def fetch(mirrors: Mirrors, remote: Remote, seconds: float) -> str:
    name, sha = refs.resolve(Ref(kind=RefKind.HEAD), await mirrors.look(remote, SECONDS))
    await mirrors.fetch(remote, name, sha, seconds)
    return sha


async def test_a_fetch_that_takes_longer_than_its_timeout_succeeds_while_something_arrives(
    mirrors: Mirrors, repo: Repo
) -> None:
    sha = grown(repo)
    async with through(repo.url, lambda _total: 0.05) as url:
        started = asyncio.get_running_loop().time()
        assert await fetch(mirrors, Remote(url=url), 1.5) == sha
        assert asyncio.get_running_loop().time() - started > 1.5
    assert (await mirrors.history(Remote(url=url), "", sha)).total > 0


async def test_a_fetch_that_falls_silent_ends_with_its_timeout_and_says_how_far_it_came(
    mirrors: Mirrors, repo: Repo
) -> None:
    grown(repo)
    async with through(repo.url, lambda total: 60.0 if total > SIZE * COMMITS // 4 else 0.0) as url:
        with pytest.raises(SourceError) as raised:
            await fetch(mirrors, Remote(url=url), 1.5)
    assert raised.value.reason is Reason.GIT_TIMEOUT
    assert "not finished within 1.5 s (spec.timeout)" in raised.value.message


async def test_what_arrives_for_ever_ends_with_ten_times_the_timeout() -> None:
    heard = Hearing()

    async def noise() -> None:
        while True:
            heard.hear("Receiving objects:  42% (42/100)")
            await asyncio.sleep(0.01)

    making = asyncio.create_task(noise())
    with pytest.raises(SourceError) as raised:
        async with transport.patience(Remote(url="https://git.example/app"), 0.3, heard):
            await asyncio.Event().wait()
    making.cancel()
    assert "3 s (10 times spec.timeout); it had come to receiving objects, 42 %" in raised.value.message


def test_a_fetch_has_nothing_to_tell_before_its_turn_nor_until_something_is_heard() -> None:
    heard = Hearing()
    told = []
    for said in (transport.IN_LINE, ""):
        heard.hear(said)
        told.append((heard.is_in_line, heard.progress))
    assert told == [(True, ""), (False, "")]


async def test_a_connection_that_breaks_each_time_brings_more_of_the_history_each_time(
    mirrors: Mirrors, repo: Repo, tmp_path: Path
) -> None:
    sha = grown(repo)
    most = SIZE * COMMITS // 2

    def cut(total: int) -> float:
        if total > most:
            raise CutError
        return 0.0

    tries = 0
    async with through(repo.url, cut) as url:
        remote = Remote(url=url)
        while tries < 10:
            tries += 1
            with suppress(SourceError):
                await fetch(mirrors, remote, SECONDS)
                break
    assert 1 < tries < 10
    (folder,) = (path for path in (tmp_path / "data" / "mirrors").iterdir() if path.is_dir())
    assert not disk.is_partial(folder)
    assert not disk.shallow(folder)
    assert await mirrors.has(remote, sha)


async def test_a_history_that_is_not_whole_is_gone_on_with_after_a_restart(
    mirrors: Mirrors, repo: Repo, tmp_path: Path
) -> None:
    sha = grown(repo, commits=3)
    remote = Remote(url=repo.url)
    assert await fetch(mirrors, remote, SECONDS) == sha
    (folder,) = (path for path in (tmp_path / "data" / "mirrors").iterdir() if path.is_dir())
    await asyncio.to_thread(_shorten, folder, repo)

    again = Mirrors(tmp_path / "data")
    assert await again.has(remote, sha)
    await fetch(again, remote, SECONDS)
    await again.aclose()

    assert not disk.shallow(folder)
    assert not disk.is_partial(folder)


def _shorten(folder: Path, repo: Repo) -> None:
    """Leave a mirror as a first fetch leaves it that was cut short after its first step."""
    disk.discard(folder)
    disk.prepare(folder, 40)
    kept = next(iter(repo.git("for-each-ref", "--format=%(refname)").split()))
    bare = Repo(path=folder, url="", clock=repo.clock)
    bare.git("fetch", "--quiet", "--depth=1", f"file://{repo.path}", f"+{kept}:refs/towline/x")
    disk.begin(folder)
