"""`python -m e2e.bench.parts [tls] [large] [processes]`: what single parts cost, without a cluster (docs/adr/0017).

Each figure is printed three times, once a round: how far they are apart says what they are worth.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import trustme
import uvloop
from towline.kube.credentials import Access
from towline.kube.pool import Pool
from towline.source import process

ROUNDS = 3
REQUESTS = 1000
IN_FLIGHT = 16
PROCESSES = 200
BODY = b'{"data":{"k":"' + b"x" * 900 + b'"}}'
SMALL, LARGE = 1_800, 1_800_000
"""Bytes of an answer: an object, and a page of a list."""

HEAD = b"Host: 127.0.0.1\r\nAuthorization: Bearer 0123456789012345678901234567890123456789\r\n"
GET = b"GET /api/v1/namespaces/d/configmaps/c HTTP/1.1\r\n" + HEAD + b"\r\n"
PATCH = (
    b"PATCH /api/v1/namespaces/d/configmaps/c?fieldManager=towline HTTP/1.1\r\n"
    + HEAD
    + b"Content-Length: %d\r\n\r\n" % len(BODY)
    + BODY
)


async def tls() -> None:
    """Time 1,000 requests, half of them PATCH and half GET, 16 in flight, over TLS."""
    await _requests(REQUESTS, SMALL)


async def large() -> None:
    """Time 50 such requests whose answers are large."""
    await _requests(REQUESTS // 20, LARGE)


async def _requests(times: int, size: int) -> None:
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder, "server.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        with _server(certificate, size) as port:
            trusts = ssl.create_default_context()
            authority.configure_trust(trusts)
            before = _resident()
            host = f"https://127.0.0.1:{port}"
            access = Access(host=host, tls=trusts, server_name="", proxy="", authorization=lambda: "")
            pool = Pool(time.monotonic)
            await _exchanged(pool, access, times // 5, size)  # opens the connections
            for _ in range(ROUNDS):
                with _timed(f"a request over TLS, {size:,} bytes of answer", times):
                    await _exchanged(pool, access, times, size)
            _say(f"{IN_FLIGHT} connections hold {_resident() - before:.1f} MiB")
            pool.close()


async def processes() -> None:
    """Time 200 short git processes, and as many that live on for 50 ms without their pipes."""
    for what, command in (
        ("git --version", ["git", "--version"]),
        ("a process without pipes", ["sh", "-c", "exec >&- 2>&-; sleep 0.05"]),
    ):
        for _ in range(ROUNDS):
            with _timed(what, PROCESSES):
                for _ in range(PROCESSES):
                    await process.finish(_started(command), 2**16)


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


PARTS: Mapping[str, Callable[[], Coroutine[Any, Any, None]]] = {
    "tls": tls,
    "large": large,
    "processes": processes,
}


async def _exchanged(pool: Pool, access: Access, times: int, size: int) -> None:
    requests = iter([PATCH, GET] * (times // 2))

    async def work() -> None:
        for request in requests:  # shared: each takes the next one when it is free
            connection = await pool.take(access)
            reply = await connection.exchange(request, 30.0)
            pool.give(connection)
            if (reply.status, len(reply.content)) != (200, size):
                raise ValueError(f"{len(reply.content)} bytes with HTTP status {reply.status}")

    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


class _Answering(asyncio.Protocol):
    """A server that reads whole requests, and has one answer."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._received = b""
        self._transport = asyncio.Transport()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._received.startswith((GET, PATCH)):
            self._received = self._received.removeprefix(GET).removeprefix(PATCH)
            self._transport.write(self._answer)


async def _serve(certificate: str, size: int) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    server = await loop.create_server(lambda: _Answering(answer), "127.0.0.1", 0, ssl=context)
    _say(str(server.sockets[0].getsockname()[1]))
    await asyncio.to_thread(sys.stdin.read)  # until who started this closes it


@contextmanager
def _server(certificate: Path, size: int) -> Iterator[int]:
    """Serve in a process of its own, so that only the client's processor time is counted."""
    command = [sys.executable, "-m", "e2e.bench.parts", "--serve", str(certificate), str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin
        assert server.stdout
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()


@contextmanager
def _timed(what: str, times: int) -> Iterator[None]:
    wall, cpu = time.perf_counter(), _cpu()
    yield
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    _say(f"{what}: {cpu / times * 1e3:.3f} ms of CPU, {wall / times * 1e3:.2f} ms of time")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    """Measure the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m e2e.bench.parts", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[[], *PARTS], help=", ".join(PARTS))
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.serve:
        uvloop.run(_serve(asked.serve[0], int(asked.serve[1])))
    for part in () if asked.serve else asked.parts or PARTS:
        uvloop.run(PARTS[part]())


if __name__ == "__main__":
    main(sys.argv[1:])
