"""Check a private ssh key without its passphrase: its format, its encryption, and its length."""

from __future__ import annotations

import base64
import binascii
import re

_PEM = re.compile(
    rb"-----BEGIN (?P<kind>[A-Z ]*)PRIVATE KEY-----\s(?P<body>.*?)-----END (?P=kind)PRIVATE KEY-----",
    re.DOTALL,
)
_OPENSSH = b"openssh-key-v1\0"
_RSA = bytes.fromhex("06092a864886f70d010101")
"""The object identifier of RSA, as PKCS #8 names it."""
_RSA_BITS = 2048


def fault(content: bytes, *, passphrase: bool) -> str:
    """Return what is wrong with a private key as the end of a sentence, empty where nothing is."""
    match = _PEM.search(content)
    if match is None:
        return "is not a private key"
    try:
        encrypted, bits = _look(match["kind"].strip().decode(), match["body"])
    except (ValueError, IndexError):
        return "is a private key that cannot be read"
    if encrypted and not passphrase:
        return "is encrypted: add its passphrase as the key password"
    if 0 < bits < _RSA_BITS:
        return f"is an RSA key of {bits} bits: at least {_RSA_BITS} are needed"
    return ""


def _look(kind: str, body: bytes) -> tuple[bool, int]:
    """Return whether the key is encrypted, and the bits of its RSA modulus: 0 where it is another kind, or hidden."""
    if kind == "ENCRYPTED" or b"ENCRYPTED" in body.partition(b"\n\n")[0]:
        return True, 0
    try:
        raw = base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if kind == "OPENSSH":
        return _openssh(raw)
    if kind == "RSA":
        return False, _modulus_bits(raw)
    if kind == "" and _RSA in raw[:40]:
        return False, _modulus_bits(raw[raw.index(_RSA) + len(_RSA) :].lstrip(b"\x05\x00"), skip=1)
    return False, 0


def _openssh(raw: bytes) -> tuple[bool, int]:
    """Read the parts before the private one: cipher, kdf, kdf options, number of keys, public key."""
    if not raw.startswith(_OPENSSH):
        raise ValueError("not an OpenSSH key")
    cipher, rest = _string(raw[len(_OPENSSH) :])
    _, rest = _string(rest)
    _, rest = _string(rest)
    public, _ = _string(rest[4:])
    kind, rest = _string(public)
    if kind != b"ssh-rsa":
        return cipher != b"none", 0
    _, rest = _string(rest)
    modulus, _ = _string(rest)
    return cipher != b"none", int.from_bytes(modulus).bit_length()


def _string(raw: bytes) -> tuple[bytes, bytes]:
    """Split off a string of the ssh protocol: four bytes of length, then as many bytes."""
    length = int.from_bytes(raw[:4])
    if len(raw) < 4 + length:
        raise ValueError("ends early")
    return raw[4 : 4 + length], raw[4 + length :]


def _modulus_bits(der: bytes, skip: int = 0) -> int:
    """Return the bits of the first large integer of an RSA key: a sequence of version, modulus, and more."""
    for _ in range(skip):
        der = _der(der)[0]
    version_and_more = _der(der)[0]
    _, modulus_and_more = _der(version_and_more)
    modulus, _ = _der(modulus_and_more)
    return int.from_bytes(modulus).bit_length()


def _der(raw: bytes) -> tuple[bytes, bytes]:
    """Split a value of DER into its content and what follows it."""
    length, at = raw[1], 2
    if length & 0x80:
        at += length & 0x7F
        length = int.from_bytes(raw[2:at])
    if len(raw) < at + length:
        raise ValueError("ends early")
    return raw[at : at + length], raw[at + length :]
