"""Get files of servers of charts over HTTP: within limits, from public addresses, and with credentials for one host."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urljoin

import towline
from towline.api.bound_hosts import Endpoint
from towline.errors import Reason, SourceError, SpecError
from towline.http.connection import BrokenError, Connection, Reply, TooMuchError
from towline.http.dialing import connect
from towline.shares import behalf
from towline.shares.pools import Pools
from towline.source import access
from towline.source.access import Remote
from towline.source.dns import Names
from towline.source.helm_charts.chart_access import ChartAccess
from towline.source.public_addresses import Addresses

_REDIRECTS = 5
_HEAD = 64 * 1024
"""Bytes for headers and framing."""

_HASTE = 5.0
"""Seconds for one address of a host that has several."""

_CONTEXTS = 16
_SAFE = re.compile(r"[\x21-\x7e]+")
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """A file of a server.

    `authorization` is sent to the server of the access alone. `limit` is how many bytes it may have, `seconds` how
    long it may take.
    """

    url: str
    access: ChartAccess
    limit: int
    seconds: float
    accept: str = "*/*"
    authorization: str = field(default="", repr=False)


class ChartHttp:
    """Gets files, for all repositories.

    Args:
        pools: what repositories share; a server of charts takes turns as a Git server does.
        addresses: refuses hosts, where the operator denies private addresses.
        allow_http: whether urls may be without encryption.
    """

    def __init__(self, pools: Pools, addresses: Addresses | None, *, allow_http: bool) -> None:
        self._pools = pools
        self._addresses = addresses
        self._allow_http = allow_http
        self._names = Names()
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()

    async def get(self, wanted: WantedFile) -> Reply:
        """Return the answer to one request, with those that it redirects to followed.

        Raises:
            SourceError: the server cannot be reached or trusted, or its answer is too long or too late.
        """
        try:
            return await self._followed(wanted)
        except TimeoutError as error:
            raise SourceError(
                Reason.GIT_TIMEOUT, f"{wanted.url}: not finished within {wanted.seconds:g} s"
            ) from error
        except TooMuchError as error:
            raise SourceError(
                Reason.SOURCE_TOO_LARGE, f"{wanted.url}: the answer has more than {wanted.limit} bytes"
            ) from error
        except ssl.SSLCertVerificationError as error:
            raise SourceError(
                Reason.TLS_VERIFY_FAILED,
                f"{wanted.url}: the certificate is not trusted ({error.verify_message}): put its CA into ca.crt of a"
                " Secret in spec.remotes",
            ) from error
        except (OSError, UnicodeError, BrokenError) as error:  # ssl.SSLError is an OSError
            raise SourceError(
                Reason.GIT_UNAVAILABLE, f"{wanted.url}: cannot be reached: {_why(error)}"
            ) from error

    async def _followed(self, wanted: WantedFile) -> Reply:
        url = wanted.url
        for _ in range(_REDIRECTS + 1):
            remote = self._checked(url, wanted)
            reply = await self._asked(remote, wanted)
            if reply.status not in _MOVED:
                return reply
            url = urljoin(url, reply.first(b"location"))
        raise SourceError(
            Reason.GIT_UNAVAILABLE, f"{wanted.url}: the server redirects more than {_REDIRECTS} times"
        )

    def _checked(self, url: str, wanted: WantedFile) -> Remote:
        """Refuse what a server redirects to but another url of the same kind."""
        base, _, _ = url.partition("?")
        is_plain = wanted.url.startswith("http:")
        try:
            access.check_url(
                base if _SAFE.fullmatch(url) and "#" not in url else "\n",
                allow_http=self._allow_http and is_plain,
                has_secret=bool(wanted.access.name),
            )
        except SpecError as error:
            what = "redirects to a url that" if url != wanted.url else "its url"
            told = error.message.replace("spec.url", what)
            raise SourceError(Reason.GIT_UNAVAILABLE, f"{wanted.url}: {told}") from error
        return Remote(url=url)

    async def _asked(self, remote: Remote, wanted: WantedFile) -> Reply:
        """Send one request; the wait for a turn does not count towards its time."""
        async with asyncio.timeout(wanted.seconds):
            addresses = await self._pinned(remote, wanted)
        slots = self._pools.fetches(remote.host)
        turn = await slots.begin(behalf.key())
        try:
            async with asyncio.timeout(wanted.seconds):
                return await self._answered(remote, addresses, wanted)
        finally:
            slots.end(turn)

    async def _answered(self, remote: Remote, addresses: tuple[str, ...], wanted: WantedFile) -> Reply:
        connection = await self._connected(remote, addresses, wanted)
        try:
            reply = await connection.open(_request(remote, wanted))
            reply.content = b"".join([chunk async for chunk in connection.chunks()])
            return reply
        finally:
            connection.abort()

    async def _pinned(self, remote: Remote, wanted: WantedFile) -> tuple[str, ...]:
        if self._addresses is None:
            return await self._names.look_up(remote.hostname, remote.port)
        try:
            return ((await self._addresses.pinned(remote)).address,)
        except SpecError as error:
            message = error.message.replace("spec.url ", "")
            raise SourceError(Reason.ACCESS_DENIED, f"{wanted.url}: {message}") from error

    async def _connected(self, remote: Remote, addresses: tuple[str, ...], wanted: WantedFile) -> Connection:
        """Connect to the first of the host's addresses that answers."""
        tls = await self._trust(remote.endpoint, wanted.access) if remote.scheme == "https" else None
        name = remote.hostname if tls else None
        *first, last = addresses
        for address in first:
            with suppress(OSError):
                async with asyncio.timeout(_HASTE):
                    return await connect(address, remote.port, tls, name, wanted.limit + _HEAD)
        return await connect(last, remote.port, tls, name, wanted.limit + _HEAD)

    async def _trust(self, endpoint: Endpoint, given: ChartAccess) -> ssl.SSLContext:
        """Return what checks a server: the access' own authorities and certificate are for its server alone."""
        is_meant = given.is_for(endpoint)
        name = given.identity if is_meant else f"others of {given.identity}"
        known = self._contexts.get(name)
        if known is None:
            known = await asyncio.to_thread(given.trust if is_meant else given.trust_of_others)
            self._contexts[name] = known
            while len(self._contexts) > _CONTEXTS:
                self._contexts.popitem(last=False)
        return known


def _request(remote: Remote, wanted: WantedFile) -> bytes:
    path = remote.url.split("/", 3)[3]
    is_meant = wanted.authorization and wanted.access.is_for(remote.endpoint)
    lines = (
        f"GET /{path} HTTP/1.1",
        f"Host: {remote.host}",
        f"User-Agent: towline/{towline.__version__}",
        f"Accept: {wanted.accept}",
        "Accept-Encoding: identity",
        "Connection: close",
        *((f"Authorization: {wanted.authorization}",) if is_meant else ()),
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _why(error: Exception) -> str:
    if isinstance(error, BrokenError):
        return error.reason
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed ({error.reason or 'without a reason'})"
    return (error.strerror if isinstance(error, OSError) else "") or "no such host"
