"""Read the operator's keys, or a copy of them, from the data folder, which also holds mirrors and refused records."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from towline import text
from towline.controller.keys import KEY_BYTES, Keys
from towline.records.spool import write_whole

_MASK, _OWNER, _CHECKPOINT = "mask.key", "owner.key", "checkpoint.key"
"""The files; that of the owner key says behind the key when it was made."""


def own_keys(folder: Path, now: datetime) -> Keys:
    """Return the keys that the folder holds; the first start makes them.

    Raises:
        OSError: the folder cannot be read or written.
    """
    mask, _ = _read(folder / _MASK)
    owner, since = _read(folder / _OWNER)
    checkpoint, _ = _read(folder / _CHECKPOINT)
    found = Keys(
        mask=mask or secrets.token_bytes(KEY_BYTES),
        owner=owner or secrets.token_bytes(KEY_BYTES),
        since=since if owner else text.timestamp(now),
        checkpoint=checkpoint or secrets.token_bytes(KEY_BYTES),
    )
    keep(folder, found)
    return found


def keep(folder: Path, keys: Keys) -> None:
    """Keep a copy of the keys that all operators of the cluster share, for a start that cannot read them there.

    Raises:
        OSError: the folder cannot be read or written.
    """
    for name, key, said in (
        (_MASK, keys.mask, ""),
        (_OWNER, keys.owner, keys.since),
        (_CHECKPOINT, keys.checkpoint, ""),
    ):
        if _read(folder / name) != (key, said):
            write_whole(folder / name, key + said.encode())


def _read(path: Path) -> tuple[bytes, str]:
    """Return the key in a file, and what is said of it; both are empty where there is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b"", ""
    if len(content) < KEY_BYTES:
        return b"", ""
    return content[:KEY_BYTES], content[KEY_BYTES:].decode("ascii", "replace")
