"""Execute one plan: preflight, open the record, write, prune, close the record.

A plan with nothing to write never comes here. What may be written, and in which order, is already decided; the record
tells what happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from towline import aio, text
from towline.api.gitrepository import ForeignFields, GitRepository
from towline.api.syncrecord import ChangeEntry, Ending, FieldChange, SyncRecord, Trigger
from towline.apply.objects import WriteContext
from towline.apply.outcomes import WriteResult
from towline.apply.prediction import Prediction
from towline.apply.preflight import Preflight
from towline.apply.writer import Writer
from towline.drift import deviations
from towline.errors import Failure
from towline.fields import diff
from towline.fields.mask import Mask
from towline.live.index import Index
from towline.model import APPLIES, Action, Change, Difference, Key, ObjectRef, Outcome, Plan, Result
from towline.plan import waves as ordering
from towline.plan.stamp import Identity, Stamps
from towline.reconcile import sync
from towline.reconcile.desired import CommitReader
from towline.reconcile.locate import Blame, ChangedFields
from towline.reconcile.state import Fetched, Occasion
from towline.reconcile.sync import SyncRequest, SyncResult
from towline.records import closing, newest, opening
from towline.records.closing import Ended
from towline.records.ledger import Ledger
from towline.records.newest import NewestSync
from towline.records.opening import Place

_UNASKED = frozenset({Trigger.START, Trigger.DRIFT})
"""Triggers that are no wish of a person."""

Begin: TypeAlias = Callable[[Sequence[ChangeEntry]], Awaitable[None]]
"""Awaited once before the first write to a managed object, with the entries that are about to be written."""


async def _nothing_to_prepare(_entries: Sequence[ChangeEntry]) -> None:
    """Go on at once."""


class Executor:
    """Executes plans, for all repositories.

    Args:
        writer: writes managed objects.
        ledger: stores the records.
        index: the live objects, to find out how far a sync came whose process died.
        source: lists the commits between two.
        mask: hides secrets in records.
        now: the current time, with its zone.
        operator: the name of this process in records.
        blame: finds which commits made objects what they are, and in which line.
        released: is told at once whose objects have no owner any more.
        stamps: prove that the operator wrote an object.
    """

    def __init__(  # noqa: PLR0913  two doors, what they need to know, and who we are
        self,
        *,
        writer: Writer,
        ledger: Ledger,
        index: Index,
        source: CommitReader,
        mask: Mask,
        now: Callable[[], datetime],
        operator: str,
        blame: Blame,
        released: Callable[[Key, Collection[ObjectRef]], None],
        stamps: Stamps,
    ) -> None:
        self._writer = writer
        self._ledger = ledger
        self._index = index
        self._source = source
        self._mask = mask
        self._now = now
        self._operator = operator
        self._blame = blame
        self._tell_released = released
        self._stamps = stamps

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
        """Request that a plan for a commit be carried out, with all that its record tells.

        Raises:
            SourceError: the mirror could not be read.
            ClusterError: the newest record could not be read.
        """
        source = sync.base(await self.newest(Identity(key=repository.key, uid=repository.uid)))
        history = await self._source.history(fetched.head, fetched.revision, source)
        changed_by = await self._blame.changed_by(repository, fetched, plan, history.revisions, why.trigger)
        return sync.requested(
            repository, fetched, plan, why, source=source, history=history, changed_by=changed_by
        )

    async def run(
        self,
        request: SyncRequest,
        begin: Begin = _nothing_to_prepare,
        superseded: Callable[[], bool] = lambda: False,
    ) -> SyncResult:
        """Execute one request.

        Args:
            request: the plan, and what its record needs.
            begin: awaited once with what is about to be written, after the preflight and before the first write to a
                managed object; without it the finalizer is there, and no kind is new.
            superseded: asked between waves whether the head moved meanwhile.

        Raises:
            ClusterError: nothing was written yet, and the API server cannot be asked, or refuses Towline as a whole.
        """
        request = await self._still_there(request, context := self.context(request))
        flight = await self._preflight(request, context)
        unrepaired = tuple(failure for failure in flight.failures if failure.object in request.repairs)
        held = tuple(failure for failure in flight.failures if failure not in unrepaired)
        failures = (*request.plan.failures, *held)
        if failures and request.preflight:
            failures, unrepaired, flight = (*failures, *unrepaired), (), Preflight()
            request = replace(request, plan=request.plan.handover)
        elif request.only_repairs:
            failures, unrepaired = unrepaired, ()
        later = {change.ref for change in request.plan.gated}
        due = (found for found in flight.predictions if found.change.ref not in later)
        predictions = tuple(found for found in due if found.change.action in APPLIES)
        request, stuck = await self._without_stuck(request, context)
        first = () if stuck else sync.taken_over(predictions, request.plan)
        request = sync.flagged(request, predictions)
        overridden = self._rehearsed(flight.predictions)
        if not predictions and not (request.plan.taken if failures else request.plan.removals):
            every = (*failures, *stuck)
            if every:
                return await self.refused(request, every)
            return SyncResult(ending=Ending.SUCCEEDED, overridden=overridden, unrepaired=unrepaired)
        changes = (*(found.change for found in predictions), *request.plan.removals)
        entries = await self.entries(request, predictions, changes)
        records = await self._opened(request, entries, begin)
        context = replace(context, record=records[0].name)
        handed = await self._released(request, () if superseded() else request.plan.taken, context)
        applied = await self._writer.write(predictions, context, superseded, first)
        is_clean = not (failures or handed.error or superseded()) and applied.clean
        written = await self._removed(request, sync.joined(handed, applied), context, goes_on=is_clean)
        synced = await self._close(request, records, written, (*failures, *stuck))
        overridden |= {each.change.ref: each.overridden for each in written.outcomes if each.overridden}
        return replace(synced, overridden=overridden, rivals=_rivals(entries), unrepaired=unrepaired)

    async def _still_there(self, request: SyncRequest, context: WriteContext) -> SyncRequest:
        """Leave out the removals of what is not there any more, where no commit asks for them.

        Then a list or a watch of the past may be all that asks: a record would tell once more what is done.
        """
        removals = request.plan.removals
        if not removals or request.trigger not in _UNASKED:
            return request
        past = await self._writer.vanished(removals, context)
        left = tuple(change for change in request.plan.changes if change.ref not in past)
        return replace(request, plan=replace(request.plan, changes=left))

    def _kept(self, flight: Preflight) -> Preflight:
        """Remember how the objects are that were read and stay: the index may have been told the past."""
        for found in flight.predictions:
            if found.change.action is Action.KEEP and found.before:
                self._index.looked_at(found.change.ref, found.before)
        return flight

    async def _opened(
        self, request: SyncRequest, entries: Sequence[ChangeEntry], begin: Begin
    ) -> tuple[SyncRecord, ...]:
        """Prepare the first write, and open the records of what is about to be written."""
        drafting = asyncio.create_task(self._drafts(request, entries))
        try:
            await begin(entries)
            drafts = await drafting
        finally:
            await aio.end(drafting)
        return await self._ledger.open(drafts)

    def _rehearsed(self, predictions: Sequence[Prediction]) -> dict[ObjectRef, tuple[Difference, ...]]:
        """Return the fields of kept objects that admission overrides: to send them once more would change nothing."""
        kept = (found for found in predictions if found.change.action is Action.KEEP and found.after)
        compared = {
            found.change.ref: diff.overridden(found.body, found.after, self._mask)
            for found in kept
            if found.after
        }
        return {ref: differences for ref, differences in compared.items() if differences}

    async def _preflight(self, request: SyncRequest, context: WriteContext) -> Preflight:
        """Predict the plan, held waves included; without preflight by no dry run, but for a revision refused before.

        The first plan after Observe has a dry run, too: it is compared with the one that was shown. So has one that no
        person asks for: what it would write may be there already.

        What the dry run refuses as the newest record tells is not written again, nor what waits for it: each
        such retry would leave a record that says nothing new.
        """
        applies = request.plan.applies
        last = await self.newest(request.identity)
        beside = sync.beside(request)
        if request.preflight:
            return self._kept(await self._writer.preflight(applies, context, beside))
        if not newest.refuses(last, request.revision.sha):
            context = replace(context, preflight=newest.plans(last) or request.trigger in _UNASKED)
            return self._kept(await self._writer.preflight(applies, context, beside))
        careful = replace(context, preflight=True)
        rehearsed = (await self._writer.preflight(applies, careful, beside)).failures
        known = {failure.object for failure in rehearsed if newest.tells(last, failure)}
        waiting = ordering.deferred(applies) if known else frozenset()
        rest = (each for each in applies if each.ref not in waiting and str(each.ref) not in known)
        flight = await self._writer.preflight(tuple(rest), context)
        still = tuple(failure for failure in rehearsed if failure.object in known)
        return replace(flight, failures=(*still, *flight.failures))

    async def _without_stuck(
        self, request: SyncRequest, context: WriteContext
    ) -> tuple[SyncRequest, tuple[Failure, ...]]:
        """Leave out the removals whose dry run is refused as the newest record tells; return their failures, too."""
        last = await self.newest(request.identity)
        removals = request.plan.removals
        if not removals or not newest.refuses(last, request.revision.sha):
            return request, ()
        refused = await self._writer.rehearse(removals, context)
        stuck = tuple(failure for failure in refused if newest.tells(last, failure))
        objects = {failure.object for failure in stuck}
        left = tuple(change for change in request.plan.changes if str(change.ref) not in objects)
        return replace(request, plan=replace(request.plan, changes=left)), stuck

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

    async def keepers(self, request: SyncRequest, refs: Sequence[ObjectRef]) -> Mapping[ObjectRef, str]:
        """Return, for the objects that are still being deleted, what keeps them."""
        return await self._writer.keepers(refs, self.context(request))

    async def leave(self, request: SyncRequest, entries: Sequence[ChangeEntry], ended: Ended) -> str:
        """Write a record of something that is over already; return its name.

        Raises:
            ClusterError: it could not be written.
        """
        records = await self._ledger.open(await self._drafts(request, entries))
        await self._ledger.close(closing.close(records, ended))
        return records[-1].name

    async def _removed(
        self, request: SyncRequest, before: WriteResult, context: WriteContext, *, goes_on: bool
    ) -> WriteResult:
        """Take away what is no longer declared, if that goes on; some of it may have gone before the writes."""
        ended = {outcome.change.ref for outcome in before.outcomes}
        removals = tuple(change for change in request.plan.removals if change.ref not in ended)
        if not goes_on:
            left = tuple(Outcome(change=change, result=Result.NOT_TRIED) for change in removals)
            return replace(before, outcomes=(*before.outcomes, *left))
        pruned = await self._writer.prune(_of(removals, Action.PRUNE), context)
        released = await self._released(request, _of(removals, Action.RELEASE), context)
        return sync.joined(before, pruned, released)

    async def _released(
        self, request: SyncRequest, changes: Sequence[Change], context: WriteContext
    ) -> WriteResult:
        """Release objects, and tell of it at once: others may be waiting to take them."""
        released = await self._writer.release(changes, context)
        free = [each.change.ref for each in released.outcomes if each.result is Result.DONE]
        self._tell_released(request.identity.key, free)
        return released

    async def _drafts(self, request: SyncRequest, entries: Sequence[ChangeEntry]) -> tuple[SyncRecord, ...]:
        """Return the records to open, made outside the event loop: a thousand entries are packed and digested."""
        about = opening.RecordDraft(
            namespace=self._ledger.namespace(request.identity.key),
            subject=request.subject,
            trigger=request.trigger,
            source=request.source,
            target=request.revision.sha,
            commits=request.commits or (request.revision,),
            commits_total=request.commits_total or 1,
            flags=request.flags,
            operator=self._operator,
            started_at=self.moment(),
            ref=request.ref,
            author=request.revision.writer,
        )
        return await asyncio.to_thread(opening.opening, about, entries, await self.newest(request.identity))

    async def _close(
        self,
        request: SyncRequest,
        records: Sequence[SyncRecord],
        written: WriteResult,
        failures: tuple[Failure, ...],
    ) -> SyncResult:
        ending = _ending(request, written, failures)
        ended = Ended(
            ending=ending,
            finished_at=self.moment(),
            outcomes=written.outcomes,
            blocked=len(request.plan.blocked),
            failures=failures,
        )
        await self._ledger.close(closing.close(records, ended))
        refused = tuple(failure for outcome in written.outcomes for failure in outcome.failures)
        return SyncResult(
            ending=ending,
            outcomes=written.outcomes,
            failures=(*failures, *refused),
            record=records[-1].name,
            error=written.error,
        )

    async def entries(
        self, request: SyncRequest, predictions: Sequence[Prediction], changes: Sequence[Change]
    ) -> tuple[ChangeEntry, ...]:
        """Describe changes by what is predicted of them; comparing is slow enough to leave the event loop."""
        changed = await asyncio.to_thread(
            lambda: {found.change.ref: self._changed(found, request) for found in predictions}
        )
        places = {each.ref: _place(each, request) for each in changes}
        places |= await self._lines(request, changed, places)
        return await asyncio.to_thread(opening.entries, changes, changed, places, self._mask)

    async def _lines(
        self,
        request: SyncRequest,
        changed: Mapping[ObjectRef, Sequence[FieldChange]],
        places: Mapping[ObjectRef, Place],
    ) -> Mapping[ObjectRef, Place]:
        """Return the places of objects of which fields change, with the line of the first."""
        origins = {found.ref: found.manifest.origin for found in request.plan.writes if found.manifest}
        origins |= {ref: known.origin for ref, known in request.changed_by.items()}
        asked = tuple(
            ChangedFields(ref, origins[ref], fields)
            for ref, fields in changed.items()
            if fields and ref in origins and origins[ref].blob
        )
        if not asked or request.remote is None:
            return {}
        lines = await self._blame.lines(request.remote, asked)
        return {ref: places[ref]._replace(line=line) for ref, line in lines.items()}

    def _changed(self, found: Prediction, request: SyncRequest) -> tuple[FieldChange, ...]:
        """Return the fields that a change changes; for a repair, with the manager that gave them their old value."""
        if found.before is None:
            return ()  # without making its body, which thousands of creations would for nothing
        manager, sent = request.identity.manager, found.body
        fields = diff.fields(found.before, found.after, sent, self._mask)
        if found.change.action in {Action.UPDATE, Action.REPAIR}:
            fields += deviations.taken_off(sent, found.before, manager, self._mask)
        if found.change.action is not Action.REPAIR:
            return fields
        attributed = deviations.Holders(sent, found.before, manager).attributed(fields)
        if request.foreign is ForeignFields.REPORT:
            return attributed
        return (*attributed, *deviations.removals(found.before, manager, self._mask))

    def context(self, request: SyncRequest) -> WriteContext:
        """Return the context in which objects are read and written, before there is a record."""
        return WriteContext(
            identity=request.identity,
            revision=request.revision,
            mask=self._mask,
            stamps=self._stamps,
            evidence=self._ledger.testimony.of(request.identity.key, request.identity.uid),
            moment=self.moment(),
            changed_by=request.changed_by,
            force=request.force,
            preflight=request.preflight,
            adopt=request.adopt,
            foreign=request.foreign,
        )

    def moment(self) -> str:
        """Return the current time as records have it."""
        return text.timestamp(self._now())


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


def _of(changes: Sequence[Change], action: Action) -> tuple[Change, ...]:
    return tuple(change for change in changes if change.action is action)


def _rivals(entries: Sequence[ChangeEntry]) -> dict[str, str]:
    """Return the field managers whose changes are undone, by object."""
    return {entry.object: each.by for entry in entries for each in reversed(entry.fields) if each.by}


def _ending(request: SyncRequest, written: WriteResult, failures: tuple[Failure, ...]) -> Ending:
    """Return how a sync ended; it is Failed only if nothing at all was done."""
    results = {outcome.result for outcome in written.outcomes}
    if failures or written.error or Result.FAILED in results:
        return Ending.PARTIAL if Result.DONE in results else Ending.FAILED
    if Result.NOT_TRIED in results:
        return Ending.SUPERSEDED
    left = request.plan.blocked or request.plan.waiting or request.plan.gated
    return Ending.PARTIAL if left else Ending.SUCCEEDED
