"""Where charts come from: a Helm repository over HTTPS, and an OCI registry that lets nobody in without a password."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import socket
import ssl
import subprocess
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from e2e.controlplane import assemble
from e2e.harness.chart import Helm
from e2e.harness.waiting import eventually

USER, PASSWORD = "ada", "open-sesame"
_ENTRY = "ada:$2b$05$abcdefghijklmnopqrstuutXu9KzOt.1yBoZUeFWoT/914/JfszCO\n"
"""The line of a password file for them."""

SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-{{ .Chart.Name }}}
data: {colour: {{ .Values.colour }}, from: COLOUR}
"""


def packed(folder: Path, colour: str, *, name: str = "web", version: str = "1.2.3") -> Path:
    """Write the archive of a chart of one ConfigMap; another colour gives another archive."""
    files = {
        f"{name}/Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\n",
        f"{name}/values.yaml": "colour: grey\n",
        f"{name}/templates/settings.yaml": SETTINGS.replace("COLOUR", colour),
    }
    path = folder / f"{name}-{version}.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for place, content in files.items():
            member = tarfile.TarInfo(place)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return path


@dataclass(slots=True)
class HelmRepository:
    """A Helm repository; `seen` are the paths that were asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def publish(self, *archives: Path) -> None:
        """Offer charts, and no others."""
        entries = []
        for path in archives:
            name, _, version = path.name.removesuffix(".tgz").partition("-")
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            self.files[f"/{path.name}"] = content
            entries.append(
                f"  {name}:\n  - apiVersion: v2\n    name: {name}\n    digest: {digest}\n    version: {version}\n"
                f"    urls:\n    - {path.name}\n"
            )
        self.files["/index.yaml"] = ("apiVersion: v1\nentries:\n" + "".join(entries)).encode()


@contextmanager
def helm_repository(authority: trustme.CA) -> Iterator[HelmRepository]:
    """Serve a Helm repository over HTTPS for a while."""
    made = HelmRepository()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.seen.append(self.path)
            content = made.files.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the signature of http.server
            """Keep the terminal for the tests."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    made.url = f"https://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Registry:
    """An OCI registry; `url` begins with `oci://`."""

    url: str
    ca: Path

    def push(self, helm: Helm, archive: Path) -> None:
        """Push a chart as its author does."""
        who = ("--username", USER, "--password", PASSWORD, "--ca-file", str(self.ca))
        helm("push", str(archive), f"{self.url}/charts", *who)


@contextmanager
def registry(folder: Path, authority: trustme.CA) -> Iterator[Registry]:
    """Run the registry of the distribution project for a while, over HTTPS and with a password."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    pair = authority.issue_cert("127.0.0.1")
    pair.private_key_and_cert_chain_pem.write_to_path(folder / "pair.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    (folder / "passwords").write_text(_ENTRY)
    (folder / "config.yml").write_text("version: 0.1\n")
    environment = {
        "REGISTRY_HTTP_ADDR": address,
        "REGISTRY_HTTP_TLS_CERTIFICATE": str(folder / "pair.pem"),
        "REGISTRY_HTTP_TLS_KEY": str(folder / "pair.pem"),
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(folder / "stored"),
        "REGISTRY_AUTH": "htpasswd",
        "REGISTRY_AUTH_HTPASSWD_REALM": "tests",
        "REGISTRY_AUTH_HTPASSWD_PATH": str(folder / "passwords"),
        "OTEL_TRACES_EXPORTER": "none",
    }
    with _running(
        [str(assemble.registry(os.environ)), "serve", str(folder / "config.yml")], environment, folder
    ):
        trust = ssl.create_default_context(cafile=str(folder / "ca.pem"))

        def answers() -> bool:
            try:
                urllib.request.urlopen(f"https://{address}/v2/", timeout=5, context=trust)
            except urllib.error.HTTPError as error:
                return error.code == 401
            except OSError:
                return False
            return True

        eventually(answers, deadline=60.0, message=lambda: (folder / "log").read_text()[-2000:])
        yield Registry(f"oci://{address}", folder / "ca.pem")


@contextmanager
def _running(argv: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            argv, env=dict(environment), stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)
