"""Open connections to the API server, through a proxy where one is configured."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
import urllib.parse
from dataclasses import dataclass

from towline.http.connection import BrokenError, Connection
from towline.http.dialing import connect, secured
from towline.kube.credentials import Access

CONNECT_SECONDS = 10.0

_PORTS = {"http": 80, "https": 443}
_UNTRUSTED = "no TLS connection that can be trusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    """The host and port of a URL, and the proxy credentials in it."""

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
        BrokenError: no connection; it says why without naming hosts.
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
    return await connect(server.host, server.port, tls, name)


async def _through(
    proxy: _Endpoint, server: _Endpoint, tls: ssl.SSLContext | None, name: str | None
) -> Connection:
    """Ask an HTTP proxy for a tunnel, and speak TLS within."""
    outer = ssl.create_default_context() if proxy.tls else None
    connection = await connect(proxy.host, proxy.port, outer, proxy.host if proxy.tls else None)
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
    """Use the tunnel of a proxy as a connection, with TLS inside where `tls` is given."""
    transport = tunnel.handed_over()
    if tls is not None:
        return await secured(transport, tls, name)
    connection = Connection()
    transport.set_protocol(connection)
    connection.connection_made(transport)
    return connection


def _place(url: str) -> _Endpoint:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise BrokenError(f'the API server cannot be reached (no way over "{parts.scheme}")', sent=False)
    user = f"{parts.username or ''}:{parts.password or ''}" if parts.username or parts.password else ""
    return _Endpoint(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        tls=parts.scheme == "https",
        user=urllib.parse.unquote(user),
    )
