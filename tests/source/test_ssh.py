"""Repositories behind ssh: the key and the hosts of the Secret, and nothing of the user's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from towline.errors import Reason, SourceError
from towline.source.access import Remote
from towline.source.mirror import Mirrors

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from tests.source import processes, sshserver
from tests.source.sshserver import SshServer
from tests.source.waiting import until

MAIN = "refs/heads/main"
KEY = asyncssh.generate_private_key("ssh-ed25519")
PASSPHRASE = "s3cr3t 'quoted' $HOME \\n"


@pytest.fixture
async def ssh(server: GitServer) -> AsyncIterator[SshServer]:
    async with sshserver.serving(server.folder, KEY) as running:
        yield running


def remote(ssh: SshServer, repo: Repo) -> Remote:
    return Remote(url=ssh.url(repo.path.name), key=KEY.export_private_key(), known_hosts=ssh.known_hosts())


async def refused(mirrors: Mirrors, asked: Remote) -> SourceError:
    with pytest.raises(SourceError) as raised:
        await mirrors.look(asked, 20.0)
    assert raised.value.message.isprintable()
    return raised.value


async def test_a_repository_is_read_with_the_key_of_the_secret(
    mirrors: Mirrors, repo: Repo, ssh: SshServer
) -> None:
    sha = repo.commit({"a.yaml": "a: 1\n"})
    asked = remote(ssh, repo)
    assert (await mirrors.look(asked, 20.0)).names[MAIN] == sha
    await mirrors.fetch(asked, MAIN, sha, 20.0)
    assert [entry.path for entry in await mirrors.entries(asked, sha, ".")] == ["a.yaml"]


async def test_a_commit_is_found_on_a_server_that_gives_out_nothing_but_refs(
    mirrors: Mirrors, repo: Repo, ssh: SshServer
) -> None:
    repo.git("config", "uploadpack.allowAnySHA1InWant", "false")
    old = repo.commit({"a.yaml": "old"})
    repo.commit({"a.yaml": "new"})
    repo.tag("v1")
    lost = repo.commit({"a.yaml": "lost"}, branch="gone")
    repo.delete_branch("gone")
    asked = remote(ssh, repo)
    await mirrors.fetch(asked, old, old, 20.0)
    assert (await mirrors.revision(asked, old)).sha == old
    with pytest.raises(SourceError, match="no branch or tag") as raised:
        await mirrors.fetch(asked, lost, lost, 20.0)
    assert raised.value.reason == Reason.REF_NOT_FOUND


async def test_a_key_with_a_passphrase_is_opened_and_a_wrong_one_never_asks(
    mirrors: Mirrors, repo: Repo, ssh: SshServer, tmp_path: Path
) -> None:
    sha = repo.commit({"a.yaml": "a"})
    key = await asyncio.to_thread(sshserver.locked, KEY, PASSPHRASE, tmp_path)
    locked = replace(remote(ssh, repo), key=key, password=PASSPHRASE)
    assert (await mirrors.look(locked, 20.0)).names[MAIN] == sha
    error = await refused(mirrors, replace(locked, password="wr0ng"))
    assert error.reason == Reason.AUTHENTICATION_FAILED
    assert "wr0ng" not in error.message


async def test_another_key_is_not_let_in(mirrors: Mirrors, repo: Repo, ssh: SshServer) -> None:
    repo.commit({"a.yaml": "a"})
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key()
    error = await refused(mirrors, replace(remote(ssh, repo), key=other))
    assert error.reason == Reason.AUTHENTICATION_FAILED


@pytest.mark.parametrize("known", ["nothing", "another key", "another host"])
async def test_a_server_that_is_not_known_is_not_asked(
    mirrors: Mirrors, repo: Repo, ssh: SshServer, known: str
) -> None:
    repo.commit({"a.yaml": "a"})
    lines = {
        "nothing": b"# nobody\n",
        "another key": ssh.known_hosts().split(b" ")[0]
        + b" "
        + asyncssh.generate_private_key("ssh-ed25519").export_public_key(),
        "another host": b"git.example.com " + ssh.host_key.export_public_key(),
    }
    error = await refused(mirrors, replace(remote(ssh, repo), known_hosts=lines[known]))
    assert (error.reason, ssh.commands) == (Reason.HOST_KEY_MISMATCH, [])


async def test_a_repository_that_is_not_there_is_not_found(
    mirrors: Mirrors, repo: Repo, ssh: SshServer
) -> None:
    error = await refused(mirrors, replace(remote(ssh, repo), url=ssh.url("nowhere.git")))
    assert error.reason == Reason.AUTHENTICATION_FAILED
    assert "not found" in error.message


async def test_a_silent_ssh_server_is_left_in_time(mirrors: Mirrors, repo: Repo, ssh: SshServer) -> None:
    asked = remote(ssh, repo)

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)
        writer.close()

    silent = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    with pytest.raises(SourceError) as raised:
        await mirrors.look(replace(asked, url=f"ssh://git@127.0.0.1:{port}/x"), 1.0)
    silent.close()
    assert raised.value.reason == Reason.GIT_TIMEOUT
    await until(lambda: not processes.shown(mentioning=f"127.0.0.1:{port}"), 2.0)


async def test_no_process_and_no_file_shows_the_key(
    mirrors: Mirrors, repo: Repo, ssh: SshServer, tmp_path: Path
) -> None:
    locked = await asyncio.to_thread(sshserver.locked, KEY, PASSPHRASE, tmp_path)
    asked = replace(remote(ssh, repo), key=locked, password=PASSPHRASE)
    looking = asyncio.create_task(mirrors.look(asked, 20.0))
    await until(lambda: len(processes.shown(mentioning=f"{ssh.port}")) >= 2)
    shown = processes.shown(mentioning=f"{ssh.port}")
    await asyncio.gather(looking, return_exceptions=True)
    for text in (*shown.values(), *contents(tmp_path)):
        assert PASSPHRASE.encode() not in text
        assert locked.splitlines()[1] not in text


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
