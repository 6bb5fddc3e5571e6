"""The binary asks a server of Vault through its confinement; a stand-in answers as the transit engine does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from towline.render.sops.encrypted_files import EncryptedFileError
from towline.render.sops.opened_files import UnopenedError

from tests.render.sops import sops_cli
from tests.render.sops.test_sops_binary import opened

TOKEN = "s.token-of-vault"


@dataclass(slots=True)
class Vault:
    """A server of Vault that keeps nothing secret; `tokens` are those of its clients."""

    port: int = 0
    denies: bool = False
    tokens: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n"))
        }
        self.tokens.append(headers.get("x-vault-token", ""))
        asked = json.loads(await reader.readexactly(int(headers["content-length"])))
        body: dict[str, object]
        if "plaintext" in asked:
            body = {"data": {"ciphertext": f"vault:v1:{asked['plaintext']}"}}
        else:
            body = {"data": {"plaintext": asked["ciphertext"].removeprefix("vault:v1:")}}
        if self.denies:
            body = {"errors": [f"permission denied for {self.tokens[-1]}"]}
        content = json.dumps(body).encode()
        status = "403 Forbidden" if self.denies else "200 OK"
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode()
        )
        writer.write(content)
        await writer.drain()
        writer.close()


@pytest.fixture
async def vault() -> AsyncIterator[Vault]:
    one = Vault()
    async with await asyncio.start_server(one.answer, "127.0.0.1", 0) as server:
        one.port = server.sockets[0].getsockname()[1]
        yield one


async def sealed(vault: Vault) -> bytes:
    flags = ("--hc-vault-transit", f"{vault.address}/v1/sops/keys/shop", "--encrypted-regex", "^stringData$")
    text = "kind: Secret\nstringData:\n  password: hunter two\n"
    return await asyncio.to_thread(sops_cli.encrypted, text, *flags, VAULT_TOKEN="of the author")


def secret(vault: Vault) -> dict[str, bytes]:
    return {"sops.vault-token": TOKEN.encode(), "sops.vault-address": vault.address.encode()}


async def test_a_file_is_opened_by_the_server_that_the_secret_names(tmp_path: Path, vault: Vault) -> None:
    content = await sealed(vault)
    found = await opened(tmp_path, "login.yaml", content, secret(vault))
    assert found.documents[0]["stringData"] == {"password": "hunter two"}
    assert vault.tokens == ["of the author", TOKEN]


async def test_what_it_denies_is_told_without_the_token(tmp_path: Path, vault: Vault) -> None:
    content = await sealed(vault)
    vault.denies = True
    with pytest.raises(UnopenedError, match=r"Vault does not open it: .*permission denied") as caught:
        await opened(tmp_path, "login.yaml", content, secret(vault))
    assert TOKEN not in caught.value.message


async def test_another_server_is_not_asked(tmp_path: Path, vault: Vault) -> None:
    content = await sealed(vault)
    elsewhere = secret(vault) | {"sops.vault-address": b"https://vault.example.com"}
    with pytest.raises(EncryptedFileError, match=r"is not the server that sops\.vault-address"):
        await opened(tmp_path, "login.yaml", content, elsewhere)
    assert TOKEN not in vault.tokens
