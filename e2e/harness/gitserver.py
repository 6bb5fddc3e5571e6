"""A smart-HTTP Git server on loopback: `git http-backend` behind a threaded server, with faults."""

from __future__ import annotations

import http.server
import os
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from e2e.harness import gitrepo

CHUNK = 64 * 1024


class Fault(StrEnum):
    """What a repository does instead of answering."""

    NONE = "answers"
    ERROR = "answers 500"
    HANG = "accepts the request and never answers"
    DOWN = "closes the connection at once"
    CUT = "sends half of the answer and closes the connection"
    PACK_CUT = "sends a part of each pack and closes the connection"
    PACK_CHANGED = "changes one byte of each pack"
    TRICKLE = "answers, at two kilobytes a second"
    NO_PACKS = "lists its refs, and answers 500 to whoever wants objects"


@dataclass(frozen=True, slots=True)
class Request:
    """One request that arrived, answered or not; `path` is what follows the repository's name."""

    method: str
    path: str
    query: str
    authorized: bool


@dataclass(slots=True)
class _Switches:
    fault: Fault = Fault.NONE
    share: float = 0.5
    authorization: str = ""
    changed: threading.Event = field(default_factory=threading.Event)
    seen: list[Request] = field(default_factory=list)


class GitServer:
    """Serves the repositories below `folder`; start it by `serving`."""

    def __init__(self, folder: Path, certificate: ssl.SSLContext | None = None) -> None:
        self.folder = folder
        self._switches: dict[str, _Switches] = {}
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        if certificate:
            self._http.socket = certificate.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="git server")

    def create(self, name: str, *, authorization: str = "") -> gitrepo.Repo:
        """Make an empty repository and serve it; `authorization` is the header that requests must carry."""
        self._switches[name] = _Switches(authorization=authorization)
        return gitrepo.create(self.folder / f"{name}.git", url=f"{self.url}/{name}.git")

    def fault(self, name: str, fault: Fault, share: float = 0.5) -> None:
        """Let a repository fail from now on; requests that hang are dropped when the fault changes.

        `share` says how far into an answer, or a pack, the fault is.
        """
        switches = self._switches[name]
        switches.fault, switches.share = fault, share
        switches.changed.set()
        switches.changed = threading.Event()

    @contextmanager
    def failing(self, name: str, fault: Fault, share: float = 0.5) -> Iterator[None]:
        """Let a repository fail for a while."""
        self.fault(name, fault, share)
        try:
            yield
        finally:
            self.fault(name, Fault.NONE)

    def require(self, name: str, authorization: str) -> None:
        """Change the header that every request to a repository must carry; empty admits everybody."""
        self._switches[name].authorization = authorization

    def requests(self, name: str) -> tuple[Request, ...]:
        """Return what a repository was asked so far."""
        return tuple(self._switches[name].seen)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Drop what hangs, finish what runs, close the port."""
        for name in self._switches:
            self.fault(name, Fault.DOWN)
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def switches(self, name: str) -> _Switches | None:
        """Return how one repository behaves; for the handler."""
        return self._switches.get(name)


@contextmanager
def serving(folder: Path, certificate: ssl.SSLContext | None = None) -> Iterator[GitServer]:
    """Serve repositories below `folder` on a free port for a while; `certificate` makes it https."""
    server = GitServer(folder, certificate)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Server(http.server.ThreadingHTTPServer):
    owner: GitServer
    daemon_threads = False  # server_close() joins them, so that no socket outlives the server

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that went away is what some tests are about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = 60

    def do_GET(self) -> None:  # the name that http.server calls
        self._answer()

    def do_POST(self) -> None:  # the name that http.server calls
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the signature of http.server
        """Keep the terminal for the tests."""

    def _answer(self) -> None:
        url = urlsplit(self.path)
        name, _, rest = unquote(url.path).removeprefix("/").partition(".git")
        switches = self.server.owner.switches(name)
        if switches is None:
            self.send_error(404)
            return
        authorized = switches.authorization in ("", self.headers.get("Authorization", ""))
        switches.seen.append(Request(self.command, rest, url.query, authorized))
        body = self._body()
        if not authorized:
            self._refuse()
        elif not self._failed(switches, body):
            self._backend(f"/{name}.git{rest}", url.query, body, switches)

    def _failed(self, switches: _Switches, body: bytes) -> bool:
        fault, changed = switches.fault, switches.changed
        if fault is Fault.NO_PACKS and b"want " in body:
            fault = Fault.ERROR
        if fault is Fault.ERROR:
            self.send_error(500)
        elif fault is Fault.HANG:
            changed.wait()
            self._reset()
        elif fault is Fault.DOWN:
            self._reset()
        return fault in (Fault.ERROR, Fault.HANG, Fault.DOWN)

    def _refuse(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _reset(self) -> None:
        """Close without an answer, so that the client sees a reset connection."""
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def _backend(self, path: str, query: str, body: bytes, switches: _Switches) -> None:
        environment = self._environment(path, query, len(body))
        with subprocess.Popen(
            ["git", "http-backend"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        ) as backend:
            answer, _ = backend.communicate(body)
        head, _, content = answer.partition(b"\r\n\r\n")
        self._send(_headers(head), content, switches)

    def _environment(self, path: str, query: str, length: int) -> dict[str, str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROJECT_ROOT": str(self.server.owner.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_USER": "somebody",
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        protocol = self.headers.get("Git-Protocol", "")
        return (
            {**environment, "GIT_PROTOCOL": protocol, "HTTP_GIT_PROTOCOL": protocol}
            if protocol
            else environment
        )

    def _send(self, headers: Mapping[str, str], content: bytes, switches: _Switches) -> None:
        """Promise one content and perhaps send another; less than was promised breaks the connection."""
        spoiled = _spoiled(content, switches)
        status = int(headers.get("Status", "200").split()[0])
        self.send_response(status)
        for name, value in headers.items():
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if switches.fault is Fault.TRICKLE:
            self._trickle(spoiled, switches.changed)
        else:
            self.wfile.write(spoiled)
        if len(spoiled) < len(content):
            self._reset()

    def _trickle(self, content: bytes, changed: threading.Event) -> None:
        """Send a little every tenth of a second, until the fault changes."""
        with suppress(OSError):
            for start in range(0, len(content), 200):
                self.wfile.write(content[start : start + 200])
                if changed.wait(0.1):
                    return


def _spoiled(content: bytes, switches: _Switches) -> bytes:
    """Return what is sent in the place of an answer."""
    if switches.fault is Fault.CUT:
        return content[: int(len(content) * switches.share)]
    pack = content.find(b"PACK")
    at = pack + int((len(content) - pack) * switches.share)
    if pack >= 0 and switches.fault is Fault.PACK_CUT:
        return content[:at]
    if pack >= 0 and switches.fault is Fault.PACK_CHANGED:
        return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]
    return content


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n") if line)
    return {name: value.strip() for name, _, value in lines}
