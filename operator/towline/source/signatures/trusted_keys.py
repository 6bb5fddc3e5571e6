"""Read the Secret of `spec.verify.secretRef`: the keys whose signatures are trusted, and those that are no more."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

ALLOWED_SIGNERS = "allowed_signers"
REVOKED_KEYS = "revoked_keys"

_ENTRIES = 200
_ENTRY_BYTES = 512 * 1024
_PGP_PUBLIC = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_PGP_PRIVATE = b"-----BEGIN PGP PRIVATE KEY BLOCK-----"
_SECRET_KEY = 5
"""The packet tag of a private key."""

_KRL = b"SSHKRL\n\0"
_REFUSED = {
    _PGP_PRIVATE: "is a private GPG key: put in the public one (gpg --armor --export)",
    b"-----BEGIN OPENSSH PRIVATE KEY-----": "is a private SSH key: put in the public one (the file that ends in .pub)",
    b"-----BEGIN CERTIFICATE-----": "is an X.509 certificate, which Towline does not verify by: put in GPG or SSH keys",
    b"---- BEGIN SSH2 PUBLIC KEY ----": "is an SSH key in another form: convert it with ssh-keygen -i -f",
}
_PRIVATE = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_TYPE = (
    r"(?:sk-)?(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|ecdsa-sha2-nistp256)"
    r"(?:-cert-v01)?(?:@openssh\.com)?"
)
_KEY = re.compile(rf"(?P<type>{_TYPE})[ \t]+(?P<key>[A-Za-z0-9+/]+={{0,3}})(?:[ \t]+(?P<comment>.*))?")
_TIME = r"[0-9]{8}(?:[0-9]{4}(?:[0-9]{2})?)?Z?"
_OPTION = rf'(?:cert-authority|namespaces="[^"\n]*"|valid-(?:after|before)="{_TIME}")'
_SIGNER = re.compile(
    rf'(?:"[^"\n]+"|[^\s"#]\S*)[ \t]+(?:{_OPTION}(?:,{_OPTION})*[ \t]+)?{_KEY.pattern}', re.IGNORECASE
)
_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]*")


class UnfitKeysError(Exception):
    """What is wrong with the Secret, as the end of a sentence that begins with its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKeys:
    """The keys of a Secret.

    Attributes:
        names: of the entries with GPG keys, in the order of `gpg`.
        gpg: these entries.
        allowed_signers: of SSH, as ssh-keygen reads it.
        revoked: SSH keys that are not trusted any more, as ssh-keygen reads it; empty where there are none.
    """

    names: tuple[str, ...] = ()
    gpg: tuple[bytes, ...] = field(default=(), repr=False)
    allowed_signers: bytes = field(default=b"", repr=False)
    revoked: bytes = field(default=b"", repr=False)

    @property
    def mark(self) -> str:
        """Tells these keys from all others."""
        digest = hashlib.sha256()
        for part in (*(name.encode() for name in self.names), *self.gpg, self.allowed_signers, self.revoked):
            digest.update(b"%d:%s" % (len(part), part))
        return digest.hexdigest()


def keys(secret: Mapping[str, bytes]) -> TrustedKeys:
    """Return the keys of a Secret, each entry by what is in it, whatever its name.

    Raises:
        UnfitKeysError: an entry is not understood: what is left out might be a revocation.
    """
    if len(secret) > _ENTRIES:
        raise UnfitKeysError(f"has more than {_ENTRIES} entries: put several keys into one of them")
    gpg: dict[str, bytes] = {}
    signers: list[str] = []
    revoked = b""
    for name, content in sorted(secret.items()):
        if not content.strip():
            raise UnfitKeysError(f"has nothing in the entry {name}: put a public key there, or remove it")
        if len(content) > _ENTRY_BYTES:
            raise UnfitKeysError(f"has more than {_ENTRY_BYTES} bytes in the entry {name}: split it")
        if name == REVOKED_KEYS:
            revoked = _revoked(content)
        elif _is_gpg(name, content):
            gpg[name] = content
        else:
            signers += _signers(name, content)
    if not gpg and not signers:
        raise UnfitKeysError("holds no public key: put GPG keys, SSH keys or allowed_signers into it")
    return TrustedKeys(
        names=tuple(gpg),
        gpg=tuple(gpg.values()),
        allowed_signers="".join(f"{line}\n" for line in signers).encode(),
        revoked=revoked,
    )


def _is_gpg(name: str, content: bytes) -> bool:
    """Tell whether an entry is for gpg; binary keys begin with a packet tag, whose highest bit is set (RFC 9580)."""
    for begin, why in _REFUSED.items():
        if begin in content:
            raise UnfitKeysError(f"has an entry {name} that {why}")
    if _PRIVATE.search(content):
        raise UnfitKeysError(f"has an entry {name} that is a private key: put in the public one")
    if _packet_tag(content[0]) == _SECRET_KEY:
        raise UnfitKeysError(f"has an entry {name} that {_REFUSED[_PGP_PRIVATE]}")
    return _PGP_PUBLIC in content or _packet_tag(content[0]) is not None


def _packet_tag(first: int) -> int | None:
    """Return what a binary OpenPGP file begins with, by its first byte; None where it is none."""
    if not first & 0x80:
        return None
    return first & 0x3F if first & 0x40 else first >> 2 & 0x0F


def _signers(name: str, content: bytes) -> Iterator[str]:
    """Yield what an entry adds to `allowed_signers`; the signer of a plain key is its comment, or else its entry."""
    for number, line in _lines(name, content):
        if key := _KEY.fullmatch(line):
            _check(name, number, key)
            comment = key["comment"] or ""
            signer = comment if _PRINCIPAL.fullmatch(comment) else name.removesuffix(".pub")
            yield f'{signer} namespaces="git" {key["type"]} {key["key"]}'
        elif signed := _SIGNER.fullmatch(line):
            _check(name, number, signed)
            yield line
        else:
            raise UnfitKeysError(
                f"has a line {number} in the entry {name} that is neither a GPG key, an SSH public key nor a line of "
                "allowed_signers (see ssh-keygen(1), ALLOWED SIGNERS): correct or remove it"
            )


def _revoked(content: bytes) -> bytes:
    """Return a list of SSH keys that are not trusted any more: one a line, or what `ssh-keygen -k` makes."""
    if content.startswith(_KRL):
        return content
    kept = []
    for number, line in _lines(REVOKED_KEYS, content):
        key = _KEY.fullmatch(line)
        if key is None:
            raise UnfitKeysError(
                f"has a line {number} in the entry {REVOKED_KEYS} that is not an SSH public key: a GPG key is revoked "
                "in its own entry (gpg --armor --export after the revocation)"
            )
        _check(REVOKED_KEYS, number, key)
        kept.append(f"{key['type']} {key['key']}\n")
    return "".join(kept).encode()


def _lines(name: str, content: bytes) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not empty and no comments, with their numbers from 1."""
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError:
        raise UnfitKeysError(f"has an entry {name} that is neither text nor a GPG key: remove it") from None
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if bare and not bare.startswith("#"):
            if not bare.replace("\t", " ").isprintable():
                raise UnfitKeysError(
                    f"has control characters in line {number} of the entry {name}: remove them"
                )
            yield number, bare


def _check(name: str, number: int, found: re.Match[str]) -> None:
    """Refuse a key that is cut off: it begins with its length and its type (RFC 4253)."""
    try:
        blob = base64.b64decode(found["key"], validate=True)
    except (ValueError, binascii.Error):
        blob = b""
    kind = found["type"].encode()
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind) or len(blob) <= 4 + len(kind) + 4:
        raise UnfitKeysError(
            f"has an SSH key in line {number} of the entry {name} that is cut off: copy it whole"
        )
