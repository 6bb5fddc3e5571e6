"""Open connections: TCP over a socket that notices a dead peer, and TLS where it is asked for."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from towline.http.connection import Connection


async def connect(
    host: str, port: int, tls: ssl.SSLContext | None, name: str | None, limit: float = math.inf
) -> Connection:
    """Open a connection; with `tls`, to a server whose certificate is for `name`.

    `limit` bounds the bytes of each answer, for servers that could otherwise exhaust the memory.

    Raises:
        OSError: it failed; `ssl.SSLError` if the server cannot be trusted.
    """
    loop = asyncio.get_running_loop()
    server_name = name if tls else None
    with _resets_named():
        transport, connection = await loop.create_connection(
            lambda: Connection(limit), host, port, ssl=tls, server_hostname=server_name
        )
    _watch(transport.get_extra_info("socket"))
    return connection


async def secured(transport: asyncio.Transport, tls: ssl.SSLContext, name: str | None) -> Connection:
    """Speak TLS over a connection that is already open; raises as `connect` does."""
    connection = Connection()
    loop = asyncio.get_running_loop()
    with _resets_named():
        encrypted = await loop.start_tls(transport, connection, tls, server_hostname=name)
        if encrypted is None:
            raise ConnectionResetError
    connection.connection_made(encrypted)
    return connection


@contextmanager
def _resets_named() -> Iterator[None]:
    """Give a connection that ended in the handshake the errno of a reset; the loop's own error carries none."""
    try:
        yield
    except ConnectionResetError as error:
        raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)) from error


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
