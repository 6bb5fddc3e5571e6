"""What the data folder holds beside mirrors and refused records: the masking key."""

from __future__ import annotations

import secrets
from pathlib import Path

from towline.records.spool import write_whole

KEY_BYTES = 32


def mask_key(folder: Path) -> bytes:
    """Return the key of the digests that stand for secret values; it is made at the first start.

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
