"""What the data folder holds for the audit trail: the masking key, and records that the cluster refused."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import orjson

from towline import log
from towline.api import recordbody
from towline.api.syncrecord import SyncRecord

KEY_BYTES = 32

_STEM = 200
"""Characters; names of objects may be longer than the 255 bytes that a file's may have, a draft's ending included."""

_log = log.logger(__name__)


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
        _write(path, key)
    return key


class Kept:
    """The refused records, one file each; every call waits for the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "records"

    def put(self, record: SyncRecord) -> None:
        """Keep a record, over an earlier state of it.

        Raises:
            OSError: the disk is full, or not ours.
        """
        _write(self._path(record), orjson.dumps(recordbody.to_body(record)))

    def all(self) -> tuple[SyncRecord, ...]:
        """Return the records that wait, by their sequence; a file that holds none is passed over."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(recordbody.from_body(orjson.loads(path.read_bytes())))
            except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
                _log.warning("a kept record cannot be read", file=path.name, error=type(error).__name__)
        return tuple(sorted(found, key=lambda record: record.intent.sequence))

    def drop(self, record: SyncRecord) -> None:
        """Forget a record that the cluster has accepted."""
        self._path(record).unlink(missing_ok=True)

    def put_aside(self, record: SyncRecord) -> None:
        """Keep a record out of the way, for a person: the cluster has another one of its name."""
        path = self._path(record)
        path.replace(path.with_suffix(".refused"))

    def _path(self, record: SyncRecord) -> Path:
        stem = f"{record.namespace}_{record.name}"
        if len(stem) > _STEM:
            stem = f"{stem[:_STEM]}_{hashlib.sha256(stem.encode()).hexdigest()[:32]}"
        return self._folder / f"{stem}.json"


def _write(path: Path, content: bytes) -> None:
    """Write a file that is whole or absent after a crash, and readable by its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
