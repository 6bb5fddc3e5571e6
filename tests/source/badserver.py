"""A loopback server that answers each connection as it is told, without knowing HTTP, and counts them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Gets the head of a request."""


class BadServer:
    """What was asked so far, and where."""

    def __init__(self) -> None:
        self.url = ""
        self.connections = 0
        self.requests: list[bytes] = []


@asynccontextmanager
async def answering(answer: Answer, certificate: ssl.SSLContext | None = None) -> AsyncIterator[BadServer]:
    """Serve on a free port; `url` names a repository there. Connections still open are dropped at the end."""
    bad = BadServer()
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bad.connections += 1
        task = asyncio.current_task()
        assert task
        running.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                bad.requests.append(await reader.readuntil(b"\r\n\r\n"))
                await answer(bad.requests[-1], writer)
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificate)
    bad.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/app.git"
    try:
        yield bad
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        server.close()


async def silence(_request: bytes, _writer: asyncio.StreamWriter) -> None:
    """Accept and say nothing."""
    await asyncio.Event().wait()


async def trickle(_request: bytes, writer: asyncio.StreamWriter) -> None:
    """Begin a good answer and go on at a byte a moment, for ever."""
    writer.write(_head("200 OK", "application/x-git-upload-pack-advertisement"))
    while True:
        writer.write(b"0")
        await writer.drain()
        await asyncio.sleep(0.1)


def says(status: str, body: bytes = b"", kind: str = "text/html", *headers: str) -> Answer:
    """Answer with a status, a body and headers."""

    async def answer(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(_head(status, kind, f"Content-Length: {len(body)}", *headers) + body)
        await writer.drain()

    return answer


def files(folder: Path) -> AbstractAsyncContextManager[BadServer]:
    """Serve the files of a bare repository as any web server would."""

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        path = folder / request.split()[1].decode().removeprefix("/app.git/").partition("?")[0]
        body = await asyncio.to_thread(lambda: path.read_bytes() if path.is_file() else b"")
        await says("200 OK" if body else "404 Not Found", body, "text/plain")(request, writer)

    return answering(answer)


def refs(*lines: str) -> Answer:
    """Advertise refs by protocol version 0, whatever they are called."""
    packets = [_packet("# service=git-upload-pack\n"), "0000"]
    packets += [_packet(f"{lines[0]}\0agent=bad\n"), *(_packet(f"{line}\n") for line in lines[1:]), "0000"]
    return says("200 OK", "".join(packets).encode(), "application/x-git-upload-pack-advertisement")


def _packet(line: str) -> str:
    return f"{len(line.encode()) + 4:04x}{line}"


def _head(status: str, kind: str, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close", *headers)
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()
