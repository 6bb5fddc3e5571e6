"""What a smart HTTP server advertises, read without a git process: most looks at Git find nothing new.

Only the plain answer of a healthy server is read here (gitprotocol-http). After any other answer git itself asks: it
knows redirects, challenges and old servers, and its errors tell people what is wrong.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

import towline
from towline.errors import Reason, SourceError
from towline.http.connection import BrokenError, Connection, TooMuchError
from towline.http.dialing import connect
from towline.source import git_errors, process, refs
from towline.source.access import Remote
from towline.source.dns import Names
from towline.source.refs import Refs
from towline.source.transport import Transport, Waiting

Parse: TypeAlias = Callable[[bytes], Refs]
"""Reads an advertisement; runs in a thread where that is long."""

PATIENCE = 10.0
"""Seconds for one answer; git waits longer, and says how slow the server is."""

_HASTE = 2.0
"""Seconds for one address of a host that has several: often IPv4 or IPv6 leads nowhere."""

_KIND = "application/x-git-upload-pack-advertisement"
_TOLD = frozenset({401, 403, 429})
_CONTEXTS = 16
_HEAD = 64 * 1024
"""Bytes for headers and framing."""


class Advertisements:
    """Reads advertisements; each counts towards the limit of `git` for one host."""

    def __init__(self, git: Transport, names: Names | None = None) -> None:
        self._git = git
        self._names = names or Names()
        self._contexts: dict[bytes, ssl.SSLContext] = {}

    async def read(
        self,
        remote: Remote,
        limit: int,
        waiting: Waiting | None = None,
        parse: Parse = refs.advertised,
    ) -> Refs | None:
        """Return what `parse` makes of what a remote offers, None where git has to ask.

        `waiting` is called every second while others have the turn.

        Raises:
            SpecError: the remote's address is refused.
            SourceError: the host has no address, or its server refuses the credentials, asks for fewer requests, or
                sends more than `limit` bytes: git would keep all of them in memory.
        """
        if remote.scheme == "ssh":
            return None
        try:
            async with self._git.look(remote, waiting) as reached, asyncio.timeout(PATIENCE):
                answer = await self._answer(reached, limit)
                return await process.parsed(answer, parse)
        except TooMuchError as error:
            message = (
                f"{remote.url}: the server advertises more than {limit} bytes of refs: remove some of them"
            )
            raise SourceError(Reason.SOURCE_TOO_LARGE, message) from error
        except (OSError, UnicodeError, ValueError, BrokenError):  # TimeoutError and ssl.SSLError are OSErrors
            return None

    async def _answer(self, remote: Remote, limit: int) -> bytes:
        connection = await self._connected(remote, limit + _HEAD)
        try:
            reply = await connection.open(_request(remote))
            if reply.status in _TOLD or reply.status >= 500:
                raise git_errors.refused(remote, reply.status)
            if reply.status != 200 or reply.first(b"content-type") != _KIND or reply.all(b"content-encoding"):
                raise ValueError("not what a smart server advertises")
            return b"".join([chunk async for chunk in connection.chunks()])
        finally:
            connection.abort()

    async def _connected(self, remote: Remote, limit: int) -> Connection:
        """Connect to the first of the host's addresses that answers, as git does."""
        known = (remote.address,) if remote.address else ()
        *first, last = known or await self._names.look_up(remote.hostname, remote.port)
        tls = await self._trust(remote.ca) if remote.scheme == "https" else None
        name = remote.hostname if tls else None
        for address in first:
            with suppress(OSError):
                async with asyncio.timeout(_HASTE):
                    return await connect(address, remote.port, tls, name, limit)
        return await connect(last, remote.port, tls, name, limit)

    async def _trust(self, ca: bytes) -> ssl.SSLContext:
        """Return what checks certificates: by the given authorities (PEM), or by the many of the system."""
        known = self._contexts.get(ca)
        if known is None:
            known = await asyncio.to_thread(ssl.create_default_context, cadata=ca.decode() or None)
            if len(self._contexts) == _CONTEXTS:
                self._contexts.clear()
            self._contexts[ca] = known
        return known


def _request(remote: Remote) -> bytes:
    path = remote.url.split("/", 3)[3]
    lines = (
        f"GET /{path}{'' if path.endswith('/') else '/'}info/refs?service=git-upload-pack HTTP/1.1",
        f"Host: {remote.host}",
        f"User-Agent: git/towline-{towline.__version__}",  # some servers speak the smart protocol to git/ alone
        "Accept: */*",
        "Accept-Encoding: identity",
        "Pragma: no-cache",
        "Connection: close",
        *((f"Authorization: {remote.authorization}",) if remote.authorization else ()),
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()
