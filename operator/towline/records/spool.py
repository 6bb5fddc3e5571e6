"""Keep records that the cluster refuses, in the data folder until it accepts them, or in the log alone."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import orjson

from towline import log
from towline.api import recordbody
from towline.api.syncrecord import SyncRecord
from towline.errors import ApiError
from towline.records import opening as intents
from towline.records.store import AnotherOperatorError, Records

REFUSED = frozenset({400, 403, 404, 413, 422, 500})
"""Answers by which admission, quota, a missing CRD or namespace, or a broken webhook keeps a record out."""

OWN = frozenset({400, 413, 422})
"""Those that are about the record itself: it keeps no other one waiting."""

_STEM = 200
"""Characters; names of objects may be longer than the 255 bytes that a file's may have, a draft's ending included."""

_log = log.logger(__name__)


class Spool:
    """Keeps refused records in `folder`, and posts them when the cluster accepts them."""

    def __init__(self, records: Records, folder: Path) -> None:
        self._records = records
        self._kept = SpoolFolder(folder)
        self._in_folder: set[str] = set()
        self._in_log: set[str] = set()

    async def of(self, uid: str) -> dict[int, SyncRecord]:
        """Return the records of one repository that wait in the folder, by their sequence."""
        kept = [
            record for record in await asyncio.to_thread(self._kept.all) if record.intent.subject.uid == uid
        ]
        self._in_folder.update(record.name for record in kept)
        return {record.intent.sequence: record for record in kept}

    async def take(self, refused: Sequence[SyncRecord], refusal: ApiError) -> tuple[SyncRecord, ...]:
        """Keep open records that the cluster refuses, and return them as they were kept.

        Those of a namespace that is being deleted are only logged: the cluster will never accept them.
        """
        if going_away(refusal):
            for record in refused:
                tell(record, "its namespace is being deleted")
                self._in_log.add(record.name)
            return tuple(refused)
        late = intents.late(refused)
        for record in late:
            tell(record, f"the API server refused it: {refusal.message}")
            await self.put(record)
        return late

    async def put(self, record: SyncRecord) -> None:
        """Keep a record in the folder, or in the log if it cannot be written there."""
        try:
            await asyncio.to_thread(self._kept.put, record)
            self._in_folder.add(record.name)
        except OSError as error:
            tell(record, f"the data folder cannot hold it: {error.strerror}")
            self._in_log.add(record.name)

    async def finish(self, record: SyncRecord) -> bool:
        """Note how a sync ended, if its record is kept here; return whether it is."""
        if record.name in self._in_log:
            tell(record, "it exists only in the log")
            self._in_log.discard(record.name)
            return True
        if record.name in self._in_folder:
            await self.put(record)
            return True
        return False

    async def post(self) -> None:
        """Post the closed records that wait, as far as the cluster accepts them now.

        Raises:
            ClusterError: no answer.
        """
        refusing: set[str] = set()
        for record in await asyncio.to_thread(self._kept.all):
            repository = record.intent.subject.uid
            if record.closing and repository not in refusing and not await self._goes_on(record):
                refusing.add(repository)

    async def _goes_on(self, record: SyncRecord) -> bool:
        """Post one record; say whether the next one of its repository may be accepted."""
        try:
            await self._records.create(record)
            await self._records.finish(record)
        except AnotherOperatorError:
            tell(record, "another record has its name; it stays in the data folder")
            await asyncio.to_thread(self._kept.put_aside, record)
        except ApiError as error:
            if error.code in REFUSED:
                return error.code in OWN
            raise
        else:
            await asyncio.to_thread(self._kept.drop, record)
        self._in_folder.discard(record.name)
        return True


def going_away(refusal: ApiError) -> bool:
    """Say whether a namespace that is being deleted was the reason."""
    return any(cause.reason == "NamespaceTerminating" for cause in refusal.causes)


def tell(record: SyncRecord, why: str) -> None:
    """Put a whole record, whose secrets are masked, on one line of the log."""
    _log.warning("a record is not in the cluster", why=why, record=recordbody.to_body(record))


class SpoolFolder:
    """The refused records, one file each; every call waits for the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "records"

    def put(self, record: SyncRecord) -> None:
        """Keep a record, over an earlier state of it.

        Raises:
            OSError: the disk is full, or may not be written.
        """
        write_whole(self._path(record), orjson.dumps(recordbody.to_body(record)))

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


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is whole or absent after a crash, and readable by its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
