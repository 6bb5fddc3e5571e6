"""Find out from the records which objects a repository has written: the evidence for those without a valid stamp."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace

from towline.api import recordbody
from towline.api.syncrecord import Ending, SyncRecord
from towline.model import REMOVES, Body, Key, Live, Stamp
from towline.plan import ownership
from towline.plan.ownership import NO_EVIDENCE, Evidence, Policy
from towline.records.spool import Spool
from towline.records.store import Records

_UNWRITTEN = frozenset({Ending.PLANNED, Ending.FAILED})
"""Outcomes of records whose changes were not carried out."""

_REMOVED = ("pruned", "released", "deleting")


class WrittenObjects:
    """Which objects the records say each repository has written; read once, as soon as an object needs it.

    Args:
        records: reads them.
        spool: those that wait in the data folder.
        namespace: where the records of a repository are.
    """

    def __init__(self, records: Records, spool: Spool, namespace: Callable[[Key], str]) -> None:
        self._records = records
        self._spool = spool
        self._namespace = namespace
        self._writes: dict[str, RecordedWrites] = {}
        self._names: dict[str, Key | None] = {}

    async def informed(self, policy: Policy, live: Iterable[Live]) -> Policy:
        """Return the policy with all evidence that these objects need.

        Raises:
            ClusterError: the records could not be read.
        """
        unsure = [each for each in live if ownership.is_unsure(each, policy)]
        if policy.uid not in self._writes and any(each.stamp is not Stamp.VALID for each in unsure):
            self._writes[policy.uid] = await self._read(policy.key, policy.uid)
        owners = {each.owner for each in unsure if each.early or each.stamp is Stamp.VALID}
        for uid in owners - {policy.uid} - self._names.keys():
            self._names[uid] = await self._records.subject(uid)
        return replace(policy, evidence=self.of(policy.key, policy.uid))

    def of(self, key: Key, uid: str) -> Evidence:
        """Return what was read for a repository, with what it has written and removed since."""
        writes = self._writes.get(uid)
        strangers = frozenset(other for other, name in self._names.items() if name not in {None, key})
        return replace(writes.evidence if writes else NO_EVIDENCE, strangers=strangers)

    def closed(self, uid: str, records: Iterable[SyncRecord]) -> None:
        """Add the records of a sync that has ended."""
        if writes := self._writes.get(uid):
            for record in records:
                writes.add(recordbody.to_body(record))
            writes.settle()

    def read_again(self) -> None:
        """Read the records once more before they are believed: the API server may have an older store now."""
        self._writes.clear()
        self._names.clear()

    def forget(self, uid: str) -> None:
        """Forget a repository that is gone."""
        self._writes.pop(uid, None)

    async def _read(self, key: Key, uid: str) -> RecordedWrites:
        writes = RecordedWrites()
        async for page in self._all(key, uid):
            await asyncio.to_thread(writes.extend, page)  # a record holds up to a thousand changes
        writes.settle()
        return writes

    async def _all(self, key: Key, uid: str) -> AsyncIterator[list[Body]]:
        """Yield all records under the name of a repository, each resource's in their order."""
        chosen = (f"spec.repository.namespace={key.namespace}", f"spec.repository.name={key.name}")
        async for page in self._records.whole(self._namespace(key), *chosen):
            yield page
        yield [recordbody.to_body(record) for _, record in sorted((await self._spool.of(uid)).items())]


class RecordedWrites:
    """What the records say that were added, in their order; `evidence` is what they said when it was settled last."""

    def __init__(self) -> None:
        self.evidence = NO_EVIDENCE
        self._named: dict[str, set[str]] = defaultdict(set)
        self._sequences: dict[str, set[int]] = defaultdict(set)

    def extend(self, records: Iterable[Body]) -> None:
        """Add records."""
        for record in records:
            self.add(record)

    def add(self, record: Body) -> None:
        """Add one record; one that a later version has written otherwise counts for what can be read of it."""
        spec, status = record.get("spec") or {}, record.get("status") or {}
        uid = (spec.get("repository") or {}).get("uid", "")
        self._sequences[uid].add(spec.get("sequence", 0))
        if status.get("outcome") in _UNWRITTEN:
            return
        written, removed = _carried_out(spec, status)
        names = self._named[uid]
        names |= written
        names -= removed

    def settle(self) -> None:
        """Make what was added the evidence."""
        whole = (uid for uid, seen in self._sequences.items() if seen == set(range(1, max(seen) + 1)))
        named = {uid: frozenset(names) for uid, names in self._named.items()}
        self.evidence = Evidence(named=named, whole=frozenset(whole))


def _carried_out(spec: Body, status: Body) -> tuple[set[str], set[str]]:
    """Return the objects that a sync has written and removed; none was removed unless all were that should be."""
    refused = {failure.get("change", -1) for failure in status.get("failures") or ()}
    written, removed = set[str](), set[str]()
    for number, change in enumerate(spec.get("changes") or ()):
        if number not in refused:
            (removed if _removes(change) else written).add(change.get("object", ""))
    counts = status.get("counts") or {}
    is_done = sum(counts.get(name, 0) for name in _REMOVED) >= len(removed)
    return written, removed if is_done else set()


def _removes(change: Body) -> bool:
    return change.get("action") in REMOVES
