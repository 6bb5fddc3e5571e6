"""Opening a connection to the API server: TCP with a watchful socket, a proxy where one is named, TLS."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import urllib.parse
from dataclasses import dataclass
from typing import Any, cast

from towline.cluster.connection import BrokenError, Connection
from towline.cluster.credentials import Access

CONNECT_SECONDS = 10.0

_PORTS = {"http": 80, "https": 443}
_UNTRUSTED = "no TLS connection that can be trusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a URL leads, and who asks there."""

    host: str
    port: int
    tls: bool
    user: str

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def dial(access: Access) -> Connection:
    """Open a connection.

    Raises:
        BrokenError: there is none; it says why without naming hosts.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await _dialled(access)
    except TimeoutError as error:
        raise BrokenError("no connection to the API server in time", sent=False) from error
    except ssl.SSLError as error:  # a certificate that is not trusted, too
        raise BrokenError(_UNTRUSTED, sent=False) from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no connection"
        raise BrokenError(f"the API server cannot be reached ({reason})", sent=False) from error


async def _dialled(access: Access) -> Connection:
    server = _place(access.host)
    tls = access.tls if isinstance(access.tls, ssl.SSLContext) else None
    name = (access.server_name or server.host) if tls else None
    if access.proxy:
        return await _through(_place(access.proxy), server, tls, name)
    return await _connected(server, tls, name)


async def _connected(place: _Place, tls: ssl.SSLContext | None, name: str | None) -> Connection:
    loop = asyncio.get_running_loop()
    transport, connection = await loop.create_connection(
        Connection, place.host, place.port, ssl=tls, server_hostname=name
    )
    _watch(transport.get_extra_info("socket"))
    return connection


async def _through(proxy: _Place, server: _Place, tls: ssl.SSLContext | None, name: str | None) -> Connection:
    """Ask an HTTP proxy for a tunnel, and speak TLS within."""
    outer = ssl.create_default_context() if proxy.tls else None
    connection = await _connected(proxy, outer, proxy.host if proxy.tls else None)
    head = [f"CONNECT {server.authority} HTTP/1.1", f"Host: {server.authority}"]
    if proxy.user:
        head.append(f"Proxy-Authorization: Basic {base64.b64encode(proxy.user.encode()).decode()}")
    try:
        reply = await connection.open("\r\n".join((*head, "", "")).encode())
        if 200 <= reply.status < 300:
            return await _within(connection, tls, name)
    finally:
        connection.abort()  # which ends nothing once the tunnel is handed over
    reason = f"the proxy answers with HTTP status {reply.status}"
    raise BrokenError(f"the API server cannot be reached ({reason})", sent=False)


async def _within(tunnel: Connection, tls: ssl.SSLContext | None, name: str | None) -> Connection:
    """Go on over a tunnel."""
    connection, transport = Connection(), tunnel.handed_over()
    try:
        if tls is None:
            transport.set_protocol(connection)
        else:
            loop = asyncio.get_running_loop()
            inner = await loop.start_tls(transport, connection, tls, server_hostname=name)
            transport = cast("asyncio.Transport", inner)
    except BaseException:
        transport.abort()
        raise
    connection.connection_made(transport)
    return connection


def _place(url: str) -> _Place:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise BrokenError(f'the API server cannot be reached (no way over "{parts.scheme}")', sent=False)
    user = f"{parts.username or ''}:{parts.password or ''}" if parts.username or parts.password else ""
    return _Place(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        tls=parts.scheme == "https",
        user=urllib.parse.unquote(user),
    )


def watchful_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make a socket, for an address as `getaddrinfo` gives it, that notices a dead peer within half a minute."""
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.settimeout(0)
    _watch(made)
    return made


def _watch(made: socket.socket) -> None:
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 15),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 30_000),
    ):
        if hasattr(socket, name):  # Linux alone has them all
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
