"""Files for tools are decrypted whole, each kind as sops writes it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from towline.render import documents
from towline.render.documents import YamlLimits
from towline.render.sops import decryption, encrypted_files, keyring
from towline.render.sops.encrypted_files import DecryptedFile, EncryptedFileError

HERE = Path(__file__).parent
KEYS = keyring.keyring({"identity.agekey": (HERE / "private.agekey").read_bytes()})
DECRYPTED = json.loads((HERE / "decrypted.json").read_text())
BINARY = b"hello \x00 binary\xff"


def content(name: str) -> bytes:
    return (HERE / "files" / name).read_bytes()


def decrypted(name: str, given: bytes | None = None) -> DecryptedFile:
    return encrypted_files.decrypted_file(name, given or content(name), KEYS, YamlLimits())


def refusals(name: str, given: bytes | None = None) -> tuple[tuple[int, str], ...]:
    with pytest.raises(EncryptedFileError) as caught:
        decrypted(name, given)
    return tuple(caught.value.faults)


@pytest.mark.parametrize("name", DECRYPTED)
def test_yaml_and_json_hold_the_same_values_afterwards(name: str) -> None:
    read = documents.parse(decrypted(name).content, YamlLimits())
    assert [each.value for each in read] == DECRYPTED[name]


def test_plain_documents_of_a_file_stay() -> None:
    read = documents.parse(decrypted("joined.yaml").content, YamlLimits())
    assert [each.value["metadata"]["name"] for each in read] == ["login", "plain", "regex"]


def test_a_dotenv_file_is_what_sops_makes_of_it_without_its_encrypted_comments() -> None:
    found = decrypted("app.env")
    assert found.content == b"A=1\nPASSWORD=hunter two\nMULTI=a\\nb\nEMPTY=\nX_unencrypted=plain\n"
    assert {each.path: each.value for each in found.values} == {
        ("A",): "1",
        ("PASSWORD",): "hunter two",
        ("MULTI",): "a\nb",
    }


def test_any_bytes_come_back_and_are_masked_in_base64() -> None:
    found = decrypted("blob.bin")
    assert found.content == BINARY
    assert decryption.texts(found.values) == {base64.b64encode(BINARY).decode()}


@pytest.mark.parametrize("name", ["a.yaml", "a.json", "a.env", "a.ini", "a.txt"])
def test_a_file_that_is_not_encrypted_stays_byte_for_byte(name: str) -> None:
    plain = b"# sops: none\nA=1\r\n"
    assert decrypted(name, plain) == DecryptedFile(content=plain)


def test_a_changed_line_is_refused_with_its_number() -> None:
    changed = content("secret.yaml").replace(b"    user:", b"    users:")
    line = (
        changed.decode().splitlines().index(next(x for x in changed.decode().splitlines() if "users:" in x))
    )
    ((found, message),) = refusals("secret.yaml", changed)
    assert found == line + 1
    assert "renamed" in message


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (b"X_unencrypted=plain", b"X_unencrypted=other", 10, "wrong MAC"),
        (b"PASSWORD=", b"PASSWORT=", 3, "renamed"),
        (b"EMPTY=", b"EMPTY", 5, "must be NAME=value"),
        (b"EMPTY=", b"A=1", 5, "in line 2 already"),
        (b"EMPTY=", b"EMPTY=plain", 5, "not encrypted"),
    ],
)
def test_a_changed_dotenv_file_is_refused_with_its_line(
    old: bytes, new: bytes, line: int, words: str
) -> None:
    ((found, message),) = refusals("app.env", content("app.env").replace(old, new, 1))
    assert found == line
    assert words in message


def test_what_is_not_supported_says_what_is() -> None:
    ((_, message),) = refusals("settings.ini")
    assert "dotenv, YAML or JSON" in message
    ((_, message),) = refusals("secret.conf", content("secret.yaml"))
    assert "whole content" in message


def test_bytes_in_yaml_are_refused_with_their_line() -> None:
    ((line, message),) = refusals("blob.json", content("blob.bin"))
    assert line == 2
    assert "not UTF-8" in message


def test_a_file_that_is_no_yaml_is_refused_with_its_line() -> None:
    ((line, _),) = refusals("a.yaml", b"a: b\nc: [ENC[AES256_GCM,data:\n")
    assert line
