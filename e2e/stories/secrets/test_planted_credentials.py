"""What a repository is opened with goes to its server, and nothing that the server says of it comes back."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import quote, quote_plus

import asyncssh
import pytest
import trustme

from e2e.harness import gitserver, repositories
from e2e.harness.cluster import Cluster
from e2e.harness.repositories import Repository
from e2e.scenes import manifests, planted_values
from e2e.scenes.planted_values import Planted, Scene
from tests.source import badserver, sshserver

AUTHORITY = trustme.CA()
CA = {"ca.crt": AUTHORITY.cert_pem.bytes().decode()}
ODD = "\"\\;#'"
"""What a token may hold, and a careless script stumbles over."""


@pytest.fixture
def certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def secure(tmp_path: Path, certificate: ssl.SSLContext) -> Iterator[gitserver.GitServer]:
    """A Git server over https, whose authority no system knows."""
    with gitserver.serving(tmp_path / "git", certificate) as running:
        yield running


@pytest.fixture
def follow(cluster: Cluster, namespace: str) -> Callable[..., Repository]:
    """Follow a url with a Secret of these entries; both are called by a name."""

    def create(name: str, url: str, **entries: str) -> Repository:
        cluster.create(manifests.secret(name, namespace, **entries))
        spec = {"url": url, "secretRef": {"name": name}, "timeout": "5s"}
        return repositories.create(cluster, namespace, name, **spec)

    return create


def test_a_password_and_a_token_that_open_a_repository_leave_no_trace(
    scene: Scene, secure: gitserver.GitServer, follow: Callable[..., Repository], namespace: str
) -> None:
    password, token = values = [planted_values.plant(), planted_values.plant()]
    basic = secure.create("basic", authorization=f"Basic {_encoded(f'ada:{password.sharp}')}")
    bearer = secure.create("bearer", authorization=f"Bearer {token.core}{ODD}")
    shas = [repo.commit(manifests.config_maps([repo.path.stem])) for repo in (basic, bearer)]
    for app, sha in zip(
        [
            follow("basic", basic.url, username="ada", password=password.sharp, **CA),
            follow("bearer", bearer.url, bearerToken=f"{token.core}{ODD}", **CA),
        ],
        shas,
        strict=True,
    ):
        app.until_ready(sha)
    assert planted_values.traces(scene.shown(namespace), values) == []
    assert scene.onlooker.saw("index-pack")  # it looked at the processes of git


async def test_a_key_and_its_passphrase_leave_no_trace_whether_they_fit_or_not(
    scene: Scene,
    secure: gitserver.GitServer,
    follow: Callable[..., Repository],
    namespace: str,
    tmp_path: Path,
) -> None:
    passphrase, wrong = planted_values.plant(), planted_values.plant()
    key = asyncssh.generate_private_key("ssh-ed25519")
    locked = sshserver.locked(key, passphrase.sharp, tmp_path).decode()
    lines = [Planted(line) for line in locked.splitlines()[2:4]]
    repo = secure.create("by-ssh")
    sha = repo.commit(manifests.config_maps(["by-ssh"]))
    async with sshserver.serving(tmp_path / "git", key) as server:
        given = {"identity": locked, "known_hosts": server.known_hosts().decode()}
        good = follow("good", server.url("by-ssh.git"), password=passphrase.sharp, **given)
        await asyncio.to_thread(good.until_ready, sha)
        bad = follow("bad", server.url("by-ssh.git"), password=wrong.sharp, **given)
        await asyncio.to_thread(bad.until_reason, "AuthenticationFailed")
        shown = scene.shown(namespace)
        scene.operator.stop()  # while there is a server: git waits for one that is gone
    assert planted_values.traces(shown, [passphrase, wrong, *lines]) == []
    assert scene.onlooker.saw("git-upload-pack ")


async def test_a_server_that_quotes_a_credential_is_not_quoted(
    scene: Scene,
    certificate: ssl.SSLContext,
    follow: Callable[..., Repository],
    namespace: str,
) -> None:
    password, token = values = [planted_values.plant(), planted_values.plant()]
    answers = {"403 Forbidden": "AuthenticationFailed", "500 Oh no": "GitUnavailable", "": "GitUnavailable"}
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(badserver.answering(_quoting(answer), certificate))
            for answer in answers
        ]
        apps = [
            (
                follow(f"basic-{number}", server.url, username="ada", password=password.sharp, **CA),
                follow(f"bearer-{number}", server.url, bearerToken=f"{token.core}{ODD}", **CA),
            )
            for number, server in enumerate(servers)
        ]
        for pair, reason in zip(apps, answers.values(), strict=True):
            for app in pair:
                await asyncio.to_thread(app.until_reason, reason)
    assert all(token.core.encode() in b"".join(server.requests) for server in servers)
    shown = scene.shown(namespace)
    assert planted_values.traces(shown, values) == []
    assert b"remote error: no entry with" in shown[namespace]


def _quoting(status: str) -> badserver.Answer:
    """Quote the credential in every way that servers do: in the body of an answer, or as an error of the protocol."""

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        found = re.search(rb"(?i)^authorization: (?:basic|bearer) (.*?)\r$", request, re.MULTILINE)
        if found is None:
            await badserver.says(
                "401 Unauthorized", b"", "text/plain", 'WWW-Authenticate: Basic realm="git"'
            )(request, writer)
            return
        text = "; ".join(_forms(found[1].decode("latin-1")))
        if not status:
            packet = f"ERR no entry with {text}"
            lines = f"001e# service=git-upload-pack\n0000{len(packet.encode()) + 4:04x}{packet}"
            kind = "application/x-git-upload-pack-advertisement"
            await badserver.says("200 OK", lines.encode(), kind)(request, writer)
        else:
            await badserver.says(status, text.encode(), "text/plain")(request, writer)

    return answer


def _forms(sent: str) -> Iterator[str]:
    try:
        plain = base64.b64decode(sent, validate=True).decode()
    except ValueError:
        plain = sent
    for text in (sent, plain, plain.partition(":")[2] or plain):
        yield from (text, quote(text), quote_plus(text), quote(text, safe="").lower(), json.dumps(text))
        yield _encoded(text)
        yield base64.urlsafe_b64encode(f"x{text}".encode()).decode()
        yield _encoded(f"xy{text}")


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
