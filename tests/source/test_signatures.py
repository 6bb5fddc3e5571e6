"""Signatures of commits and tags, made and verified with real keys of GPG and SSH."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from towline.api.signed.verification import Signature, SignatureFormat, Trust
from towline.shares.pools import Pools
from towline.source.reader import Reader
from towline.source.selection import SourceLimits
from towline.source.signatures import signature_check, signed_object, trusted_keys
from towline.source.signatures.signature_check import MissingProgramError, SignatureCheck
from towline.source.signatures.trusted_keys import UnfitKeysError
from towline.source.transport import Transport

from e2e.harness import gitrepo, signing
from e2e.harness.signing import LONG_AGO, Keys, Signer

PRETENDED = (
    "[GNUPG:] GOODSIG 0123456789ABCDEF Ada\n[GNUPG:] VALIDSIG 0123456789ABCDEF0123456789ABCDEF01234567"
)


def started(
    command: Sequence[str], folder: Path, stdin: int, inherited: Sequence[int]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=folder,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=tuple(inherited),
        start_new_session=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A repository, those who sign in it, and its commits and tags by what is special about them."""

    repository: Path
    signers: Mapping[str, Signer]
    shas: Mapping[str, str]
    revocation: bytes
    private: bytes
    krl: bytes

    def keys(self, *names: str, **more: bytes) -> dict[str, bytes]:
        """Return a Secret with these keys."""
        return {name: self.signers[name].public for name in names} | more


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with signing.keys() as made:
        yield built(made, tmp_path_factory.mktemp("signed"))


def built(made: Keys, folder: Path) -> World:
    repo = gitrepo.create(folder / "repo")
    first = repo.commit({"a.yaml": "1"}, message="First")
    who = {
        "ada": made.gpg("ada"),
        "bob": made.gpg("bob", usage="cert"),
        "old": made.gpg("old", born=LONG_AGO, expires="1d"),
        "lasting": made.gpg("lasting", born=LONG_AGO),
        "revoked": made.gpg("revoked"),
        "sue": made.ssh("sue"),
        "sam": made.ssh("sam"),
    }
    subkey = made.add_subkey(who["bob"])
    who["bob"] = made.signer("bob@example.com")
    brief = ("--faked-system-time", "20200101T060000!", "--default-sig-expire", "1d")
    brief_signer = made.signer("lasting@example.com", *brief)
    both = made.signer("ada@example.com", "--local-user", subkey)

    def commit(signer: Signer | None, *arguments: str, date: str = "") -> str:
        return signing.commit(
            repo.path, signer, "-p", first, "-m", "Change", *arguments, tree=f"{first}^{{tree}}", date=date
        )

    shas = {
        **{name: commit(signer) for name, signer in who.items()},
        "unsigned": commit(None),
        "pretended": commit(None, "-m", PRETENDED),
        "expired signature": commit(brief_signer),
        "two signers": commit(both),
        "merge": commit(who["ada"], "-p", commit(None, "-m", "Brought")),
        "sue in 2019": commit(who["sue"], date="2019-06-01T00:00:00Z"),
        "ada's lightweight": first,
    }
    shas |= crafted(repo.path, shas)
    shas |= {
        "tag by ada": signing.tag(repo.path, who["ada"], "v1", shas["unsigned"]),
        "tag by sue": signing.tag(repo.path, who["sue"], "v2", shas["unsigned"]),
        "tag by nobody": signing.tag(repo.path, None, "v3", shas["ada"]),
    }
    krl = made.folder / "krl"
    subprocess.run(("ssh-keygen", "-q", "-k", "-f", str(krl), str(made.folder / "sue.pub")), check=True)
    return World(
        repository=repo.path,
        signers=who,
        shas=shas,
        revocation=made.revocation(who["revoked"]),
        private=made.private(who["ada"]),
        krl=krl.read_bytes(),
    )


def crafted(repository: Path, shas: Mapping[str, str]) -> dict[str, str]:
    """Store commits that no tool makes."""

    def git(*arguments: str, content: bytes = b"") -> bytes:
        command = ("git", "-C", str(repository), *arguments)
        return subprocess.run(command, input=content, check=True, capture_output=True).stdout

    def stored(content: bytes) -> str:
        return (
            git("hash-object", "-w", "-t", "commit", "--literally", "--stdin", content=content)
            .decode()
            .strip()
        )

    def signed(signature: bytes) -> str:
        head, _, message = git("cat-file", "commit", shas["unsigned"]).partition(b"\n\n")
        return stored(head + b"\ngpgsig " + b"\n ".join(signature.split(b"\n")) + b"\n\n" + message)

    ada, sue = (git("cat-file", "commit", shas[name]) for name in ("ada", "sue"))
    header = ada[ada.index(b"gpgsig ") : ada.index(b"\n\n")]
    armored = b"-----BEGIN PGP SIGNATURE-----\n\n%s\n-----END PGP SIGNATURE-----"
    return {
        "tampered": stored(ada.replace(b"Change", b"Changed")),
        "tampered by ssh": stored(sue.replace(b"Change", b"Changed")),
        "borrowed": stored(
            git("cat-file", "commit", shas["pretended"]).replace(b"\n\n", b"\n" + header + b"\n\n", 1)
        ),
        "signed twice": stored(ada.replace(b"\n\n", b"\n" + header + b"\n\n", 1)),
        "x509": signed(b"-----BEGIN SIGNED MESSAGE-----\nMIIB\n-----END SIGNED MESSAGE-----"),
        "unknown format": signed(b"-----BEGIN SOMETHING-----\nMIIB\n-----END SOMETHING-----"),
        "garbage": signed(armored % base64.b64encode(b"\0" * 60)),
        "huge": signed(armored % b"\n".join([base64.b64encode(b"\0" * 48)] * 2000)),
    }


async def verified(
    world: World,
    folder: Path,
    name: str,
    secret: Mapping[str, bytes],
    find: Callable[[str], str | None] | None = None,
) -> Signature:
    git = Transport(folder, started, None, Pools.here())
    sha = world.shas[name]
    signed = signed_object.read([sha], await Reader(git, SourceLimits()).objects(world.repository, [sha]))
    check = SignatureCheck(git, folder / "keys", find or signature_check.find)
    (found,) = await check.verify(world.repository, signed, trusted_keys.keys(secret))
    assert list((folder / "keys").glob("*")) == []  # nothing stays
    return found


@pytest.mark.parametrize(
    ("name", "signers", "trust"),
    [
        ("ada", ["ada"], Trust.TRUSTED),
        ("ada", ["bob", "sue", "ada"], Trust.TRUSTED),
        ("ada", ["bob"], Trust.UNKNOWN_KEY),
        ("ada", ["sue"], Trust.UNKNOWN_KEY),
        ("bob", ["bob"], Trust.TRUSTED),
        ("old", ["old"], Trust.EXPIRED_KEY),
        ("lasting", ["lasting"], Trust.TRUSTED),
        ("expired signature", ["lasting"], Trust.EXPIRED_SIGNATURE),
        ("revoked", ["revoked"], Trust.TRUSTED),
        ("two signers", ["ada"], Trust.BAD_SIGNATURE),
        ("two signers", ["ada", "bob"], Trust.BAD_SIGNATURE),
        ("signed twice", ["ada"], Trust.BAD_SIGNATURE),
        ("merge", ["ada"], Trust.TRUSTED),
        ("unsigned", ["ada"], Trust.UNSIGNED),
        ("pretended", ["ada"], Trust.UNSIGNED),
        ("tampered", ["ada"], Trust.BAD_SIGNATURE),
        ("tampered by ssh", ["sue"], Trust.BAD_SIGNATURE),
        ("borrowed", ["ada"], Trust.BAD_SIGNATURE),
        ("x509", ["ada"], Trust.UNSUPPORTED),
        ("unknown format", ["ada"], Trust.UNSUPPORTED),
        ("garbage", ["ada"], Trust.BAD_SIGNATURE),
        ("huge", ["ada"], Trust.BAD_SIGNATURE),
        ("sue", ["sue"], Trust.TRUSTED),
        ("sue", ["sam", "ada"], Trust.UNKNOWN_KEY),
        ("sue", ["ada"], Trust.UNKNOWN_KEY),
        ("tag by ada", ["ada"], Trust.TRUSTED),
        ("tag by ada", ["bob"], Trust.UNKNOWN_KEY),
        ("tag by sue", ["sue"], Trust.TRUSTED),
        ("tag by nobody", ["ada"], Trust.UNSIGNED),
    ],
)
async def test_a_signature_is_trusted_where_its_key_is_in_the_secret_and_good(
    world: World, tmp_path: Path, name: str, signers: Sequence[str], trust: Trust
) -> None:
    assert (await verified(world, tmp_path, name, world.keys(*signers))).trust is trust


async def test_the_verdict_names_the_primary_key_and_its_user(world: World, tmp_path: Path) -> None:
    found = await verified(world, tmp_path, "bob", world.keys("bob"))
    assert (found.format, found.key, found.signer) == (
        SignatureFormat.GPG,
        world.signers["bob"].key,
        "Bob <bob@example.com>",
    )
    unknown = await verified(world, tmp_path, "bob", world.keys("ada"))
    assert unknown.signer == ""
    assert len(unknown.key) == 40


async def test_the_verdict_names_the_ssh_key_and_its_signer(world: World, tmp_path: Path) -> None:
    found = await verified(world, tmp_path, "sue", world.keys("sue"))
    assert (found.format, found.key, found.signer) == (
        SignatureFormat.SSH,
        world.signers["sue"].key,
        "sue@example.com",
    )
    unknown = await verified(world, tmp_path, "sue", world.keys("sam"))
    assert (unknown.key, unknown.signer) == (world.signers["sue"].key, "")


async def test_a_revocation_counts_wherever_it_stands(world: World, tmp_path: Path) -> None:
    key = world.signers["revoked"].public
    for secret in (
        {"a-revocation": world.revocation, "key.asc": key},
        {"key.asc": key, "z-revocation": world.revocation},
        {"keys": key + world.revocation},
    ):
        assert (await verified(world, tmp_path, "revoked", secret)).trust is Trust.REVOKED_KEY


async def test_a_revocation_without_its_key_is_not_passed_over(world: World, tmp_path: Path) -> None:
    secret = world.keys("ada") | {"revocation": world.revocation}
    with pytest.raises(UnfitKeysError, match="has an entry revocation that gpg cannot read whole"):
        await verified(world, tmp_path, "ada", secret)


async def test_a_key_that_gpg_cannot_read_is_named(world: World, tmp_path: Path) -> None:
    broken = world.signers["ada"].public.replace(b"\n\nm", b"\n\nA")
    with pytest.raises(UnfitKeysError, match=r"has an entry b\.asc that gpg cannot read whole"):
        await verified(world, tmp_path, "ada", world.keys("bob") | {"b.asc": broken})


async def test_a_private_key_in_binary_is_refused_as_well(world: World, tmp_path: Path) -> None:
    with pytest.raises(UnfitKeysError, match=r"has an entry ada\.gpg that is a private GPG key"):
        await verified(world, tmp_path, "ada", {"ada.gpg": world.private})
    assert not [args for args in running() if str(tmp_path).encode() in args]


async def test_keys_are_taken_in_any_form(world: World, tmp_path: Path) -> None:
    ada, bob = (world.signers[name].public for name in ("ada", "bob"))
    lines = ada.decode().split("\n\n", 1)[1].split("\n")
    binary = base64.b64decode("".join(line for line in lines if line[:1] not in {"=", "-"}))
    for secret in (
        {"all.asc": bob + ada},
        {"ada.gpg": binary},
        {"x": b"My key:\r\n" + ada.replace(b"\n", b"\r\n")},
    ):
        assert (await verified(world, tmp_path, "ada", secret)).trust is Trust.TRUSTED


def allowed(world: World, options: str, name: str = "sue") -> dict[str, bytes]:
    kind, key, _ = world.signers[name].public.decode().split(" ")
    return {"allowed_signers": f"# who may\n\nsue@example.com {options} {kind} {key}\n".encode()}


@pytest.mark.parametrize(
    ("name", "options", "trust"),
    [
        ("sue", "", Trust.TRUSTED),
        ("sue", 'namespaces="git"', Trust.TRUSTED),
        ("sue", 'namespaces="file"', Trust.UNKNOWN_KEY),
        ("sue", 'valid-before="20200101"', Trust.EXPIRED_KEY),
        ("sue in 2019", 'valid-before="20200101"', Trust.TRUSTED),
        ("sue in 2019", 'valid-after="20200101Z",namespaces="git"', Trust.EXPIRED_KEY),
        ("sue", 'valid-after="20200101Z"', Trust.TRUSTED),
        ("sue", "cert-authority", Trust.UNKNOWN_KEY),
    ],
)
async def test_lines_of_allowed_signers_mean_what_they_mean_to_git(
    world: World, tmp_path: Path, name: str, options: str, trust: Trust
) -> None:
    assert (await verified(world, tmp_path, name, allowed(world, options))).trust is trust


async def test_a_revoked_ssh_key_is_not_trusted_in_either_form(world: World, tmp_path: Path) -> None:
    for revoked in (world.signers["sue"].public, world.krl):
        found = await verified(world, tmp_path, "sue", world.keys("sue", revoked_keys=revoked))
        assert (found.trust, found.key) == (Trust.REVOKED_KEY, world.signers["sue"].key)
        tampered = await verified(world, tmp_path, "tampered by ssh", world.keys("sue", revoked_keys=revoked))
        assert tampered.trust is Trust.BAD_SIGNATURE
    other = world.keys("sue", revoked_keys=world.signers["sam"].public)
    assert (await verified(world, tmp_path, "sue", other)).trust is Trust.TRUSTED


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ({}, "holds no public key"),
        ({"a": b" \n"}, "has nothing in the entry a"),
        ({"a": b"hello"}, "has a line 1 in the entry a that is neither a GPG key, an SSH public key nor"),
        ({"a": b"\x00\xff"}, "has an entry a that is neither text nor a GPG key"),
        (
            {"a": b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 x"},
            "has an SSH key in line 1 of the entry a that is cut off",
        ),
        ({"a": b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n"}, "has an entry a that is a private GPG key"),
        ({"a": b"-----BEGIN OPENSSH PRIVATE KEY-----\n"}, "has an entry a that is a private SSH key"),
        ({"a": b"-----BEGIN RSA PRIVATE KEY-----\n"}, "has an entry a that is a private key"),
        ({"a": b"-----BEGIN CERTIFICATE-----\n"}, "has an entry a that is an X.509 certificate"),
        ({"revoked_keys": b"F00F\n"}, "has a line 1 in the entry revoked_keys that is not an SSH public key"),
        ({str(number): b"x" for number in range(201)}, "has more than 200 entries"),
        ({"a": b"x" * 600_000}, "has more than 524288 bytes in the entry a"),
        ({"a": b'ada foo="1" ssh-ed25519 AAAA'}, "has a line 1 in the entry a that is neither"),
    ],
)
def test_a_secret_that_is_not_understood_is_refused_with_what_to_do(
    secret: Mapping[str, bytes], said: str
) -> None:
    with pytest.raises(UnfitKeysError) as caught:
        trusted_keys.keys(secret)
    assert said in str(caught.value)
    assert caught.value.args[0].count(": ") >= 1


async def test_a_missing_program_is_named(world: World, tmp_path: Path) -> None:
    for name, program in (("ada", "gpg"), ("sue", "ssh-keygen")):
        with pytest.raises(MissingProgramError, match=f"^{program} is not installed where the operator runs"):
            await verified(world, tmp_path, name, world.keys("ada", "sue"), lambda _: None)


async def test_no_agent_is_left_running(world: World, tmp_path: Path) -> None:
    await verified(world, tmp_path, "ada", world.keys("ada"))
    assert not [args for args in running() if str(tmp_path).encode() in args]


def running() -> Iterator[bytes]:
    """Yield the arguments of every process."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield file.read_bytes()
