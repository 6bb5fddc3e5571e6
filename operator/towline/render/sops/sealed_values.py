"""Open single values that SOPS encrypted: AES in Galois counter mode, each bound to its place in the document."""

from __future__ import annotations

import base64
import binascii
import math
import re
from decimal import Decimal
from typing import Any

from towline.render import scalars

_SEALED = re.compile(
    r"ENC\[AES256_GCM,data:([A-Za-z0-9+/=]+),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:([a-z]+)\]"
)
_KEY_BYTES = 32
_INTEGER = re.compile("[-+]?[0-9]{1,19}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?")
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_LARGEST = 2**63


class SealedValueError(ValueError):
    """A value cannot be opened; the message never quotes it."""


class Comment(str):
    """A comment that SOPS made an item of a list, because it was one there."""

    __slots__ = ()


def is_sealed(text: str) -> bool:
    """Whether a text is a value that SOPS encrypted."""
    return bool(_SEALED.fullmatch(text))


def kind(text: str) -> str:
    """Return the type that SOPS has noted of a value that it encrypted; empty for any other text."""
    found = _SEALED.fullmatch(text)
    return found[4] if found else ""


def opened(text: str, key: bytes, place: str) -> Any:
    """Return the value of a sealed text: a JSON scalar, or a comment.

    Bytes that are not UTF-8 become lone surrogates, as `surrogateescape` has them.

    Args:
        text: `ENC[AES256_GCM,…]`.
        key: the data key of the document.
        place: what the value is bound to: the keys that lead to it, each followed by a colon.

    Raises:
        SealedValueError: it was changed, moved or encrypted with another key, or its type is not supported.
    """
    found = _SEALED.fullmatch(text)
    if not found:
        raise SealedValueError(
            "not encrypted, though the rule of this file says so: encrypt the file again with sops"
        )
    try:
        data, nonce, tag = (base64.b64decode(part, validate=True) for part in found.groups()[:3])
        content = _decrypted(data + tag, key, nonce, place)
        return _typed(content.decode("utf-8", "surrogateescape"), found[4])
    except binascii.Error as error:
        raise SealedValueError("the encrypted value is damaged: restore it from an earlier commit") from error


def _decrypted(sealed: bytes, key: bytes, nonce: bytes, place: str) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    changed = SealedValueError(
        "cannot be decrypted: it was changed, moved or renamed after it was encrypted; undo that, or encrypt the "
        "file again with sops"
    )
    if len(key) != _KEY_BYTES:
        raise changed
    try:
        return AESGCM(key).decrypt(nonce, sealed, place.encode())
    except (InvalidTag, ValueError) as error:
        raise changed from error


def _typed(text: str, kind: str) -> Any:
    if kind in {"str", "bytes"}:
        return text
    if kind == "comment":
        return Comment(text)
    if kind == "int" and _INTEGER.fullmatch(text) and -_LARGEST <= int(text) < _LARGEST:
        return int(text)
    if kind == "float" and _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return scalars.value(float(text))
    if kind == "bool" and text in _TRUE | _FALSE:
        return text in _TRUE
    raise SealedValueError(
        f"its type {kind} is not supported: quote the value, so that it is text, and encrypt the file again with sops"
    )


def is_binary(value: Any) -> bool:
    """Whether a value has bytes that are not UTF-8, which YAML cannot hold."""
    return isinstance(value, str) and any("\udc80" <= letter <= "\udcff" for letter in value)


def hashed(value: Any) -> bytes:
    """Return a scalar as SOPS hashes it for the message authentication code."""
    if isinstance(value, bool):
        return b"True" if value else b"False"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}".encode()
    return str(value).encode("utf-8", "surrogateescape")
