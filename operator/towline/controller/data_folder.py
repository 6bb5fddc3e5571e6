"""Read the masking key, or a copy of it, from the data folder, which also holds mirrors and refused records."""

from __future__ import annotations

import secrets
from pathlib import Path

from towline.controller.keys import KEY_BYTES
from towline.records.spool import write_whole

_NAME = "mask.key"


def mask_key(folder: Path) -> bytes:
    """Return the key of the digests that replace secret values; the first start makes it.

    Raises:
        OSError: the folder cannot be read or written.
    """
    path = folder / _NAME
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) != KEY_BYTES:
        key = secrets.token_bytes(KEY_BYTES)
        write_whole(path, key)
    return key


def keep_mask_key(folder: Path, key: bytes) -> None:
    """Keep a copy of the key that all operators of the cluster share, for a start that cannot read it there.

    Raises:
        OSError: the folder cannot be read or written.
    """
    if mask_key(folder) != key:
        write_whole(folder / _NAME, key)
