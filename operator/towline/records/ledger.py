"""Store the SyncRecords of all repositories: opened before a write, closed once, and never lost.

Only the operator writes records, so the newest sync of each repository is read once and then remembered. A record
is put into the cluster; into the data folder, if the cluster refuses it; into the log alone, if its
namespace is being deleted. What it says is decided in `records.opening` and `records.closing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from towline import aio
from towline.api.checkpoint import Checkpoint
from towline.api.pins import Pin
from towline.api.syncrecord import Ending, SyncRecord
from towline.errors import ApiError
from towline.kube.client import IN_FLIGHT, Client
from towline.model import Body, Key
from towline.records import newest, spool
from towline.records.checkpoints import Checkpoints
from towline.records.expiry import Expiry
from towline.records.newest import NewestSync
from towline.records.retention import Retention
from towline.records.spool import Spool
from towline.records.store import AnotherOperatorError, Pause, Records
from towline.records.written_objects import WrittenObjects

REFUSALS = 3
"""After so many refusals a record is kept in the data folder, and the sync goes on."""

REACH = 20
"""How many syncs a search for the newest plan, or for pins, reads."""


class Ledger:
    """Opens, closes, finds and deletes records.

    Args:
        client: the API server.
        namespace: of all records; empty if each is in the namespace of its repository.
        folder: the data folder.
        keep: how many records stay, and how long.
        checkpoints: sign what the records hold; None where nothing is signed.
        pause: waits a number of seconds.

    Attributes:
        written_objects: what the records tell of objects without a valid stamp.
    """

    def __init__(  # noqa: PLR0913  where records are, how long they stay, and what signs them
        self,
        client: Client,
        namespace: str,
        folder: Path,
        *,
        keep: Retention | None = None,
        checkpoints: Checkpoints | None = None,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._records = Records(client, pause)
        self._spool = Spool(self._records, folder)
        self.written_objects = WrittenObjects(self._records, self._spool, self.namespace)
        self._namespace = namespace
        self._expiry = Expiry(self._records, checkpoints, keep or Retention())
        self._checkpoints = checkpoints
        self._pause = pause
        self._tips: dict[str, NewestSync | None] = {}
        self._unclosed: dict[str, tuple[SyncRecord, ...]] = {}

    def namespace(self, key: Key) -> str:
        """Return the namespace of a repository's records."""
        return self._namespace or key.namespace

    async def known(self, key: Key, uid: str) -> bool:
        """Tell whether there are records of a repository of this name, whatever its uid.

        If there are none, `newest` need not ask.

        Raises:
            ClusterError: no answer.
        """
        chosen = (f"spec.repository.namespace={key.namespace}", f"spec.repository.name={key.name}")
        found = bool(await self._records.stored(self.namespace(key), *chosen))
        if not found and uid not in self._unclosed and not await self._spool.of(uid):
            self._tips.setdefault(uid, None)
        return found

    async def newest(self, key: Key, uid: str) -> NewestSync | None:
        """Return the newest sync of a repository; it is read the first time, and after an error.

        If its `ending` is None, a process died during that sync: close what `last` returns before anything else.

        Raises:
            ClusterError: no answer; or an earlier sync still cannot be closed.
        """
        if uid in self._unclosed:
            await self.close(self._unclosed[uid])
        if uid not in self._tips:
            records = await self.last(key, uid)
            self._tips[uid] = newest.of(records) if records else None
        return self._tips[uid]

    async def last(self, key: Key, uid: str) -> tuple[SyncRecord, ...]:
        """Return the records of the newest sync, in their order; none where there never was one.

        Raises:
            ClusterError: no answer.
        """
        known = await self._known(key, uid)
        return await self._sync(key, known, max(known, default=0))

    async def planned(self, key: Key, uid: str) -> tuple[SyncRecord, ...]:
        """Return the records of the newest plan under Observe; none if anything but failures followed it.

        Raises:
            ClusterError: no answer.
        """
        known = await self._known(key, uid)
        newest = max(known, default=0)
        for _ in range(REACH):
            records = await self._sync(key, known, newest)
            outcomes = {record.closing.outcome if record.closing else None for record in records}
            if outcomes == {Ending.PLANNED}:
                return records
            if outcomes != {Ending.FAILED}:
                break
            newest = records[0].intent.sequence - 1
        return ()

    async def pins(self, key: Key) -> tuple[Pin, ...]:
        """Return the pins of the newest record that has any, of a repository of this name, whatever its uid.

        Records of deletions and of refused commits have none.

        Raises:
            ClusterError: no answer.
        """
        chosen = (f"spec.repository.namespace={key.namespace}", f"spec.repository.name={key.name}")
        stored = await self._records.stored(self.namespace(key), *chosen)
        ordered = sorted(stored, key=lambda each: (each.created_at, each.sequence), reverse=True)
        for each in ordered[:REACH]:
            record = await self._records.read(self.namespace(key), each.name)
            if record and record.intent.pins:
                return record.intent.pins
        return ()

    async def open(self, records: Sequence[SyncRecord]) -> tuple[SyncRecord, ...]:
        """Store the records of one sync; only after that may a managed object be written.

        Returns:
            The records as they were stored: those that the cluster refused have the flag Late.

        Raises:
            AnotherOperatorError: another operator has written the next record.
            ClusterError: it is not known whether the records exist; nothing may be written.
        """
        uid = records[0].intent.subject.uid
        self._tips.pop(uid, None)
        opened = list(records)
        for index, record in enumerate(records):
            refusal = await self._tried(self._records.create, record)
            if refusal:
                opened[index:] = await self._spool.take(records[index:], refusal)
                break
        self._tips[uid] = newest.of(opened)
        return tuple(opened)

    async def close(self, closed: Sequence[SyncRecord]) -> None:
        """Write how a sync ended, wherever its records are; `newest` tries again what fails here.

        Raises:
            AnotherOperatorError: another operator has closed them otherwise.
            ClusterError: no answer.
        """
        uid = closed[0].intent.subject.uid
        self._tips.pop(uid, None)
        self._unclosed[uid] = tuple(closed)
        kept = True
        for record in closed:
            try:
                kept &= await self._finish(record)
            except AnotherOperatorError:
                del self._unclosed[uid]
                raise
        del self._unclosed[uid]
        if kept:
            self._tips[uid] = last = newest.of(closed)
            if self._checkpoints:
                self._checkpoints.closed(uid, last)
        self.written_objects.closed(uid, closed)

    async def post_kept(self) -> None:
        """Post the closed records that wait in the data folder, as far as the cluster accepts them now.

        Raises:
            ClusterError: no answer.
        """
        await self._spool.post()

    def checkpoint(self, uid: str, last: NewestSync | None) -> Checkpoint | None:
        """Return the checkpoint that the next record of a repository is to hold, if any.

        Args:
            uid: of the repository.
            last: its newest sync.
        """
        return self._checkpoints.for_record(uid, last) if self._checkpoints else None

    def told(self, uid: str, status: Body) -> Body | None:
        """Return the checkpoint that the status of a repository is to hold; None where nothing was signed yet."""
        return self._checkpoints.newest(uid, status) if self._checkpoints else None

    async def retain(self, key: Key, uid: str, status: Body, now: datetime | None) -> None:
        """Delete expired records, as `Expiry.retain` says.

        Raises:
            ClusterError: no answer.
        """
        if last := self._tips.get(uid):
            await self._expiry.retain(self.namespace(key), uid, last, status, now)

    async def sweep(self, living: Collection[str], now: datetime | None) -> None:
        """Delete the expired records of repositories that are gone, as `Expiry.sweep` says.

        Raises:
            ClusterError: no answer.
        """
        await self._expiry.sweep(self._namespace, living, now)

    def stop(self) -> None:
        """Write to the log what was signed since the last line about it."""
        if self._checkpoints:
            self._checkpoints.stop()

    def read_again(self) -> None:
        """Read the newest syncs once more before they are followed: the API server may have an older store now."""
        self._tips.clear()
        self.written_objects.read_again()

    def forget(self, uid: str) -> None:
        """Forget a repository that is gone."""
        self._tips.pop(uid, None)
        self._unclosed.pop(uid, None)
        self._expiry.forget(uid)
        if self._checkpoints:
            self._checkpoints.forget(uid)
        self.written_objects.forget(uid)

    async def _known(self, key: Key, uid: str) -> Mapping[int, SyncRecord | str]:
        """Return the records of a repository by their sequence: those that are kept, and the names of the others."""
        stored = await self._records.stored(self.namespace(key), _of(uid))
        return {found.sequence: found.name for found in stored} | dict(await self._spool.of(uid))

    async def _sync(
        self, key: Key, known: Mapping[int, SyncRecord | str], newest: int
    ) -> tuple[SyncRecord, ...]:
        """Read the records of the sync whose last one has this sequence."""
        last = await self._read(key, known.get(newest))
        if last is None:
            return ()
        earlier = range(newest - 1, max(newest - last.intent.part.number, 0), -1)
        found = await aio.gather(lambda sequence: self._read(key, known.get(sequence)), earlier, IN_FLIGHT)
        records = [last]
        for record in found:
            if record is None:
                break
            records.insert(0, record)
        return tuple(records)

    async def _read(self, key: Key, kept: SyncRecord | str | None) -> SyncRecord | None:
        return await self._records.read(self.namespace(key), kept) if isinstance(kept, str) else kept

    async def _finish(self, record: SyncRecord) -> bool:
        """Close a record wherever it is; False if it is nowhere any more, so that the next one cannot follow it."""
        if await self._spool.finish(record):
            return True
        refusal = await self._tried(self._records.finish, record)
        if refusal is None:
            return True
        if refusal.code == 404:
            spool.tell(record, "it was deleted while its sync ran")
            return False
        await self._spool.put(record)
        return True

    async def _tried(
        self, write: Callable[[SyncRecord], Awaitable[None]], record: SyncRecord
    ) -> ApiError | None:
        """Write a record; return the refusal if it is the last one."""
        for attempt in range(1, REFUSALS + 1):
            try:
                await write(record)
            except ApiError as error:
                if error.code not in spool.REFUSED:
                    raise
                if attempt == REFUSALS or spool.going_away(error):
                    return error
            else:
                return None
            await self._pause(0.2 * attempt)
        return None


def _of(uid: str) -> str:
    return f"spec.repository.uid={uid}"
