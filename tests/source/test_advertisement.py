"""A look at an HTTP server that is well costs no process; whatever is out of the ordinary, git is asked about."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path
from random import Random
from subprocess import Popen
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.api.gitrepository import Ref, RefKind
from towline.errors import Reason, SourceError
from towline.shares.pools import Pools
from towline.source import advertisement, refs
from towline.source.access import Remote
from towline.source.advertisement import Advertisements
from towline.source.dns import Names
from towline.source.mirror import Mirrors
from towline.source.smart.exchange import Exchanges
from towline.source.transport import Transport

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from tests.source import badserver
from tests.source.badserver import Answer

KIND = "application/x-git-upload-pack-advertisement"
LIMIT = 100_000
A, B = "a" * 40, "b" * 40


def no_process(*_: Any) -> Popen[bytes]:
    raise AssertionError("a git process was started")


@pytest.fixture
def looker(tmp_path: Path) -> Advertisements:
    """Reads advertisements, and fails the test where that starts a process."""
    return Advertisements(Transport(tmp_path, no_process, None, Pools.here()), Exchanges())


def ls_remote(url: str, *patterns: str) -> bytes:
    command = ["git", "ls-remote", "--symref", url, *patterns]
    return subprocess.run(command, check=True, capture_output=True).stdout


def packet(line: str) -> bytes:
    return f"{len(line.encode()) + 4:04x}{line}".encode()


def answer(*lines: str) -> bytes:
    return b"".join((packet("# service=git-upload-pack\n"), b"0000", *map(packet, lines), b"0000"))


async def test_what_is_read_is_what_git_reads(looker: Advertisements, repo: Repo, server: GitServer) -> None:
    repo.commit({"a.yaml": "a"})
    repo.branch("release/1.0")
    repo.tag("v1.0.0", message="annotated")
    repo.tag("v1.0.1")
    repo.commit({"a.yaml": "b"})
    for head in ("main", "release/1.0"):
        repo.git("symbolic-ref", "HEAD", f"refs/heads/{head}")
        listing = await asyncio.to_thread(ls_remote, repo.url)
        found = await looker.read(Remote(url=repo.url), LIMIT)
        assert found == refs.listed(listing)
        assert found is not None
        assert found.head == f"refs/heads/{head}"
    asked = server.requests(repo.path.stem)
    assert sum(request.method == "GET" for request in asked) == 4, "one request a look, of ours and of git's"


async def test_an_address_of_the_host_that_leads_nowhere_does_not_matter(repo: Repo, tmp_path: Path) -> None:
    sha = repo.commit({"a.yaml": "a"})
    names = Names(lambda host, _: ("127.0.0.2", "127.0.0.1") if host == "git.example.com" else ())
    looker = Advertisements(Transport(tmp_path, no_process, None, Pools.here()), Exchanges(names))
    found = await looker.read(Remote(url=repo.url.replace("127.0.0.1", "git.example.com")), LIMIT)
    assert found is not None
    assert found.names["refs/heads/main"] == sha


async def test_a_head_that_names_no_branch_and_an_empty_repository_are_told(
    looker: Advertisements, repo: Repo
) -> None:
    assert await looker.read(Remote(url=repo.url), LIMIT) == refs.Refs(names={})
    sha = repo.commit({"a.yaml": "a"})
    repo.git("update-ref", "--no-deref", "HEAD", sha)
    found = await looker.read(Remote(url=repo.url), LIMIT)
    assert found == refs.Refs(names={"HEAD": sha, "refs/heads/main": sha})


@pytest.mark.parametrize(
    "bad",
    [
        badserver.says("200 OK", answer(f"{A} refs/heads/main\0x"), "text/plain"),
        badserver.says("200 OK", answer(f"{A} refs/heads/main\0x"), KIND, "Content-Encoding: gzip"),
        badserver.says("206 Partial Content", answer(f"{A} refs/heads/main\0x"), KIND),
        badserver.says("302 Found", b"", KIND, "Location: http://127.0.0.1:1/"),
        badserver.says("404 Not Found", b"", KIND),
        badserver.says("200 OK", b"", KIND),
        badserver.says("200 OK", b"0000", KIND),
        badserver.says("200 OK", b"zzzz", KIND),
        badserver.says("200 OK", b"0x1f" + b"x" * 27, KIND),
        badserver.says("200 OK", answer(f"{A} refs/heads/main\0x")[:-4], KIND),
        badserver.says("200 OK", answer(f"{A} refs/heads/main\0x")[:-1], KIND),
        badserver.says("200 OK", answer(f"{A} refs/heads/main\0x") + b"0000", KIND),
        badserver.says("200 OK", answer("ERR go away"), KIND),
        badserver.says("200 OK", answer("version 2\n", "ls-refs\n"), KIND),
    ],
)
async def test_nothing_is_made_of_any_other_answer(looker: Advertisements, bad: Answer) -> None:
    async with badserver.answering(bad) as serving:
        assert await looker.read(Remote(url=serving.url), LIMIT) is None
        assert serving.connections == 1


async def test_a_server_that_cannot_be_reached_or_trusted_is_left_to_git(looker: Advertisements) -> None:
    async with badserver.answering(badserver.silence) as gone:
        pass
    assert await looker.read(Remote(url=gone.url), LIMIT) is None
    assert await looker.read(Remote(url=gone.url.replace("http:", "https:")), LIMIT) is None
    assert await looker.read(Remote(url="https://no-such-host.invalid/a"), LIMIT) is None


@pytest.mark.parametrize("slow", [badserver.silence, badserver.trickle])
async def test_a_slow_server_is_left_to_git(
    looker: Advertisements, monkeypatch: pytest.MonkeyPatch, slow: Answer
) -> None:
    monkeypatch.setattr(advertisement, "PATIENCE", 0.3)
    async with badserver.answering(slow) as serving, asyncio.timeout(10):
        assert await looker.read(Remote(url=serving.url), LIMIT) is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("401 Unauthorized", Reason.AUTHENTICATION_FAILED),
        ("403 Forbidden", Reason.AUTHENTICATION_FAILED),
        ("429 Too Many Requests", Reason.GIT_UNAVAILABLE),
        ("500 Internal Server Error", Reason.GIT_UNAVAILABLE),
        ("503 Service Unavailable", Reason.GIT_UNAVAILABLE),
    ],
)
async def test_a_server_that_refuses_us_is_asked_once(mirrors: Mirrors, status: str, reason: Reason) -> None:
    async with badserver.answering(badserver.says(status)) as bad:
        remote = Remote(url=bad.url, username="towline", password="wr0ng-enough")
        with pytest.raises(SourceError, match=status[:3]) as raised:
            await mirrors.look(remote, 10.0)
        assert len(bad.requests) == 1
    assert raised.value.reason == reason
    assert "wr0ng" not in raised.value.message


async def test_a_look_says_who_asks_and_nothing_else(looker: Advertisements) -> None:
    async with badserver.answering(badserver.refs(f"{A} refs/heads/main")) as bad:
        await looker.read(Remote(url=f"{bad.url}/", token="t0ken"), LIMIT)
        line, *headers = bad.requests[0].decode().removesuffix("\r\n\r\n").split("\r\n")
    assert line == "GET /app.git/info/refs?service=git-upload-pack HTTP/1.1"
    assert {header.partition(":")[0] for header in headers} == {
        "Host",
        "User-Agent",
        "Accept",
        "Accept-Encoding",
        "Pragma",
        "Connection",
        "Authorization",
    }
    assert "Authorization: Bearer t0ken" in headers


async def drowning(_request: bytes, writer: asyncio.StreamWriter) -> None:
    """Send one header without an end, as fast as it is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-More: ")
    while True:
        writer.write(b"x" * 2**16)
        await writer.drain()


async def trailing(_request: bytes, writer: asyncio.StreamWriter) -> None:
    """Send a good answer in one chunk, and behind it trailers without an end."""
    good = answer(f"{A} refs/heads/main\0x")
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {KIND}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    writer.write(f"{len(good):x}\r\n".encode() + good + b"\r\n0\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 2**16 + b"\r\n")
        await writer.drain()


async def endless(_request: bytes, writer: asyncio.StreamWriter) -> None:
    """Advertise refs without an end."""
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {KIND}\r\n\r\n".encode())
    writer.write(packet("# service=git-upload-pack\n") + b"0000")
    while True:
        writer.write(packet(f"{A} refs/heads/{'x' * 40}\n") * 1000)
        await writer.drain()


@pytest.mark.parametrize("hostile", [drowning, trailing, endless])
async def test_a_server_that_sends_without_end_is_left_at_once_and_by_git_too(
    looker: Advertisements, hostile: Answer
) -> None:
    async with badserver.answering(hostile) as bad, asyncio.timeout(advertisement.PATIENCE / 2):
        with pytest.raises(SourceError, match="advertises more than 100000 bytes of refs") as raised:
            await looker.read(Remote(url=bad.url), LIMIT)
    assert raised.value.reason == Reason.SOURCE_TOO_LARGE


@asynccontextmanager
async def counting(most: list[int]) -> AsyncIterator[str]:
    """Serve silence; `most` gets how many connections were open whenever one came."""
    now = 0

    async def hold(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        nonlocal now
        now += 1
        most.append(now)
        try:
            await asyncio.sleep(0.05)
        finally:
            now -= 1

    async with badserver.answering(hold) as bad:
        yield bad.url


async def test_one_server_gets_no_more_looks_at_a_time_than_git_processes(looker: Advertisements) -> None:
    most: list[int] = []
    async with counting(most) as url:
        await asyncio.gather(*(looker.read(Remote(url=f"{url}/{number}"), LIMIT) for number in range(30)))
    assert len(most) == 30
    assert max(most) <= 8


async def test_a_silent_resolver_stops_neither_the_loop_nor_other_hosts() -> None:
    over = threading.Event()

    def resolve(host: str, _port: int) -> Iterable[str]:
        if host == "silent.example.com":
            over.wait(30)
        return ("192.0.2.1",)

    names = Names(resolve)
    silent = asyncio.create_task(names.look_up("silent.example.com", 443))
    try:
        async with asyncio.timeout(10):
            assert await names.look_up("git.example.com", 443) == ("192.0.2.1",)
            assert await names.look_up("2001:db8::1", 443) == ("2001:db8::1",)
        assert not silent.done()
    finally:
        over.set()
        await silent


NAME = st.from_regex(r"refs/(heads|tags)/[a-z0-9-]{1,20}", fullmatch=True)


@given(
    names=st.dictionaries(NAME, st.sampled_from([A, B, "c" * 64]), min_size=1, max_size=20),
    head=st.none() | NAME,
)
def test_both_ways_to_ask_tell_the_same(names: dict[str, str], head: str | None) -> None:
    capabilities = f"\0agent=git/2 {f'symref=HEAD:{head} ' if head else ''}side-band"
    first, *others = (f"{sha} {name}" for name, sha in names.items())
    advertised = refs.advertised(answer(f"{first}{capabilities}\n", *(f"{line}\n" for line in others)))
    lines = [*([f"ref: {head}\tHEAD"] if head else []), *(f"{sha}\t{name}" for name, sha in names.items())]
    assert advertised == refs.listed("\n".join(lines).encode())


FOLLOWED = st.one_of(
    st.just(Ref(kind=RefKind.HEAD)),
    st.builds(Ref, kind=st.just(RefKind.BRANCH), value=st.sampled_from(["main", "b-7", "gone"])),
    st.builds(Ref, kind=st.just(RefKind.TAG), value=st.sampled_from(["v1.0.0", "v1.2.7", "gone"])),
    st.builds(Ref, kind=st.just(RefKind.NAME), value=st.sampled_from(["refs/heads/b-8", "refs/gone"])),
    st.builds(Ref, kind=st.just(RefKind.SEMVER), value=st.sampled_from(["1.x", ">=1.1 <1.2", "*", ">=9"])),
    st.just(Ref(kind=RefKind.COMMIT, value=A)),
)


@given(
    wanted=st.frozensets(FOLLOWED, min_size=1),
    tags=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.booleans()), max_size=12, unique=True),
    shuffled=st.randoms(use_true_random=False),
)
def test_what_is_kept_of_many_refs_leads_where_all_of_them_lead(
    wanted: frozenset[Ref], tags: list[tuple[int, int, bool]], shuffled: Random
) -> None:
    entries = [[f"{number:040x} refs/heads/b-{number}\n"] for number in range(1, 250)]
    entries += [
        [
            f"{n + 1:040x} refs/tags/v1.{a}.{b}\n",
            *([f"{n + 500:040x} refs/tags/v1.{a}.{b}^{{}}\n"] if two else []),
        ]
        for n, (a, b, two) in enumerate(tags)
    ]
    shuffled.shuffle(entries)
    lines = [f"{B} HEAD\0symref=HEAD:refs/heads/main\n", f"{B} refs/heads/main\n", *chain(*entries)]
    everything, kept = refs.advertised(answer(*lines)), refs.advertised(answer(*lines), wanted)
    assert kept.covers(wanted)
    assert len(kept.names) <= len(wanted) + 2
    for ref in wanted:
        assert led(ref, kept) == led(ref, everything)


def led(ref: Ref, offered: refs.Refs) -> tuple[str, str] | str:
    try:
        return refs.resolve(ref, offered)
    except SourceError as error:
        return error.message


def test_what_git_is_asked_for_leads_where_all_refs_lead(repo: Repo) -> None:
    repo.commit({"a.yaml": "a"})
    repo.tag("v1.0.0", message="annotated")
    repo.branch("other")
    for ref in (
        Ref(kind=RefKind.HEAD),
        Ref(kind=RefKind.BRANCH, value="other"),
        Ref(kind=RefKind.TAG, value="v1.0.0"),
        Ref(kind=RefKind.NAME, value="refs/heads/main"),
        Ref(kind=RefKind.SEMVER, value="1.x"),
    ):
        asked = refs.listed(ls_remote(repo.url, *refs.patterns([ref])), frozenset({ref}))
        assert led(ref, asked) == led(ref, refs.listed(ls_remote(repo.url)))
        assert len(asked.names) <= 2


async def test_an_answer_that_did_not_change_is_not_read_again(mirrors: Mirrors, repo: Repo) -> None:
    sha = repo.commit({"a.yaml": "a"})
    repo.git("update-ref", "--stdin", stdin="".join(f"create refs/tags/v1.0.{n} {sha}\n" for n in range(300)))
    remote, ref = Remote(url=repo.url), Ref(kind=RefKind.SEMVER, value="1.x")
    first = await mirrors.look(remote, 20.0, ref=ref)
    assert await mirrors.look(remote, 20.0, ref=ref) is first
    assert first.names.keys() == {"HEAD", "refs/heads/main", "refs/tags/v1.0.299"}
    repo.tag("v1.1.0")
    assert refs.resolve(ref, await mirrors.look(remote, 20.0, ref=ref)) == ("refs/tags/v1.1.0", sha)


async def test_specs_that_follow_different_refs_of_many_share_a_look(
    mirrors: Mirrors, repo: Repo, server: GitServer
) -> None:
    sha = repo.commit({"a.yaml": "a"})
    repo.git("update-ref", "--stdin", stdin="".join(f"create refs/heads/b-{n} {sha}\n" for n in range(300)))
    remote = Remote(url=repo.url)
    followed = [Ref(kind=RefKind.BRANCH, value=f"b-{number}") for number in range(20)]
    for _ in range(2):
        seen = await asyncio.gather(*(mirrors.look(remote, 20.0, ref=ref) for ref in followed))
        assert [refs.resolve(*pair)[1] for pair in zip(followed, seen, strict=True)] == [sha] * 20
    assert len(server.requests(repo.path.stem)) <= 3


@given(st.binary(max_size=200))
def test_bytes_that_are_no_advertisement_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"pkt-line|advertises|unpack"):
        refs.advertised(content)
