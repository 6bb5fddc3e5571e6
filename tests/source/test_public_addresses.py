"""With `--deny-private-addresses`, nothing inside the operator's own network is ever asked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import asyncssh
import pytest
from towline.errors import Reason, SourceError, SpecError
from towline.source import gitconfig
from towline.source.access import Remote
from towline.source.gitconfig import Files
from towline.source.mirror import Mirrors
from towline.source.public_addresses import Addresses

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from tests.source import badserver, sshserver

URL = "https://git.example.com/a"
MAIN = "refs/heads/main"


def leading_to(*found: str) -> Addresses:
    """Make a resolver for which every host has the given addresses."""
    return Addresses(lambda _host, _port: found)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "0.0.0.0",  # noqa: S104  it leads to ourselves
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::127.0.0.1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "2001:db8::1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2001:0:a00:1::f5ff:fffe",
    ],
)
async def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    for found in ((address,), ("93.184.215.14", address)):
        with pytest.raises(SpecError, match="not public") as raised:
            await leading_to(*found).pinned(Remote(url=URL))
        assert raised.value.reason == Reason.INVALID_URL
        assert address not in raised.value.message


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]
)
async def test_a_public_address_is_the_one_that_is_asked(address: str) -> None:
    remote = await leading_to(address, "8.8.8.8").pinned(Remote(url=URL, token="t"))
    assert (remote.address, remote.token) == (address, "t")


async def test_a_host_without_an_address_is_unavailable() -> None:
    def fail(_host: str, _port: int) -> Iterable[str]:
        raise OSError("no such host")

    with pytest.raises(SourceError) as raised:
        await Addresses(fail).pinned(Remote(url=URL))
    assert raised.value.reason == Reason.GIT_UNAVAILABLE


@pytest.fixture
def silent() -> Iterator[Addresses]:
    """A resolver that answers nobody until the test is over."""
    over = threading.Event()

    def wait(_host: str, _port: int) -> Iterable[str]:
        over.wait(30)
        return ("93.184.215.14",)

    yield Addresses(wait)
    over.set()


async def test_a_resolver_that_is_silent_ends_with_the_timeout(silent: Addresses, tmp_path: Path) -> None:
    mirrors = Mirrors(tmp_path, addresses=silent)
    with pytest.raises(SourceError) as raised:
        await mirrors.look(Remote(url=URL), 0.3)
    assert raised.value.reason == Reason.GIT_TIMEOUT


def test_a_resolver_that_is_silent_does_not_keep_the_process_alive() -> None:
    program = """
import asyncio, time
from towline.source.access import Remote
from towline.source.public_addresses import Addresses

async def ask():
    addresses = Addresses(lambda host, port: time.sleep(60))
    try:
        await asyncio.wait_for(addresses.pinned(Remote(url="https://git.example.com/a")), 0.2)
    except TimeoutError:
        print("gave up")

asyncio.run(ask())
"""
    began = time.monotonic()
    answer = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=50
    )
    assert answer.stdout == "gave up\n"
    assert time.monotonic() - began < 30


async def test_lookups_that_were_given_up_make_room_for_others() -> None:
    answer = threading.Event()

    def resolve(host: str, _port: int) -> Iterable[str]:
        if host == "silent.example.com":
            answer.wait(30)
        return ("93.184.215.14",)

    addresses = Addresses(resolve)
    asked = [addresses.pinned(Remote(url="https://silent.example.com/a")) for _ in range(40)]
    waiting = asyncio.gather(*asked)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    answer.set()
    async with asyncio.timeout(10):
        assert (await addresses.pinned(Remote(url=URL))).address == "93.184.215.14"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_a_server_of_our_own_network_is_never_asked(tmp_path: Path, host: str) -> None:
    mirrors = Mirrors(tmp_path, addresses=Addresses())
    async with badserver.answering(badserver.silence) as bad:
        url = bad.url.replace("127.0.0.1", host)
        with pytest.raises(SpecError) as raised:
            await mirrors.look(Remote(url=url), 10.0)
        with pytest.raises(SpecError):
            await mirrors.fetch(Remote(url=url), MAIN, "a" * 40, 10.0)
        assert bad.connections == 0
    assert raised.value.reason == Reason.INVALID_URL


async def test_a_name_that_leads_elsewhere_a_moment_later_leads_nowhere(tmp_path: Path) -> None:
    found = iter([("93.184.215.14",), ("127.0.0.1",)])
    addresses = Addresses(lambda _host, _port: next(found))
    async with badserver.answering(badserver.silence) as bad:
        remote = Remote(url=bad.url.replace("127.0.0.1", "localhost"))
        assert (await addresses.pinned(remote)).address == "93.184.215.14"
        with pytest.raises(SpecError):
            await Mirrors(tmp_path, addresses=addresses).look(remote, 10.0)
        assert bad.connections == 0


class Pinned(Addresses):
    """Leads every name to loopback, which the real one would refuse."""

    async def pinned(self, remote: Remote) -> Remote:
        return Remote(url=remote.url, key=remote.key, known_hosts=remote.known_hosts, address="127.0.0.1")


@pytest.mark.parametrize("host", ["git.invalid", "git.invalid."])
async def test_the_name_is_not_looked_up_again_by_git(repo: Repo, tmp_path: Path, host: str) -> None:
    sha = repo.commit({"a.yaml": "a"})
    mirrors = Mirrors(tmp_path, addresses=Pinned())
    remote = Remote(url=repo.url.replace("127.0.0.1", host))
    assert (await mirrors.look(remote, 10.0)).names[MAIN] == sha
    await mirrors.fetch(remote, MAIN, sha, 10.0)


async def test_the_name_is_not_looked_up_again_by_ssh(repo: Repo, server: GitServer, tmp_path: Path) -> None:
    sha = repo.commit({"a.yaml": "a"})
    key = asyncssh.generate_private_key("ssh-ed25519")
    mirrors = Mirrors(tmp_path, addresses=Pinned())
    async with sshserver.serving(server.folder, key) as ssh:
        remote = Remote(
            url=ssh.url(repo.path.name).replace("127.0.0.1", "git.invalid"),
            key=key.export_private_key(),
            known_hosts=ssh.known_hosts().replace(b"127.0.0.1", b"git.invalid"),
        )
        assert (await mirrors.look(remote, 20.0)).names[MAIN] == sha


def test_an_address_in_the_url_is_no_name_that_git_could_look_up() -> None:
    remote = Remote(url="https://[2606:2800::1]/a", address="2606:2800::1")
    assert b"curloptResolve" not in gitconfig.render(remote, Files())


@pytest.mark.parametrize(
    ("host", "known"), [("git.example.com", "git.example.com"), ("git.example.com:22", "git.example.com")]
)
def test_the_host_key_is_that_of_the_name_and_not_of_the_address(host: str, known: str) -> None:
    remote = Remote(url=f"ssh://git@{host}/a", address="93.184.215.14")
    assert f"'HostKeyAlias={known}'".encode() in gitconfig.render(remote, Files())
