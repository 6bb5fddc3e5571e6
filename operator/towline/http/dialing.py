"""Opening a connection: TCP by a socket that notices a dead peer, and TLS where it is asked for."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from typing import Any

from towline.http.connection import Connection
from towline.http.tls import Tls


async def connect(
    host: str, port: int, tls: ssl.SSLContext | None, name: str | None, limit: float = math.inf
) -> Connection:
    """Open a connection; with `tls`, to a server whose certificate is for `name`.

    A server that is not trusted with our memory may send `limit` bytes for each request.

    Raises:
        OSError: there is none; `ssl.SSLError` where the server cannot be trusted.
    """
    loop = asyncio.get_running_loop()
    connection = Connection(limit)
    secure = Tls(connection, tls, name) if tls else None
    transport, _ = await loop.create_connection(lambda: secure or connection, host, port)
    _watch(transport.get_extra_info("socket"))
    if secure:
        await _shaken(secure)
    return connection


async def secured(transport: asyncio.Transport, tls: ssl.SSLContext, name: str | None) -> Connection:
    """Speak TLS over a connection that somebody else has opened; raises as `connect` does."""
    connection = Connection()
    secure = Tls(connection, tls, name)
    transport.set_protocol(secure)
    secure.connection_made(transport)
    await _shaken(secure)
    return connection


async def _shaken(secure: Tls) -> None:
    try:
        await secure.shaken
    except BaseException:
        secure.abort()
        raise


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
