"""How requests travel: connections that are kept, TLS that is checked, proxies, and servers that misbehave."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
import trustme
from towline.errors import ApiError, ClusterError
from towline.kube import calls, pool
from towline.kube.client import Client
from towline.kube.credentials import Access
from towline.kube.kopf_session import Sessions, session

PATH = "/api/v1/namespaces/shop/configmaps/settings"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"kind":"x"}'

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Wire:
    """A loopback TCP server; `talk` speaks on each connection, `heads` are the requests that it was sent."""

    def __init__(self, talk: Talk | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self.port = 0
        self._talk = talk or self.answering(OK)
        self._tls = tls

    def answering(self, *answers: bytes) -> Talk:
        """Give each request on a connection the next answer; the last one ends the connection if it is empty."""

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for number in range(100):
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                answer = answers[min(number, len(answers) - 1)]
                if not answer:
                    return
                writer.write(answer)

        return talk

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Wire]:
        async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            try:
                await self._talk(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(met, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    @property
    def access(self) -> Access:
        return Access(
            host=f"http://127.0.0.1:{self.port}",
            tls=False,
            server_name="",
            proxy="",
            authorization=lambda: "Bearer token",
        )


def asks(access: Access) -> Client:
    return Client(lambda: access, jitter=lambda: -0.5)


async def got(wire: Wire, access: Access | None = None) -> calls.Answer:
    async with asks(access or wire.access) as client, asyncio.timeout(5):
        return await client.request("GET", PATH, timeout=1.0)


async def test_one_connection_serves_many_requests() -> None:
    async with Wire().running() as wire, asks(wire.access) as client:
        for _ in range(20):
            assert (await client.request("GET", PATH)).body == {"kind": "x"}
    assert (wire.connections, len(wire.heads)) == (1, 20)


async def test_a_connection_that_the_server_ended_is_replaced_unnoticed() -> None:
    wire = Wire()
    wire._talk = wire.answering(OK, b"")
    async with wire.running(), asks(wire.access) as client:
        assert (await client.request("GET", PATH)).code == 200
        assert (await client.request("GET", PATH)).code == 200
    assert wire.connections == 2


async def test_an_idle_connection_is_not_trusted_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", -1.0)
    async with Wire().running() as wire, asks(wire.access) as client:
        await client.request("GET", PATH)
        await client.request("GET", PATH)
    assert wire.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 12\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 12\r\n\r\n",
    ],
)
async def test_a_server_that_ends_each_connection_is_taken_at_its_word(answer: bytes) -> None:
    wire = Wire()
    wire._talk = wire.answering(answer + b'{"kind":"x"}')
    async with wire.running(), asks(wire.access) as client:
        for _ in range(3):
            await client.request("GET", PATH)
    assert wire.connections == 3


async def test_an_answer_in_chunks_is_put_together() -> None:
    wire = Wire()
    pieces = b'7\r\n{"kind"\r\n5\r\n:"x"}\r\n0\r\n\r\n'
    wire._talk = wire.answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces)
    async with wire.running():
        assert (await got(wire)).body == {"kind": "x"}


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"kind":"x"}')

    async with Wire(talk).running() as wire:
        assert (await got(wire)).body == {"kind": "x"}


async def test_an_answer_that_only_announces_another_is_passed_over() -> None:
    wire = Wire()
    wire._talk = wire.answering(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK)
    async with wire.running(), asks(wire.access) as client:
        assert [(await client.request("GET", PATH)).body for _ in range(2)] == [{"kind": "x"}] * 2


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
)
async def test_what_is_no_http_is_said_to_be_none(answer: bytes) -> None:
    wire = Wire()
    wire._talk = wire.answering(answer)
    async with wire.running(), asks(wire.access) as client:
        with pytest.raises(calls.UnansweredError, match="not HTTP"):
            await client.request("POST", PATH, body={})


async def test_an_answer_that_nobody_asked_for_is_given_to_nobody() -> None:
    wire = Wire()
    wire._talk = wire.answering(OK + b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"kind":"y"}')
    async with wire.running(), asks(wire.access) as client:
        for _ in range(3):
            assert (await client.request("POST", PATH, body={})).body == {"kind": "x"}
    assert wire.connections == 3


async def test_a_request_that_was_given_up_takes_its_connection_with_it() -> None:
    answers = iter([b"", OK])

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(answers))
        await reader.read()

    async with Wire(talk).running() as wire, asks(wire.access) as client:
        with pytest.raises(calls.UnansweredError, match="no answer in time"):
            await client.request("POST", PATH, body={}, timeout=0.2)
        assert (await client.request("POST", PATH, body={})).code == 200
    assert wire.connections == 2


async def test_a_header_is_never_two() -> None:
    async with Wire().running() as wire:
        access = replace(wire.access, authorization=lambda: "Bearer a\r\nX-Remote-User: root")
        with pytest.raises(ClusterError, match="control character"):
            await got(wire, access)
    assert wire.heads == []


async def test_an_api_server_behind_a_path_is_asked_there() -> None:
    async with Wire().running() as wire:
        await got(wire, replace(wire.access, host=f"{wire.access.host}/k8s/clusters/c-1"))
    assert wire.heads[0].startswith(f"GET /k8s/clusters/c-1{PATH} HTTP/1.1\r\n".encode())


async def test_a_stream_that_is_not_read_makes_the_server_wait() -> None:
    line = b'{"type":"ADDED","object":{"a":"' + b"x" * 10_000 + b'"}}\n'
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(5_000):
            writer.write(b"%x\r\n%b\r\n" % (len(line), line))
            await writer.drain()
            sent += 1
        writer.write(b"0\r\n\r\n")

    async with (
        Wire(talk).running() as wire,
        asks(wire.access) as client,
        client.stream("/api/v1/configmaps", {"watch": "1"}) as events,
    ):
        assert (await anext(events))["type"] == "ADDED"
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.2)  # the server goes on sending for as long as it can
        assert sent < 5_000
        rest = [event["type"] async for event in events]
    assert len(rest) == 4_999


class Secured:
    """A certificate authority, and a server's identity for one name."""

    def __init__(self, name: str = "127.0.0.1") -> None:
        self._authority = trustme.CA()
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(name).configure_cert(self.tls)

    def access(self, wire: Wire) -> Access:
        trusts = ssl.create_default_context()
        self._authority.configure_trust(trusts)
        return replace(wire.access, host=f"https://127.0.0.1:{wire.port}", tls=trusts)


async def test_a_server_is_trusted_by_its_authority() -> None:
    secured = Secured()
    async with Wire(tls=secured.tls).running() as wire:
        assert (await got(wire, secured.access(wire))).code == 200


async def test_a_server_of_another_authority_or_name_is_sent_nothing() -> None:
    secured = Secured("api.example")
    async with Wire(tls=secured.tls).running() as wire:
        for access in (Secured().access(wire), secured.access(wire)):
            with pytest.raises(calls.UnansweredError, match="no TLS connection that can be trusted"):
                await got(wire, access)
        assert wire.heads == []
        named = replace(secured.access(wire), server_name="api.example")
        assert (await got(wire, named)).code == 200


async def unasked(_version: str) -> None:
    raise AssertionError("this is not a watch that goes on")


async def test_a_watch_over_repositories_goes_on_when_what_was_missed_is_known() -> None:
    asked: list[str] = []

    async def resuming(version: str) -> None:
        asked.append(version)
        if len(asked) == 1:
            raise ClusterError("the API server is away")

    async with Wire().running() as wire:
        place = wire.access.host + PATH
        async with session(wire.access, "", resuming) as opened, asyncio.timeout(5):
            with pytest.raises(aiohttp.ClientConnectionError, match="the API server is away"):
                await opened.get(f"{place}?watch=true&resourceVersion=7")
            assert wire.heads == []
            await opened.get(f"{place}?watch=true&resourceVersion=8")
            await opened.get(f"{place}?watch=true")
            await opened.get(f"{place}?limit=500")
    assert asked == ["7", "8"]
    assert len(wire.heads) == 3


async def test_the_watch_over_repositories_expects_the_same_server_name_as_every_other_request() -> None:
    secured = Secured("api.example")
    async with Wire(tls=secured.tls).running() as wire:
        named = replace(secured.access(wire), server_name="api.example")
        async with session(named, "Bearer token", unasked) as opened, asyncio.timeout(5):
            assert (await opened.get(named.host + PATH)).status == 200
        async with session(secured.access(wire), "Bearer token", unasked) as opened, asyncio.timeout(5):
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await opened.get(named.host + PATH)
    assert len(wire.heads) == 1


async def test_a_session_that_kopf_has_not_taken_over_yet_is_closed_at_the_end() -> None:
    secured, sessions = Secured("api.example"), Sessions(unasked)
    async with Wire(tls=secured.tls).running() as wire:
        taken, left = (sessions.open(secured.access(wire), "Bearer token") for _ in range(2))
        await taken.close()
        await sessions.aclose()
    assert left.closed


class Proxy:
    """An HTTP proxy that opens tunnels to one port; `asked` are the heads of the requests that it was sent."""

    def __init__(self, port: int, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.asked: list[bytes] = []
        self._port = port
        self._answer = answer
        self.wire = Wire(self._talk)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self._answer)
        if b" 200 " not in self._answer:
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._port)
        async with asyncio.TaskGroup() as group:
            group.create_task(_poured(reader, inner_writer))
            group.create_task(_poured(inner_reader, writer))


async def _poured(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(65536):
        writer.write(some)
    writer.close()


@pytest.mark.parametrize("secured", [None, Secured()], ids=["plain", "TLS"])
async def test_a_proxy_leads_to_the_server(secured: Secured | None) -> None:
    async with Wire(tls=secured.tls if secured else None).running() as wire:
        proxy = Proxy(wire.port)
        async with proxy.wire.running():
            access = secured.access(wire) if secured else wire.access
            through = replace(access, proxy=f"http://us%40er:pass@127.0.0.1:{proxy.wire.port}")
            assert (await got(wire, through)).code == 200
    head = proxy.asked[0].decode()
    assert head.startswith(f"CONNECT 127.0.0.1:{wire.port} HTTP/1.1\r\n")
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'us@er:pass').decode()}\r\n" in head
    assert b"Bearer" not in proxy.asked[0]


async def test_a_proxy_that_refuses_is_told_from_the_api_server() -> None:
    async with Wire().running() as wire:
        proxy = Proxy(wire.port, b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        async with proxy.wire.running():
            access = replace(wire.access, proxy=f"http://127.0.0.1:{proxy.wire.port}")
            with pytest.raises(ClusterError, match="the proxy answers with HTTP status 407") as caught:
                await got(wire, access)
    assert not isinstance(caught.value, ApiError)
    assert wire.heads == []


async def test_a_proxy_of_a_kind_that_is_not_spoken_is_named() -> None:
    async with Wire().running() as wire:
        with pytest.raises(ClusterError, match='no way over "socks5"'):
            await got(wire, replace(wire.access, proxy="socks5://127.0.0.1:1"))
