"""TLS of the connections: against real servers, on both event loops, and whatever the other side does."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trustme
import uvloop
from towline.http.connection import BrokenError, Connection
from towline.http.dialing import connect, secured

AUTHORITY = trustme.CA()
LARGE = bytes(range(256)) * 4096 * 3
"""Three mebibytes: many records."""

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
Run = Callable[[Coroutine[Any, Any, None]], None]


def server_side(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    return context


def client_side() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@asynccontextmanager
async def serving(talk: Talk, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0, ssl=context, limit=2**24)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def connected(port: int) -> Connection:
    return await connect("127.0.0.1", port, client_side(), "127.0.0.1")


async def echoing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request with its own body."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
        body = await reader.readexactly(size)
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + body)
        await writer.drain()


def asking(body: bytes) -> bytes:
    return f"PUT / HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@LOOPS
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_small_and_large_bodies_travel_both_ways(run: Run, version: ssl.TLSVersion) -> None:
    async def story() -> None:
        async with serving(echoing, server_side(version)) as port, asyncio.timeout(30):
            connection = await connected(port)
            for body in (b"a", b"", LARGE, b"x" * 16384, b"b"):
                reply = await connection.exchange(asking(body), 20.0)
                assert (reply.status, reply.content) == (200, body)
            assert connection.reusable
            connection.abort()

    run(story())


@LOOPS
def test_a_stream_that_nobody_reads_lets_the_server_wait(run: Run) -> None:
    sent = 0

    async def flooding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(LARGE) * 20}\r\n\r\n".encode())
        for _ in range(20):
            writer.write(LARGE)
            await writer.drain()
            sent += 1

    async def story() -> None:
        async with serving(flooding, server_side()) as port, asyncio.timeout(60):
            connection = await connected(port)
            await connection.open(asking(b""))
            before = -1
            while sent != before:
                before = sent
                await asyncio.sleep(0.2)  # the server stops when buffers are full: no event tells of that
            assert sent < 20
            size = 0
            async for chunk in connection.chunks():
                size += len(chunk)
            assert size == len(LARGE) * 20
            connection.abort()

    run(story())


@LOOPS
def test_a_connection_that_ends_in_an_answer_is_told_and_not_used_again(run: Run) -> None:
    async def ending(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    async def story() -> None:
        async with serving(ending, server_side()) as port, asyncio.timeout(30):
            connection = await connected(port)
            with pytest.raises(BrokenError):
                await connection.exchange(asking(b""), 20.0)
            assert not connection.reusable
            with pytest.raises(BrokenError):
                await connection.exchange(asking(b""), 20.0)

    run(story())


@LOOPS
def test_an_answer_that_does_not_come_in_time_ends_its_connection(run: Run) -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(2**16)
        await reader.read(1)

    async def story() -> None:
        async with serving(silent, server_side()) as port, asyncio.timeout(30):
            connection = await connected(port)
            with pytest.raises(BrokenError, match="in time"):
                await connection.exchange(asking(b""), 0.2)
            assert not connection.reusable

    run(story())


@LOOPS
def test_records_that_were_forged_end_the_connection(run: Run) -> None:
    """A proxy without the keys stands between, and spoils what it passes on after the handshake."""

    async def story() -> None:
        async with serving(echoing, server_side()) as behind:

            async def spoiling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                there, back = await asyncio.open_connection("127.0.0.1", behind)

                async def forward() -> None:
                    while data := await reader.read(2**16):
                        back.write(data)

                passing = asyncio.create_task(forward())
                try:
                    while data := await there.read(2**16):
                        writer.write(data if spoil == 0 else data[:-1] + bytes([data[-1] ^ spoil]))
                finally:
                    passing.cancel()
                    back.close()

            async with serving(spoiling) as port, asyncio.timeout(30):
                spoil = 0
                connection = await connected(port)
                assert (await connection.exchange(asking(b"a"), 20.0)).content == b"a"
                spoil = 1
                with pytest.raises(BrokenError):
                    await connection.exchange(asking(b"b"), 20.0)
                assert not connection.reusable

    run(story())


@LOOPS
def test_who_is_not_trusted_gets_nothing_and_is_told(run: Run) -> None:
    heard = bytearray()

    async def listening(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read())

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def story() -> None:
        async with serving(listening, server_side()) as port, asyncio.timeout(30):
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect("127.0.0.1", port, ssl.create_default_context(), "127.0.0.1")
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect("127.0.0.1", port, client_side(), "git.example.com")
        async with serving(plain) as port, asyncio.timeout(30):
            with pytest.raises((ssl.SSLError, OSError)):
                await connected(port)
        assert not heard

    run(story())


@LOOPS
def test_a_handshake_that_is_cut_or_given_up_leaves_nothing_behind(run: Run) -> None:
    complaints: list[dict[str, Any]] = []
    ended = threading.Event()

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(2**16):
            pass
        ended.set()

    async def cutting(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with serving(cutting) as port, asyncio.timeout(30):
            with pytest.raises(OSError, match=r"lost|reset"):
                await connected(port)
        async with serving(silent) as port, asyncio.timeout(30):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await connected(port)
            assert await asyncio.to_thread(ended.wait, 10)
        gc.collect()

    run(story())
    assert not complaints


async def tunnel_to(behind: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Talk as a proxy that opens a tunnel to the port `behind`."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    there, back = await asyncio.open_connection("127.0.0.1", behind)

    async def forward() -> None:
        while data := await reader.read(2**16):
            back.write(data)

    passing = asyncio.create_task(forward())
    try:
        while data := await there.read(2**16):
            writer.write(data)
    finally:
        passing.cancel()
        back.close()


@asynccontextmanager
async def tunnels(
    proxy_tls: ssl.SSLContext | None,
) -> AsyncIterator[Callable[[], Awaitable[asyncio.Transport]]]:
    """Serve over TLS behind a proxy; what is given opens a tunnel to that server."""
    async with (
        serving(echoing, server_side()) as behind,
        serving(partial(tunnel_to, behind), proxy_tls) as port,
        asyncio.timeout(30),
    ):

        async def opened() -> asyncio.Transport:
            tunnel = await connect("127.0.0.1", port, client_side() if proxy_tls else None, "127.0.0.1")
            await tunnel.open(b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n")
            return tunnel.handed_over()

        yield opened


@LOOPS
@pytest.mark.parametrize("proxy_tls", [None, server_side()], ids=["plain proxy", "TLS proxy"])
def test_tls_travels_through_a_tunnel(run: Run, proxy_tls: ssl.SSLContext | None) -> None:
    async def story() -> None:
        async with tunnels(proxy_tls) as tunnel:
            connection = await secured(await tunnel(), client_side(), "127.0.0.1")
            for body in (b"a", LARGE, b"b"):
                assert (await connection.exchange(asking(body), 20.0)).content == body
            connection.abort()

    run(story())


@pytest.mark.parametrize(
    ("run", "proxy_tls"),
    [
        (asyncio.run, None),
        (uvloop.run, None),
        (uvloop.run, server_side()),
    ],  # for asyncio: python/cpython#113214
    ids=["asyncio, plain proxy", "uvloop, plain proxy", "uvloop, TLS proxy"],
)
def test_a_server_behind_a_tunnel_must_be_trusted_too(run: Run, proxy_tls: ssl.SSLContext | None) -> None:
    async def story() -> None:
        async with tunnels(proxy_tls) as tunnel:
            for context, name in (
                (ssl.create_default_context(), "127.0.0.1"),
                (client_side(), "git.example.com"),
            ):
                with pytest.raises(ssl.SSLCertVerificationError):
                    await secured(await tunnel(), context, name)

    run(story())


@LOOPS
def test_a_client_certificate_is_shown(run: Run) -> None:
    shown: list[Any] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown.append(writer.get_extra_info("peercert"))
        await echoing(reader, writer)

    async def story() -> None:
        theirs, ours = server_side(), client_side()
        theirs.verify_mode = ssl.CERT_REQUIRED
        AUTHORITY.configure_trust(theirs)
        AUTHORITY.issue_cert("operator@example.com").configure_cert(ours)
        async with serving(talk, theirs) as port, asyncio.timeout(30):
            connection = await connect("127.0.0.1", port, ours, "127.0.0.1")
            assert (await connection.exchange(asking(b"a"), 20.0)).content == b"a"
            connection.abort()

    run(story())
    assert ("email", "operator@example.com") in shown[0]["subjectAltName"]


def test_a_dead_peer_is_noticed() -> None:
    async def story() -> None:
        async with serving(echoing, server_side()) as port:
            connection = await connected(port)
            own = connection.handed_over().get_extra_info("socket")
            assert own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000

    asyncio.run(story())
