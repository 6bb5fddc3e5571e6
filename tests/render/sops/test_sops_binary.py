"""What Python does not decrypt is decrypted by the sops binary, confined, and hidden like everything else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from towline.render import documents
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.sops import decryption, encrypted_files, keyring, opened_files, sealed_groups, sops_binary
from towline.render.sops.decryption import Decrypted, DecryptionError
from towline.render.sops.encrypted_files import DecryptedFile, EncryptedFileError
from towline.render.sops.keyring import Keyring
from towline.render.sops.sops_binary import SopsBinary
from towline.shares.pools import Pools

from tests.render.sops import sops_cli

HERE = Path(__file__).parent
FILES = HERE / "files"
AGE = {"identity.agekey": (HERE / "private.agekey").read_bytes()}
PUBLIC = "age1xjzt83lppsax3gfyknumdjw6lxjryyhda2x57z92qf5e0sgg9qlsthwcts"
LIMITS = YamlLimits()


def binary(folder: Path) -> SopsBinary:
    found = sops_binary.find(Jail(folder / "renders", Pools.here()), str(sops_cli.binary()))
    assert found
    return found


async def opened(folder: Path, path: str, content: bytes, secret: Mapping[str, bytes] = AGE) -> DecryptedFile:
    """Return a file as it is decrypted with the binary."""
    keys = keyring.keyring(secret).through(binary(folder))
    known = await opened_files.opened(keys, {path: content}, LIMITS)
    assert known
    assert list((folder / "renders").iterdir()) == []
    return encrypted_files.decrypted_file(path, content, known, LIMITS)


async def refusal(folder: Path, path: str, content: bytes, secret: Mapping[str, bytes] = AGE) -> str:
    with pytest.raises(EncryptedFileError) as caught:
        await opened(folder, path, content, secret)
    return str(caught.value)


async def by_the_binary(folder: Path, path: str, content: bytes) -> Keyring:
    """Return the keys knowing what the binary makes of a file that Python could decrypt as well."""
    keys = keyring.keyring(AGE)
    groups = list(sealed_groups.groups(path, content, LIMITS))
    assert groups
    found = {each.digest: await binary(folder).opened(each, keys.handed, "the Secret") for each in groups}
    return keys.knowing(found)


SAME = sorted(
    each.name
    for each in FILES.iterdir()
    if each.name not in {"settings.ini", "time.yaml", "mac_only_encrypted.yaml"}
)


@pytest.mark.parametrize("name", SAME)
async def test_the_binary_and_python_decrypt_a_file_alike(tmp_path: Path, name: str) -> None:
    content = (FILES / name).read_bytes()
    keys = await by_the_binary(tmp_path, name, content)
    ours = encrypted_files.decrypted_file(name, content, keyring.keyring(AGE), LIMITS)
    assert encrypted_files.decrypted_file(name, content, keys, LIMITS) == ours


async def test_a_value_of_the_type_time_is_decrypted(tmp_path: Path) -> None:
    found = await opened(tmp_path, "time.yaml", (FILES / "time.yaml").read_bytes())
    (thing,) = found.documents
    assert thing["spec"] == {"at": "2020-01-02T03:04:05Z"}
    assert (("spec", "at"), "2020-01-02T03:04:05Z") in [(each.path, each.value) for each in found.values]


async def test_a_file_whose_code_covers_encrypted_values_alone_is_decrypted(tmp_path: Path) -> None:
    found = await opened(tmp_path, "a.yaml", (FILES / "mac_only_encrypted.yaml").read_bytes())
    (login,) = found.documents
    assert login["stringData"] == {"b": "second", "deeper": "third"}
    assert [each.path for each in found.values] == [
        ("data", "a"),
        ("stringData", "b"),
        ("stringData", "deeper"),
    ]


async def test_what_was_changed_after_encryption_is_refused(tmp_path: Path) -> None:
    content = (FILES / "mac_only_encrypted.yaml").read_bytes()
    without = b"".join(line for line in content.splitlines(keepends=True) if b"    b: ENC" not in line)
    assert "wrong MAC" in await refusal(tmp_path, "a.yaml", without)
    renamed = content.replace(b"deeper:", b"higher:")
    assert "changed, moved or renamed" in await refusal(tmp_path, "a.yaml", renamed)


async def test_without_the_binary_a_file_is_refused_with_what_to_do() -> None:
    keys = keyring.keyring(AGE)
    content = (FILES / "time.yaml").read_bytes()
    known = await opened_files.opened(keys, {"time.yaml": content}, LIMITS)
    assert known
    with pytest.raises(
        EncryptedFileError, match=r"a value of the type time, which takes the sops binary.*--sops"
    ):
        encrypted_files.decrypted_file("time.yaml", content, known, LIMITS)


STRANGE = (
    "yes",
    "0x1F",
    "1_000",
    "012",
    "1e3",
    "2020-01-02",
    "~",
    "=",
    ".inf",
    "0b1",
    "0o7",
    "1:20",
    "- a",
    "a: b",
)


async def test_texts_that_look_like_something_else_stay_texts(tmp_path: Path) -> None:
    lines = "".join(f'k{index}: "{each}"\n' for index, each in enumerate(STRANGE))
    content = sops_cli.encrypted(lines, "--age", PUBLIC)
    keys = await by_the_binary(tmp_path, "a.yaml", content)
    found = encrypted_files.decrypted_file("a.yaml", content, keys, LIMITS)
    assert tuple(found.documents[0].values()) == STRANGE


@pytest.fixture(scope="session", params=["rsa2048", "ed25519/cv25519"])
def armored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A private key without passphrase in armor, and a Secret that sops has encrypted for it by gpg."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg, which makes keys of OpenPGP, is not installed")
    first, _, second = request.param.partition("/")
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    environment = {"GNUPGHOME": str(home), "PATH": "/usr/bin:/bin"}

    def gpg(*arguments: str) -> bytes:
        command = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, check=True).stdout

    try:
        gpg("--quick-generate-key", "shop <shop@example.com>", first, "cert,sign", "never")
        listed = gpg("--list-keys", "--with-colons").decode().splitlines()
        fingerprint = next(line for line in listed if line.startswith("fpr")).split(":")[9]
        gpg("--quick-add-key", fingerprint, second or first, "encr", "never")
        text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: login\nstringData:\n  password: hunter two\n"
        flags = ("--pgp", fingerprint, "--encrypted-regex", "^stringData$")
        sealed = sops_cli.encrypted(text, *flags, **environment)
        return gpg("--export-secret-keys", "--armor", fingerprint), sealed
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)


async def test_a_key_of_openpgp_opens_what_was_encrypted_for_it(
    tmp_path: Path, armored: tuple[bytes, bytes]
) -> None:
    key, sealed = armored
    found = await opened(tmp_path, "login.yaml", sealed, {"shop.asc": key})
    assert found.documents[0]["stringData"] == {"password": "hunter two"}
    assert decryption.texts(found.values) == {"hunter two"}


async def test_another_key_of_openpgp_does_not(tmp_path: Path, armored: tuple[bytes, bytes]) -> None:
    _, sealed = armored
    told = await refusal(tmp_path, "login.yaml", sealed, AGE)
    assert "no key in the Secret" in told
    assert "it is encrypted for PGP" in told
    assert "BEGIN" not in told


async def test_documents_of_one_file_with_codes_of_their_own_are_decrypted(tmp_path: Path) -> None:
    one = (FILES / "time.yaml").read_bytes()
    two = (FILES / "mac_only_encrypted.yaml").read_bytes()
    both = b"\n---\n".join((one, b"apiVersion: v1\nkind: ConfigMap\n", two))
    found = await opened(tmp_path, "a.yaml", both)
    assert [each["kind"] for each in found.documents] == ["X", "ConfigMap", "Secret"]
    assert {each.document for each in found.values} == {0, 2}


async def test_what_was_opened_is_not_taken_for_another_document(tmp_path: Path) -> None:
    content = (FILES / "mac_only_encrypted.yaml").read_bytes()
    keys = await by_the_binary(tmp_path, "a.yaml", content)
    other = documents.parse(content.replace(b"name: regex", b"name: other"), LIMITS)
    with pytest.raises(DecryptionError):
        _ = _decrypted([each.value for each in other], keys)


def _decrypted(values: list[object], keys: Keyring) -> Decrypted:
    return decryption.decrypt(values, keys)
