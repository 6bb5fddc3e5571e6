"""Send one request to a Git server over HTTP, as git would: same address, authorities and credential, no redirects."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import towline
from towline.http.connection import Connection, Reply
from towline.http.dialing import connect
from towline.source.access import Remote
from towline.source.dns import Names

AGENT = f"git/towline-{towline.__version__}"
"""Some servers speak the smart protocol to git/ alone."""

_HASTE = 2.0
"""Seconds for one address of a host that has several: often IPv4 or IPv6 leads nowhere."""

_CONTEXTS = 16
_HEAD = 64 * 1024
"""Bytes for headers and framing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one request asks a repository for: what follows its name in the url; `body` is posted if there is one.

    `answer` is the type of the answer; whatever else comes is none.
    """

    path: str
    answer: str
    body: bytes = b""
    kind: str = ""


class Exchanges:
    """Asks Git servers, each question over a connection of its own."""

    def __init__(self, names: Names | None = None) -> None:
        self._names = names or Names()
        self._contexts: dict[bytes, ssl.SSLContext] = {}

    @asynccontextmanager
    async def asked(
        self, remote: Remote, question: Question, limit: float
    ) -> AsyncIterator[tuple[Reply, AsyncIterator[bytes]]]:
        """Yield the beginning of an answer, whatever its status, and its content as it comes: at most `limit` bytes.

        Raises:
            OSError, UnicodeError: the server cannot be reached or trusted.
            BrokenError: the answer did not begin, or ended too early.
        """
        connection = await self._connected(remote, limit + _HEAD)
        try:
            yield await connection.open(_request(remote, question)), connection.chunks()
        finally:
            connection.abort()

    async def _connected(self, remote: Remote, limit: float) -> Connection:
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


def is_answer(reply: Reply, question: Question) -> bool:
    """Say whether an answer is the plain one of a server that is well."""
    is_plain = reply.status == 200 and not reply.all(b"content-encoding")
    return is_plain and reply.first(b"content-type") == question.answer


def _request(remote: Remote, question: Question) -> bytes:
    path = remote.url.split("/", 3)[3]
    method = "POST" if question.body else "GET"
    lines = (
        f"{method} /{path}{'' if path.endswith('/') else '/'}{question.path} HTTP/1.1",
        f"Host: {remote.host}",
        f"User-Agent: {AGENT}",
        f"Accept: {question.answer if question.body else '*/*'}",
        "Accept-Encoding: identity",
        "Pragma: no-cache",
        "Connection: close",
        *(
            (f"Content-Type: {question.kind}", f"Content-Length: {len(question.body)}")
            if question.body
            else ()
        ),
        *((f"Authorization: {remote.authorization}",) if remote.authorization else ()),
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + question.body
