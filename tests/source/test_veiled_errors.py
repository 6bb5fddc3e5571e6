"""With `--hide-connection-details`, an error does not tell what answers at an address; the log does."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import trustme
from structlog.testing import capture_logs
from towline.errors import Reason, SourceError, SpecError
from towline.source.access import Remote
from towline.source.mirror import Mirrors
from towline.source.public_addresses import Addresses

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import Fault, GitServer
from tests.source import badserver, sshserver
from tests.source.badserver import Answer

AUTHORITY = trustme.CA()
KEY = asyncssh.generate_private_key("ssh-ed25519")
MAIN = "refs/heads/main"
WITH_KEY: dict[str, Any] = {
    "key": KEY.export_private_key(),
    "known_hosts": b"other.example ssh-ed25519 AAAA\n",
}
WEB_PAGE = badserver.says("200 OK", b"<html>")
ANSWERS: dict[str, Answer] = {
    "silence": badserver.silence,
    "an endless answer": badserver.trickle,
    "a web page": WEB_PAGE,
    "not found": badserver.says("404 Not Found"),
    "a redirect": badserver.says("302 Found", b"", "text/html", "Location: https://git.example.com/"),
    "a failure": badserver.says("500 Internal Server Error"),
    "a limit": badserver.says("429 Too Many Requests"),
    "a question for credentials over http": badserver.says(
        "401 Unauthorized", b"", "text/html", "WWW-Authenticate: Basic"
    ),
}
"""What a port may answer that does not belong to a Git server."""


@pytest.fixture
async def discreet(tmp_path: Path) -> AsyncIterator[Mirrors]:
    made = Mirrors(tmp_path / "discreet", discreet=True)
    yield made
    await made.aclose()


def certified(host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(host).configure_cert(context)
    return context


@contextmanager
def closed_port() -> Iterator[int]:
    """Keep a port to which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@asynccontextmanager
async def nothing_there(scheme: str) -> AsyncIterator[Remote]:
    with closed_port() as port:
        remote = Remote(url=f"{scheme}://127.0.0.1:{port}/app.git")
        yield replace(remote, **WITH_KEY) if scheme == "ssh" else remote


async def told(mirrors: Mirrors, remote: Remote) -> tuple[str, str, str]:
    """Return the reason and the message of a look, without the url, and what the log says of it."""
    with capture_logs() as lines, pytest.raises(SourceError) as raised:
        await mirrors.look(remote, 1.0)
    (line,) = lines or [{"error": ""}]
    return raised.value.reason, raised.value.message.replace(remote.url, "…"), line["error"]


@pytest.fixture
async def refused(discreet: Mirrors) -> tuple[str, str]:
    """What is said of a port that is closed."""
    async with nothing_there("http") as remote:
        reason, message, log = await told(discreet, remote)
    assert reason == Reason.GIT_UNAVAILABLE
    assert "cannot reach" not in message
    assert "cannot reach" in log
    return reason, message


@pytest.mark.parametrize("name", ANSWERS)
async def test_whatever_answers_reads_as_if_the_port_were_closed(
    discreet: Mirrors, refused: tuple[str, str], name: str
) -> None:
    async with badserver.answering(ANSWERS[name]) as bad:
        *said, log = await told(discreet, Remote(url=bad.url))
    assert tuple(said) == refused
    assert log != ""


@pytest.mark.parametrize("host", ["127.0.0.1", "git.example.com"])
async def test_a_port_that_speaks_tls_reads_as_if_it_were_closed(
    discreet: Mirrors, refused: tuple[str, str], host: str
) -> None:
    async with badserver.answering(WEB_PAGE, certified(host)) as bad:
        for url in (bad.url, bad.url.replace("https", "http")):
            *said, _ = await told(discreet, Remote(url=url))
            assert tuple(said) == refused
        *said, _ = await told(discreet, Remote(url=bad.url, ca=AUTHORITY.cert_pem.bytes()))
        assert tuple(said) == refused


@pytest.mark.parametrize("scheme", ["https", "ssh"])
async def test_a_closed_port_reads_the_same_for_every_scheme(
    discreet: Mirrors, refused: tuple[str, str], scheme: str
) -> None:
    async with nothing_there(scheme) as remote:
        *said, _ = await told(discreet, remote)
    assert tuple(said) == refused


async def test_a_host_that_does_not_exist_reads_as_if_its_port_were_closed(
    discreet: Mirrors, refused: tuple[str, str]
) -> None:
    *said, _ = await told(discreet, Remote(url="https://nowhere.invalid/app.git"))
    assert tuple(said) == refused


async def test_a_name_that_leads_to_a_refused_address_reads_as_if_it_did_not_exist(
    refused: tuple[str, str], tmp_path: Path
) -> None:
    mirrors = Mirrors(tmp_path, addresses=Addresses(lambda _host, _port: ("10.0.0.1",)), discreet=True)
    *said, log = await told(mirrors, Remote(url="https://vault.internal.example/app.git"))
    assert tuple(said) == refused
    assert "not public" in log


@pytest.mark.parametrize("host", ["10.0.0.1", "[fd00::1]"])
async def test_an_address_in_the_url_that_is_refused_is_told_as_it_says_nothing_new(
    tmp_path: Path, host: str
) -> None:
    mirrors = Mirrors(tmp_path, addresses=Addresses(), discreet=True)
    with pytest.raises(SpecError, match="not public"):
        await mirrors.look(Remote(url=f"https://{host}/app.git"), 1.0)


async def test_an_ssh_server_with_another_host_key_reads_as_if_its_port_were_closed(
    discreet: Mirrors, refused: tuple[str, str], tmp_path: Path
) -> None:
    async with sshserver.serving(tmp_path, KEY) as ssh:
        asked = Remote(url=ssh.url("app.git"), key=KEY.export_private_key(), known_hosts=ssh.known_hosts())
        stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key()
        for known in (b"other.example ssh-ed25519 AAAA\n", f"[127.0.0.1]:{ssh.port} ".encode() + stranger):
            *said, log = await told(discreet, replace(asked, known_hosts=known))
            assert tuple(said) == refused
            assert "known_hosts" in log


async def test_rejected_credentials_are_told_where_the_host_has_proved_who_it_is(discreet: Mirrors) -> None:
    answer = badserver.says("401 Unauthorized", b"", "text/html", "WWW-Authenticate: Basic")
    async with badserver.answering(answer, certified("127.0.0.1")) as bad:
        remote = Remote(url=bad.url, username="ada", password="s3cr3t", ca=AUTHORITY.cert_pem.bytes())
        reason, message, log = await told(discreet, remote)
    assert reason == Reason.AUTHENTICATION_FAILED
    assert "rejected the credentials" in message
    assert log == ""


async def test_a_fetch_that_meets_another_server_than_the_look_reads_as_if_the_port_were_closed(
    discreet: Mirrors, refused: tuple[str, str], repo: Repo, server: GitServer
) -> None:
    sha = repo.commit({"a.yaml": "a"})
    with server.failing(repo.path.stem, Fault.HANG), pytest.raises(SourceError) as raised:
        await discreet.fetch(Remote(url=repo.url), MAIN, sha, 1.0)
    assert (raised.value.reason, raised.value.message.replace(repo.url, "…")) == refused


async def test_without_the_flag_each_of_them_is_told(mirrors: Mirrors) -> None:
    async with nothing_there("http") as remote:
        reason, message, log = await told(mirrors, remote)
    assert (reason, log) == (Reason.GIT_UNAVAILABLE, "")
    assert "cannot reach" in message
