from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import pytest
from towline.errors import Reason, SourceError, SpecError
from towline.source.access import Remote
from towline.source.addresses import Addresses
from towline.source.mirror import Mirrors

from e2e.harness.gitrepo import Repo
from tests.source import badserver

URL = "https://git.example.com/a"


@pytest.fixture
async def leading_to() -> AsyncIterator[Callable[..., Addresses]]:
    """Make a resolver for which every host has the given addresses."""
    made: list[Addresses] = []

    def make(*found: str) -> Addresses:
        made.append(Addresses(lambda _host, _port: found))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  it leads to ourselves
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "2001:0:a00:1::f5ff:fffe",
    ],
)
async def test_an_address_that_is_not_public_is_refused(
    leading_to: Callable[..., Addresses], address: str
) -> None:
    for found in ((address,), ("93.184.215.14", address)):
        with pytest.raises(SpecError, match="not public") as raised:
            await leading_to(*found).pinned(Remote(url=URL))
        assert raised.value.reason == Reason.INVALID_URL


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
async def test_a_public_address_is_the_one_that_is_asked(
    leading_to: Callable[..., Addresses], address: str
) -> None:
    remote = await leading_to(address, "8.8.8.8").pinned(Remote(url=URL, token="t"))
    assert (remote.address, remote.token) == (address, "t")


async def test_a_host_without_an_address_is_unavailable(leading_to: Callable[..., Addresses]) -> None:
    def fail(_host: str, _port: int) -> Iterable[str]:
        raise OSError("no such host")

    addresses = Addresses(fail)
    with pytest.raises(SourceError) as raised:
        await addresses.pinned(Remote(url=URL))
    addresses.close()
    assert raised.value.reason == Reason.GIT_UNAVAILABLE


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_a_server_of_our_own_network_is_never_asked(tmp_path: Path, host: str) -> None:
    addresses = Addresses()
    mirrors = Mirrors(tmp_path, addresses=addresses)
    async with badserver.answering(badserver.silence) as bad:
        with pytest.raises(SpecError) as raised:
            await mirrors.look(Remote(url=bad.url.replace("127.0.0.1", host)), 10.0)
        assert bad.connections == 0
    addresses.close()
    assert raised.value.reason == Reason.INVALID_URL


class Pinned(Addresses):
    """Leads every name to loopback, which the real one would refuse."""

    async def pinned(self, remote: Remote) -> Remote:
        return Remote(url=remote.url, address="127.0.0.1")


async def test_the_name_is_not_looked_up_again_by_git(repo: Repo, tmp_path: Path) -> None:
    sha = repo.commit({"a.yaml": "a"})
    addresses = Pinned()
    mirrors = Mirrors(tmp_path, addresses=addresses)
    remote = Remote(url=repo.url.replace("127.0.0.1", "git.invalid"))
    assert (await mirrors.look(remote, 10.0)).names["refs/heads/main"] == sha
    await mirrors.fetch(remote, "refs/heads/main", sha, 10.0)
    addresses.close()
