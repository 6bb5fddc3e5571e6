"""Servers of charts on loopback, over TLS: whatever files they are given, and a registry that asks for tokens."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import ssl
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trustme
from aiohttp import web

AUTHORITY = trustme.CA()
CLIENTS = trustme.CA()
PAIR = "Basic " + base64.b64encode(b"ada:open-sesame").decode()
CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


@dataclass(slots=True)
class FileServer:
    """Answers with files by path, or with redirects; `authorization` is what every request must carry.

    `seen` are the paths that were asked for, each with the header Authorization that came along.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    authorization: str = ""
    token: str = ""
    realm: str = ""
    url: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.url.removeprefix("https://")

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        sent = request.headers.get("Authorization", "")
        self.seen.append((request.path, sent))
        if request.path == "/token":
            given = sent in {"", self.authorization}
            return web.json_response({"token": self.token}) if given else web.Response(status=401)
        if self.token and sent != f"Bearer {self.token}":
            challenge = f'Bearer realm="{self.realm or self.url}/token",service="tests",scope="any"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        if not self.token and self.authorization and sent != self.authorization:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="tests"'})
        if request.path in self.moved:
            return web.Response(status=302, headers={"Location": self.moved[request.path]})
        found = self.files.get(request.path)
        return web.Response(status=404) if found is None else web.Response(body=found)

    def publish(
        self, *packed: bytes, name: str = "web", version: str = "1.2.3", digest: str | None = None
    ) -> None:
        """Put a chart into the index of a Helm repository at `/charts`."""
        (content,) = packed
        told = hashlib.sha256(content).hexdigest() if digest is None else digest
        self.files[f"/charts/{name}-{version}.tgz"] = content
        self.files["/charts/index.yaml"] = (
            "apiVersion: v1\nentries:\n"
            f"  other:\n  - name: other\n    version: {version}\n    urls: [other.tgz]\n"
            f"  {name}:\n  - apiVersion: v2\n    appVersion: {version}\n    name: {name}\n    version: 9.9.9\n"
            "    urls:\n    - none.tgz\n"
            f"  - apiVersion: v2\n    name: {name}\n    description: |\n      a\n      - b\n"
            f"    digest: {told}\n    urls:\n    - {name}-{version}.tgz\n    version: {version}\n"
            "  zebra: []\ngenerated: now\n"
        ).encode()

    def push(self, content: bytes, place: str = "charts/web", tag: str = "1.2.3") -> None:
        """Put a chart into a registry."""
        layer = f"sha256:{hashlib.sha256(content).hexdigest()}"
        manifest = {
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json"},
            "layers": [{"mediaType": CONTENT, "digest": layer, "size": len(content)}],
        }
        self.files[f"/v2/{place}/manifests/{tag}"] = json.dumps(manifest).encode()
        self.files[f"/v2/{place}/blobs/{layer}"] = content


@asynccontextmanager
async def serving(server: FileServer, *, asks_for_certificate: bool = False) -> AsyncIterator[FileServer]:
    """Serve over TLS on a free port for a while."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    if asks_for_certificate:
        CLIENTS.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    runner = web.ServerRunner(web.Server(server.handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    server.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def packed(files: Mapping[str, bytes | str | tarfile.TarInfo] | None = None) -> bytes:
    """Return a packed chart; a value that is a TarInfo is a member as it is."""
    given = files or {
        "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.2.3\n",
        "web/templates/a.yaml": "a: b\n",
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, content in given.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            raw = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(path)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return gzip.compress(out.getvalue(), mtime=0)
