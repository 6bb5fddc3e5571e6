"""Delete records that have expired, each only after a signed checkpoint names it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from towline.model import Body
from towline.records import retention
from towline.records.checkpoints import Checkpoints
from towline.records.newest import NewestSync
from towline.records.retention import Retention, Stored
from towline.records.store import Records

SWEEP = 20
"""How many records are written between two searches for expired ones."""


class Expiry:
    """Finds and deletes expired records.

    Args:
        records: the requests about records.
        checkpoints: sign which records are deleted; None where nothing is signed.
        keep: how many records stay, and how long.
    """

    def __init__(self, records: Records, checkpoints: Checkpoints | None, keep: Retention) -> None:
        self._records = records
        self._checkpoints = checkpoints
        self._keep = keep
        self._swept: dict[str, int] = {}

    async def retain(
        self, namespace: str, uid: str, last: NewestSync, status: Body, now: datetime | None
    ) -> None:
        """Delete the expired records of a repository that its stored status names, and sign those that it does not.

        So nobody can delete a record and say that retention did. It looks for them once in `SWEEP` records.

        Args:
            namespace: of its records.
            uid: of the repository.
            last: its newest sync.
            status: its status as it is stored.
            now: with a time zone; None where no clock can be believed, so that none is deleted for its age.

        Raises:
            ClusterError: no answer.
        """
        if last.sequence < self._swept.get(uid, 0) + SWEEP:
            return
        of = f"spec.repository.uid={uid}"
        stored = await self._records.stored(namespace, of)
        drifts = await self._records.stored(namespace, of, "spec.trigger=Drift")
        gone = retention.expired(stored, drifts, self._keep, now)
        for old in self._signed(uid, last, status, gone):
            await self._records.delete(namespace, old)
        self._swept[uid] = last.sequence

    async def sweep(self, namespace: str, living: Collection[str], now: datetime | None) -> None:
        """Delete the expired records of repositories that are gone.

        Args:
            namespace: of all records; empty if each is in the namespace of its repository.
            living: the uids of all GitRepositories.
            now: with a time zone; None where no clock can be believed, so that nothing is deleted.

        Raises:
            ClusterError: no answer.
        """
        if now is None:
            return
        async for page in self._records.pages(namespace):
            for old in retention.orphaned(page, living, self._keep, now):
                await self._records.delete(old.namespace, old)

    def forget(self, uid: str) -> None:
        """Forget a repository that is gone."""
        self._swept.pop(uid, None)

    def _signed(self, uid: str, last: NewestSync, status: Body, gone: Sequence[Stored]) -> Iterator[Stored]:
        """Yield what may be deleted now; the next status, and the next record, name the rest."""
        if self._checkpoints is None:
            yield from gone
            return
        spans = self._checkpoints.trimmed(status, uid)
        unsigned = {old.sequence for old in gone if not any(old.sequence in span for span in spans)}
        if unsigned:
            self._checkpoints.fold(uid, last, spans, unsigned)
        yield from (old for old in gone if old.sequence not in unsigned)
