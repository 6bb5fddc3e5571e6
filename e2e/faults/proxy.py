"""A proxy between clients and the API server that does to requests, answers and watches what networks do.

It ends TLS with the API server's own certificate, so a kubeconfig that names it works like any other, and it runs in a
thread of its own: stories call it as they call the rest of the harness.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import yarl
from aiohttp import web

from e2e.faults import wire
from e2e.faults.gate import Gate
from e2e.faults.past import Past
from e2e.faults.rules import About, Request, Rule, Seen, everything, refusal
from e2e.faults.streams import Streams
from e2e.harness import identity
from e2e.harness.controlplane import ControlPlane

LARGEST = 16 * 2**20
"""Bytes of the largest body of a request; the API server has its own limits below that."""


class _ResetError(Exception):
    """The client's connection is to be reset."""


@dataclass(slots=True, eq=False)
class Proxy:
    """A proxy that is running; make one with `between`. What it does to requests holds until `mend`.

    `share` is which part of the requests is hit, from 0 to 1, chosen by a generator with the seed of the proxy;
    `about` says which are meant at all. `lost` counts the events that were lost.
    """

    plane: ControlPlane
    folder: Path
    chance: random.Random
    url: str = ""
    lost: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _rules: tuple[Rule, ...] = ()
    _gate: Gate | None = None
    _cut: bool = False
    _streams: Streams = field(init=False)
    _past: Past = field(default_factory=Past)
    _seen: list[Seen] = field(default_factory=list)
    _session: aiohttp.ClientSession | None = None
    _runner: web.AppRunner | None = None

    def __post_init__(self) -> None:
        self._streams = Streams(self._loses)

    def kubeconfig(self, user: str = identity.OPERATOR) -> Path:
        """Return a kubeconfig of one of `identity.USERS` that leads through the proxy."""
        path = self.folder / f"{user.replace(':', '-')}.kubeconfig"
        path.write_text(self.plane.kubeconfig(user).read_text().replace(self.plane.site.server, self.url))
        path.chmod(0o600)
        return path

    def environment(self) -> dict[str, str]:
        """Return the variables that lead an operator through the proxy."""
        return {"KUBECONFIG": str(self.kubeconfig())}

    @property
    def seen(self) -> tuple[Seen, ...]:
        """Every request that has been answered, or not been answered for good, in that order."""
        return tuple(self._seen)

    def answer(
        self,
        status: int,
        *,
        share: float = 1.0,
        about: About = everything,
        retry_after: int | None = None,
    ) -> None:
        """Answer in the API server's place, which hears nothing; `retry_after` is in seconds."""
        self._add(Rule(share=share, about=about, status=status, retry_after=retry_after))

    def drop_answers(self, *, share: float = 1.0, about: About = everything) -> None:
        """Let the API server act, and reset the connection instead of answering."""
        self._add(Rule(share=share, about=about, drops_answer=True))

    def delay(self, seconds: float, *, share: float = 1.0, about: About = everything) -> None:
        """Keep requests for a while before they are forwarded."""
        self._add(Rule(share=share, about=about, delay=seconds))

    def lose_events(self, *, share: float = 1.0, about: About = everything) -> None:
        """Lose events of watches, those that are open as well; bookmarks and errors pass."""
        self._add(Rule(share=share, about=about, loses_events=True))

    def hold(self, after: int, *, acted: bool, about: About = everything) -> Gate:
        """Let so many requests pass, and keep the next one and all that follow from being answered.

        `acted` says whether the API server still hears of the first that is held.
        """
        self._gate = Gate(after=after, acted=acted, about=about)
        return self._gate

    def freeze_watches(self, about: About = everything) -> int:
        """Let nothing more through of the watches that are open now, without closing them; returns how many.

        Those that are opened later work.
        """
        frozen: int = self._do(self._streams.freeze, about)
        return frozen

    def end_watches(self, code: int, about: About = everything) -> int:
        """End the watches that are open now with an ERROR event; returns how many."""
        ended: int = self._do(self._streams.end, code, about)
        return ended

    def keep_past(self) -> None:
        """Keep how all collections are now that were listed or watched through here."""
        asyncio.run_coroutine_threadsafe(self._past.keep(self._again), self._loop).result(30)

    def answer_from_past(self, about: About) -> None:
        """Answer lists and watches that are meant as they were kept, and let nothing through that came later."""
        self._past.about = about

    def cut(self) -> None:
        """Reset all connections, and every new one as soon as something is asked."""
        self._cut = True
        self._do(self._reset_all)

    def mend(self) -> None:
        """Do nothing to requests from now on; watches that are frozen stay so."""
        gate, self._gate = self._gate, None
        self._cut = False
        self._rules = ()
        self._past.about = None
        if gate:
            self._do(gate.open)

    def _add(self, rule: Rule) -> None:
        self._rules = (*self._rules, rule)

    def _do(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Run something between two steps of the proxy, and return what it returns."""

        async def step() -> Any:
            return work(*arguments)

        return asyncio.run_coroutine_threadsafe(step(), self._loop).result(10)

    def _reset_all(self) -> None:
        server = self._runner.server if self._runner else None
        for connection in server.connections if server else ():
            if connection.transport is not None:
                connection.transport.abort()

    def _hits(self, request: Request, wanted: Callable[[Rule], object]) -> Iterator[Rule]:
        for rule in self._rules:
            if wanted(rule) and rule.about(request) and self.chance.random() < rule.share:
                yield rule

    async def _handle(self, arrived: web.Request) -> web.StreamResponse:
        request = Request(
            verb=arrived.method,
            path=arrived.path,
            query=dict(arrived.query),
            user_agent=arrived.headers.get("User-Agent", ""),
        )
        status = 0
        try:
            answer = await self._answered(arrived, request)
            status = answer.status
        except (_ResetError, aiohttp.ClientError, OSError):
            if arrived.transport is not None:
                arrived.transport.abort()
            return web.Response()
        else:
            return answer
        finally:
            self._seen.append(Seen(request=request, moment=self._loop.time(), status=status))

    async def _answered(self, arrived: web.Request, request: Request) -> web.StreamResponse:
        if self._cut:
            raise _ResetError
        self._past.note(arrived, request)
        if past := await self._past.answered(arrived, request):
            return past
        for rule in self._hits(request, lambda rule: rule.delay):
            await asyncio.sleep(rule.delay)
        for rule in self._hits(request, lambda rule: rule.status):
            await arrived.read()
            return refusal(rule)
        holds = await self._gate.holds(request) if self._gate else None
        drops = next(self._hits(request, lambda rule: rule.drops_answer), None)
        async with self._forwarded(arrived, await arrived.read()) as response:
            if holds:
                await holds.opened()
            if drops:
                await response.read() if not request.watches else None
                raise _ResetError
            if request.watches and response.status == HTTPStatus.OK:
                return await self._streams.passed(arrived, request, response)
            content = await response.read()
        if self._cut:
            raise _ResetError
        return web.Response(status=response.status, headers=wire.passed(response.headers), body=content)

    def _again(self, arrived: web.Request) -> Any:
        return self._forwarded(arrived, b"")

    def _forwarded(self, arrived: web.Request, body: bytes) -> Any:
        if self._session is None:
            raise _ResetError
        return self._session.request(
            arrived.method,
            yarl.URL(self.plane.site.server + arrived.raw_path, encoded=True),
            headers=wire.passed(arrived.headers),
            data=body or None,
            allow_redirects=False,
        )

    def _loses(self, request: Request) -> bool:
        loses = next(self._hits(request, lambda rule: rule.loses_events), None) is not None
        self.lost += loses
        return loses

    async def _start(self) -> None:
        trust = ssl.create_default_context(cafile=str(self.plane.site.identity.certificate_authority))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=trust),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=2**20,
        )
        application = web.Application(client_max_size=LARGEST)
        application.router.add_route("*", "/{anything:.*}", self._handle)
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.plane.site.identity.certificate, self.plane.site.identity.key)
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"https://{host}:{port}"

    async def _stop(self) -> None:
        self._cut = True
        self._reset_all()
        if self._runner:
            await self._runner.cleanup()
        if self._session:
            await self._session.close()
        for _ in range(10):  # TLS connections end at leisure, and later than those who used them
            for transport in list(self._loop._transports.values()):  # type: ignore[attr-defined]  # a selector loop
                transport.abort()
            await asyncio.sleep(0)


@contextmanager
def between(plane: ControlPlane, folder: Path, *, seed: int = 0) -> Iterator[Proxy]:
    """Run a proxy before the API server of `plane` for a while; `folder` is for its kubeconfigs."""
    proxy = Proxy(plane=plane, folder=folder, chance=random.Random(seed))  # noqa: S311  repeatable, not secret
    thread = threading.Thread(target=proxy._loop.run_forever, name="proxy")
    thread.start()
    try:
        _wait(proxy, proxy._start())
        yield proxy
    finally:
        _wait(proxy, proxy._stop())
        proxy._loop.call_soon_threadsafe(proxy._loop.stop)
        thread.join()
        proxy._loop.close()


def _wait(proxy: Proxy, work: Awaitable[None]) -> None:
    async def step() -> None:
        await work

    asyncio.run_coroutine_threadsafe(step(), proxy._loop).result(30)
