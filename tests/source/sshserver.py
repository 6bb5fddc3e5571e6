"""A real ssh server on loopback that runs `git upload-pack` for one key."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh


class SshServer:
    """Where it is, what it is known by, and what it was asked."""

    def __init__(self, host_keys: Sequence[asyncssh.SSHKey]) -> None:
        self.port = 0
        self.host_keys = host_keys
        self.commands: list[str] = []

    @property
    def host_key(self) -> asyncssh.SSHKey:
        """The first of its keys."""
        return self.host_keys[0]

    def url(self, name: str) -> str:
        return f"ssh://git@127.0.0.1:{self.port}/{name}"

    def known_hosts(self) -> bytes:
        """The line of known_hosts by which a client knows this server."""
        return f"[127.0.0.1]:{self.port} ".encode() + self.host_key.export_public_key()


def locked(key: asyncssh.SSHKey, passphrase: str, folder: Path) -> bytes:
    """Return a private key in OpenSSH's own form, encrypted."""
    path = folder / "key"
    path.write_bytes(key.export_private_key("openssh"))
    path.chmod(0o600)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase, "-f", path],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    encrypted = path.read_bytes()
    path.unlink()
    return encrypted


async def _copy(read: Callable[[int], Awaitable[bytes]], write: Callable[[bytes], object]) -> None:
    while chunk := await read(64 * 1024):
        write(chunk)


@asynccontextmanager
async def serving(
    folder: Path, client_key: asyncssh.SSHKey, *host_keys: asyncssh.SSHKey
) -> AsyncIterator[SshServer]:
    """Serve the bare repositories of a folder to whoever has the key; a host key is made where none is given."""
    server = SshServer(host_keys or (asyncssh.generate_private_key("ssh-ed25519"),))

    async def handle(session: asyncssh.SSHServerProcess[bytes]) -> None:
        server.commands.append(session.command or "")
        name = (session.command or "").partition("'/")[2].rstrip("'")
        if not (folder / name).is_dir():
            session.stderr.write(b"ERROR: Repository not found.\n")
            session.exit(1)
            return
        git = await asyncio.create_subprocess_exec(
            "git",
            "upload-pack",
            str(folder / name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert git.stdin
        assert git.stdout
        asking = asyncio.create_task(_copy(session.stdin.read, git.stdin.write))
        await _copy(git.stdout.read, session.stdout.write)
        await session.stdout.drain()
        asking.cancel()
        git.stdin.close()
        session.exit(await git.wait())

    listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=list(server.host_keys),
        authorized_client_keys=asyncssh.import_authorized_keys(client_key.export_public_key().decode()),
        process_factory=handle,
        encoding=None,
    )
    server.port = listener.get_port()
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()
