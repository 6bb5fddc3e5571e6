"""Read the masking key from the data folder, which also holds mirrors and refused records."""

from __future__ import annotations

import secrets
from pathlib import Path

from towline.records.spool import write_whole

KEY_BYTES = 32


def mask_key(folder: Path) -> bytes:
    """Return the key of the digests that replace secret values; the first start makes it.

    Raises:
        OSError: the folder cannot be read or written.
    """
    path = folder / "mask.key"
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) != KEY_BYTES:
        key = secrets.token_bytes(KEY_BYTES)
        write_whole(path, key)
    return key
