"""Sign checkpoints of chains of records, and tell whether one is signed.

The signature is Ed25519 over `_PREFIX` and canonical JSON (RFC 8785) of all fields of the checkpoint but itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import replace
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from towline.api import checkpoint
from towline.api.checkpoint import Checkpoint
from towline.fields import canonical

_PREFIX = b"towline checkpoint 1\n"
_ID_DIGITS = 16


class CheckpointKey:
    """A private key; `secret` are its 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = base64.b64encode(self._key.public_key().public_bytes_raw()).decode()
        """The public key, base64 of its 32 bytes."""
        self.id = key_id(self.public)
        """The name of the key in checkpoints."""

    def signed(self, *, uid: str, sequence: int, digest: str, time: str, trimmed: str) -> Checkpoint:
        """Return a signed checkpoint; the arguments are its fields."""
        found = Checkpoint(
            uid=uid,
            sequence=sequence,
            digest=digest,
            time=time,
            trimmed=trimmed,
            key_id=self.id,
        )
        return replace(found, signature=base64.b64encode(self._key.sign(_message(found))).decode())


def key_id(public: str) -> str:
    """Return the name of a public key.

    Raises:
        ValueError: it is not base64 of 32 bytes.
    """
    return hashlib.sha256(_raw(public)).hexdigest()[:_ID_DIGITS]


def is_key(given: Any) -> bool:
    """Say whether a value is a public key as this module writes it."""
    try:
        return isinstance(given, str) and bool(_raw(given))
    except ValueError:
        return False


def is_signed(given: Checkpoint, public: str) -> bool:
    """Say whether the owner of a public key has signed a checkpoint as it is.

    Raises:
        ValueError: the key is not base64 of 32 bytes.
    """
    key = Ed25519PublicKey.from_public_bytes(_raw(public))
    if given.key_id != key_id(public):
        return False
    try:
        key.verify(base64.b64decode(given.signature, validate=True), _message(given))
    except (InvalidSignature, binascii.Error):
        return False
    return True


def _raw(public: str) -> bytes:
    try:
        raw = base64.b64decode(public, validate=True)
    except binascii.Error as error:
        raise ValueError("a public key must be base64 of 32 bytes") from error
    if len(raw) != 32:
        raise ValueError("a public key must be base64 of 32 bytes")
    return raw


def _message(given: Checkpoint) -> bytes:
    said = checkpoint.body(replace(given, signature=""))
    return _PREFIX + canonical.dumps(said)
