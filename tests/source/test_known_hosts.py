"""Which servers a known_hosts names, in every form that ssh has for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping

import asyncssh
import pytest
from towline.errors import Reason, SourceError
from towline.source.access import Remote
from towline.source.mirror import Mirrors

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from tests.source import sshserver
from tests.source.sshserver import SshServer

KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")
CLIENT = asyncssh.generate_private_key("ssh-ed25519")
RIGHT = {kind: asyncssh.generate_private_key(kind) for kind in KINDS}
WRONG = {kind: asyncssh.generate_private_key(kind) for kind in KINDS}


@pytest.fixture
async def ssh(server: GitServer) -> AsyncIterator[SshServer]:
    async with sshserver.serving(server.folder, CLIENT, *RIGHT.values()) as running:
        yield running


def line(host: str, keys: Mapping[str, asyncssh.SSHKey], *kinds: str) -> bytes:
    public = (keys[kind].export_public_key().decode() for kind in kinds)
    return "".join(f"{host} {key}" for key in public).encode()


def hashed(host: str) -> str:
    """A host as `ssh-keygen -H` writes it."""
    salt = b"a salt of 20 letters"
    digest = hmac.new(salt, host.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def asked(ssh: SshServer, repo: Repo, known_hosts: bytes) -> Remote:
    return Remote(
        url=ssh.url(repo.path.name), key=CLIENT.export_private_key("openssh"), known_hosts=known_hosts
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "form", ["[127.0.0.1]:{}", "hashed", "git.example.com,[127.0.0.1]:{}", "[127.0.0.*]:*"]
)
async def test_a_server_with_many_keys_is_known_by_one_of_them(
    mirrors: Mirrors, repo: Repo, ssh: SshServer, kind: str, form: str
) -> None:
    sha = repo.commit({"a.yaml": "a"})
    host = hashed(f"[127.0.0.1]:{ssh.port}") if form == "hashed" else form.format(ssh.port)
    offered = await mirrors.look(asked(ssh, repo, line(host, RIGHT, kind)), 20.0)
    assert offered.names["refs/heads/main"] == sha


@pytest.mark.parametrize("kinds", [KINDS[:1], KINDS], ids=["one key", "every key"])
async def test_a_server_whose_key_has_changed_is_not_asked_and_people_are_warned(
    mirrors: Mirrors, repo: Repo, ssh: SshServer, kinds: tuple[str, ...]
) -> None:
    repo.commit({"a.yaml": "a"})
    known = line(f"[127.0.0.1]:{ssh.port}", WRONG, *kinds)
    with pytest.raises(SourceError, match="another host key") as raised:
        await mirrors.look(asked(ssh, repo, known), 20.0)
    assert raised.value.reason == Reason.HOST_KEY_MISMATCH
    assert ssh.commands == []


async def test_a_revoked_key_is_not_trusted(mirrors: Mirrors, repo: Repo, ssh: SshServer) -> None:
    repo.commit({"a.yaml": "a"})
    known = line(f"[127.0.0.1]:{ssh.port}", RIGHT, *KINDS)
    revoked = b"".join(b"@revoked " + each + b"\n" for each in known.splitlines())
    with pytest.raises(SourceError) as raised:
        await mirrors.look(asked(ssh, repo, known + revoked), 20.0)
    assert raised.value.reason == Reason.HOST_KEY_MISMATCH


async def test_a_weak_host_key_is_the_fault_of_the_server_and_not_of_the_secret(
    mirrors: Mirrors, server: GitServer, repo: Repo
) -> None:
    repo.commit({"a.yaml": "a"})
    weak = {"ssh-rsa": asyncssh.generate_private_key("ssh-rsa", key_size=1024)}
    async with sshserver.serving(server.folder, CLIENT, *weak.values()) as ssh:
        known = line(f"[127.0.0.1]:{ssh.port}", weak, "ssh-rsa")
        with pytest.raises(SourceError, match="its administrator has to replace it") as raised:
            await mirrors.look(asked(ssh, repo, known), 20.0)
    assert raised.value.reason == Reason.HOST_KEY_MISMATCH


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_identity_is_let_in(
    mirrors: Mirrors, server: GitServer, repo: Repo, kind: str
) -> None:
    sha = repo.commit({"a.yaml": "a"})
    async with sshserver.serving(server.folder, WRONG[kind], RIGHT["ssh-ed25519"]) as ssh:
        remote = Remote(
            url=ssh.url(repo.path.name),
            key=WRONG[kind].export_private_key("openssh"),
            known_hosts=ssh.known_hosts(),
        )
        assert (await mirrors.look(remote, 20.0)).names["refs/heads/main"] == sha
