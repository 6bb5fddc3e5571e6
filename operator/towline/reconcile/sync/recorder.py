"""Leave the records of syncs: who asked for what, what is about to be written, and what became of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeAlias

from towline import aio, text
from towline.api.gitrepository import GitRepository
from towline.api.syncrecord import ChangeEntry, Ending, FieldChange, SyncRecord
from towline.apply import prediction
from towline.apply.prediction import Prediction
from towline.errors import Failure
from towline.fields.mask import Mask
from towline.live.index import Index
from towline.model import Change, Key, ObjectRef, Plan
from towline.plan.stamp import Identity
from towline.reconcile.desired.head_reader import HeadReader
from towline.reconcile.locate import Blame, ChangedFields
from towline.reconcile.state import Fetched, Occasion
from towline.reconcile.sync import sync_request
from towline.reconcile.sync.sync_request import SyncRequest, SyncResult
from towline.records import closing, newest, opening
from towline.records.closing import Ended
from towline.records.ledger import Ledger
from towline.records.newest import NewestSync
from towline.records.opening import Place

Begin: TypeAlias = Callable[[Sequence[ChangeEntry]], Awaitable[None]]
"""Awaited once before the first write to a managed object, with the entries that are about to be written."""


async def nothing_to_prepare(_entries: Sequence[ChangeEntry]) -> None:
    """Go on at once."""


class Recorder:
    """Records syncs, for all repositories.

    Args:
        ledger: stores the records.
        index: the live objects, to find out how far a sync came whose process died.
        heads: lists the commits between two.
        blame: finds which commits made objects what they are, and in which line.
        mask: hides secrets in records.
        now: the current time, with its zone.
        operator: the name of this process in records.
    """

    def __init__(  # noqa: PLR0913  what a record tells, and where it is kept
        self,
        *,
        ledger: Ledger,
        index: Index,
        heads: HeadReader,
        blame: Blame,
        mask: Mask,
        now: Callable[[], datetime],
        operator: str,
    ) -> None:
        self._ledger = ledger
        self._index = index
        self._heads = heads
        self._blame = blame
        self._mask = mask
        self._now = now
        self._operator = operator

    async def newest(self, identity: Identity) -> NewestSync | None:
        """Return the newest sync of a repository; one that a dead process left open is closed as Interrupted first.

        Raises:
            ClusterError: no answer.
        """
        last = await self._ledger.newest(identity.key, identity.uid)
        if last is None or last.ending is not None:
            return last
        left = await self._ledger.last(identity.key, identity.uid)
        owned = self._index.owned(identity.label)
        await self._ledger.close(closing.interrupted(left, owned, self._mask, self.moment()))
        return await self._ledger.newest(identity.key, identity.uid)

    async def request(
        self, repository: GitRepository, fetched: Fetched, plan: Plan, why: Occasion
    ) -> SyncRequest:
        """Return the request to carry out a plan for a commit, with all that its record tells.

        Raises:
            SourceError: the mirror could not be read.
            ClusterError: the newest record could not be read.
        """
        last = await self.newest(Identity(key=repository.key, uid=repository.uid))
        source = sync_request.base(last)
        history = await self._heads.history(fetched.head, fetched.revision, source)
        changed_by = await self._blame.changed_by(repository, fetched, plan, history.revisions, why.trigger)
        return sync_request.requested(
            repository, fetched, plan, why, source=source, history=history, changed_by=changed_by
        )

    async def entries(
        self, request: SyncRequest, predictions: Sequence[Prediction], changes: Sequence[Change]
    ) -> tuple[ChangeEntry, ...]:
        """Describe changes by what is predicted of them; comparing is slow enough to leave the event loop."""
        cost = _cost(predictions, changes)
        changed = await aio.aside(
            cost,
            lambda: {
                each.change.ref: prediction.changed_fields(each, request.foreign, self._mask)
                for each in predictions
            },
        )
        places = {each.ref: _place(each, request) for each in changes}
        places |= await self._lines(request, changed, places)
        return await aio.aside(cost, opening.entries, changes, changed, places, self._mask)

    async def open(
        self, request: SyncRequest, entries: Sequence[ChangeEntry], begin: Begin = nothing_to_prepare
    ) -> tuple[SyncRecord, ...]:
        """Prepare the first write, and open the records of what is about to be written.

        Raises:
            ClusterError: they could not be written.
        """
        drafting = asyncio.create_task(self._drafts(request, entries))
        try:
            await begin(entries)
            drafts = await drafting
        finally:
            await aio.end(drafting)
        return await self._ledger.open(drafts)

    async def close(self, records: Sequence[SyncRecord], ended: Ended) -> str:
        """Say in the open records of a sync what became of it; return the name of the last.

        Raises:
            ClusterError: they could not be written.
        """
        subject = records[0].intent.subject
        told = _told(ended, partial(self._mask.told, Key(subject.namespace, subject.name)))
        await self._ledger.close(closing.close(records, told))
        return records[-1].name

    async def leave(self, request: SyncRequest, entries: Sequence[ChangeEntry], ended: Ended) -> str:
        """Write a record of something that is over already; return its name.

        Raises:
            ClusterError: it could not be written.
        """
        return await self.close(await self.open(request, entries), ended)

    async def refused(self, request: SyncRequest, failures: tuple[Failure, ...]) -> SyncResult:
        """Leave one Failed record of a revision that is refused as a whole, unless the newest record says the same.

        Raises:
            ClusterError: the record could not be written.
        """
        last = await self.newest(request.identity)
        synced = SyncResult(ending=Ending.FAILED, failures=failures)
        if failures and request.told.issuperset((each.object, each.reason) for each in failures):
            return synced
        if newest.same_failure(last, request.revision.sha, failures):
            return synced
        ended = Ended(ending=Ending.FAILED, finished_at=self.moment(), failures=failures)
        return replace(synced, record=await self.leave(request, (), ended))

    def moment(self) -> str:
        """Return the current time as records have it."""
        return text.timestamp(self._now())

    async def _drafts(self, request: SyncRequest, entries: Sequence[ChangeEntry]) -> tuple[SyncRecord, ...]:
        """Return the records to open, made outside the event loop: a thousand entries are packed and digested."""
        about = opening.RecordDraft(
            namespace=self._ledger.namespace(request.identity.key),
            subject=request.subject,
            trigger=request.trigger,
            requested_by=request.requested_by,
            source=request.source,
            target=request.revision.sha,
            commits=request.commits or (request.revision,),
            commits_total=request.commits_total or 1,
            flags=request.flags,
            operator=self._operator,
            started_at=self.moment(),
            ref=request.ref,
            pins=request.pins,
            sources=request.sources,
            verification=request.verification,
            author=request.revision.writer,
        )
        last = await self.newest(request.identity)
        about = replace(about, checkpoint=self._ledger.checkpoint(request.identity.uid, last))
        cost = len(entries) + sum(len(each.fields) for each in entries)
        return await aio.aside(cost, opening.opening, about, entries, last)

    async def _lines(
        self,
        request: SyncRequest,
        changed: Mapping[ObjectRef, Sequence[FieldChange]],
        places: Mapping[ObjectRef, Place],
    ) -> Mapping[ObjectRef, Place]:
        """Return the places of objects of which fields change, with the line of the first."""
        manifests = {found.ref: found.manifest for found in request.plan.writes if found.manifest}
        origins = {ref: each.origin for ref, each in manifests.items()}
        origins |= {ref: known.origin for ref, known in request.changed_by.items()}
        asked = tuple(
            ChangedFields(manifests[ref], origins[ref], places[ref].commit, fields)
            for ref, fields in changed.items()
            if fields and ref in manifests and (origins[ref].blob or origins[ref].is_rendered)
        )
        if not asked or request.remote is None:
            return {}
        lines = await self._blame.lines(request.remote, asked)
        return {ref: places[ref]._replace(file=at.file, line=at.line) for ref, at in lines.items()}


def _told(ended: Ended, told: Callable[[str], str]) -> Ended:
    """Return how a sync ended, in words that hold nothing secret."""

    def plain(failures: Sequence[Failure]) -> tuple[Failure, ...]:
        return tuple(replace(each, message=told(each.message)) for each in failures)

    outcomes = tuple(
        replace(
            each,
            change=replace(each.change, message=told(each.change.message)),
            failures=plain(each.failures),
        )
        if each.failures or each.change.message
        else each
        for each in ended.outcomes
    )
    return replace(ended, outcomes=outcomes, failures=plain(ended.failures))


def _cost(predictions: Sequence[Prediction], changes: Sequence[Change]) -> int:
    """Return what it costs to describe changes: little for creations, whose content is only digested."""
    if any(found.before is not None for found in predictions):
        return sys.maxsize
    return len(changes) + sum(len(each.manifest.content) for each in changes if each.manifest) // 1024


def _place(change: Change, request: SyncRequest) -> Place:
    """Return the commit that made an object what a change makes of it, with file and line there.

    For what is removed, and for what was changed by others only, the live object names them.
    """
    manifest, live = change.manifest, change.live
    if known := request.changed_by.get(change.ref):
        return Place(known.revision.sha, known.origin.file, known.origin.line)
    if manifest is None:
        return Place(live.commit, live.source, 0) if live else Place(request.revision.sha, "", 0)
    if live and live.digest == manifest.digest and live.commit:
        return Place(live.commit, live.source or manifest.origin.file, manifest.origin.line)
    return Place(request.revision.sha, manifest.origin.file, manifest.origin.line)
