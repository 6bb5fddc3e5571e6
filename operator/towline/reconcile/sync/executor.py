"""Execute one plan: prepare, open the record, write, remove, close the record.

A plan with nothing to write never comes here. What may be written, and in which order, is already decided; the record
tells what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from towline import log
from towline.api.syncrecord import ChangeEntry, Ending, SyncRecord
from towline.apply.objects import WriteContext
from towline.apply.outcomes import WriteResult
from towline.apply.writer import Writer
from towline.fields.mask import Mask
from towline.live.index import Index
from towline.model import Action, Change, Key, ObjectRef, Outcome, Result
from towline.plan import adoption
from towline.plan.stamp import Stamps
from towline.reconcile.sync import sync_request
from towline.reconcile.sync.preparation import Preparation, Prepared
from towline.reconcile.sync.recorder import Begin, Recorder, nothing_to_prepare
from towline.reconcile.sync.sync_request import SyncRequest, SyncResult
from towline.records.closing import Ended
from towline.records.written_objects import WrittenObjects

_log = log.logger(__name__)

_NAMED = 10
"""How many tools are named whose objects are taken over."""


class Executor:
    """Executes plans, for all repositories.

    Args:
        writer: writes managed objects.
        recorder: leaves the records.
        index: the live objects.
        written_objects: what the records tell of objects without a valid stamp.
        mask: hides secrets in what the API server says.
        stamps: prove that the operator wrote an object.
        released: is told at once whose objects have no owner any more.
    """

    def __init__(  # noqa: PLR0913  what writes, what tells of it, and who we are
        self,
        *,
        writer: Writer,
        recorder: Recorder,
        index: Index,
        written_objects: WrittenObjects,
        mask: Mask,
        stamps: Stamps,
        released: Callable[[Key, Collection[ObjectRef]], None],
    ) -> None:
        self._writer = writer
        self._recorder = recorder
        self._preparation = Preparation(writer, recorder, index, mask)
        self._written_objects = written_objects
        self._mask = mask
        self._stamps = stamps
        self._tell_released = released

    async def run(
        self,
        request: SyncRequest,
        begin: Begin = nothing_to_prepare,
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
        context = self.context(request)
        prepared = await self._preparation.prepare(request, context)
        if prepared.is_empty:
            return await self._unwritten(prepared)
        _tell_taken(prepared, request.identity.key)
        entries = await self._recorder.entries(prepared.request, prepared.predictions, prepared.changes)
        records = await self._recorder.open(prepared.request, entries, begin)
        context = replace(context, record=records[0].name)
        written = await self._written(prepared, context, superseded)
        synced = await self._closed(prepared, records, written)
        return replace(synced, rivals=_rivals(entries))

    async def keepers(self, request: SyncRequest, refs: Sequence[ObjectRef]) -> Mapping[ObjectRef, str]:
        """Return, for the objects that are still being deleted, what keeps them."""
        return await self._writer.keepers(refs, self.context(request))

    def context(self, request: SyncRequest) -> WriteContext:
        """Return the context in which objects are read and written, before there is a record."""
        return WriteContext(
            identity=request.identity,
            revision=request.revision,
            mask=self._mask,
            stamps=self._stamps,
            evidence=self._written_objects.of(request.identity.key, request.identity.uid),
            moment=self._recorder.moment(),
            changed_by=request.changed_by,
            force=request.force,
            preflight=request.preflight,
            adopt=request.adopt,
            foreign=request.foreign,
        )

    async def _unwritten(self, prepared: Prepared) -> SyncResult:
        """Return what becomes of a request of which nothing may be written; a refusal leaves its record."""
        if refusals := prepared.refusals:
            return await self._recorder.refused(prepared.request, refusals)
        return SyncResult(
            ending=Ending.SUCCEEDED, overridden=prepared.overridden, unrepaired=prepared.unrepaired
        )

    async def _written(
        self, prepared: Prepared, context: WriteContext, superseded: Callable[[], bool]
    ) -> WriteResult:
        """Release what others take, write, and remove what is no longer declared unless anything went wrong."""
        request = prepared.request
        handed = await self._released(request, () if superseded() else request.plan.taken, context)
        applied = await self._writer.write(prepared.predictions, context, superseded, prepared.first)
        is_clean = not (prepared.failures or handed.error or superseded()) and applied.clean
        return await self._removed(request, sync_request.joined(handed, applied), context, goes_on=is_clean)

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
        return sync_request.joined(before, pruned, released)

    async def _released(
        self, request: SyncRequest, changes: Sequence[Change], context: WriteContext
    ) -> WriteResult:
        """Release objects, and tell of it at once: others may be waiting to take them."""
        released = await self._writer.release(changes, context)
        free = [each.change.ref for each in released.outcomes if each.result is Result.DONE]
        self._tell_released(request.identity.key, free)
        return released

    async def _closed(
        self, prepared: Prepared, records: Sequence[SyncRecord], written: WriteResult
    ) -> SyncResult:
        """Close the records by what was written; return what became of the request."""
        outcomes, failures = written.outcomes, prepared.refusals
        ended = Ended(
            ending=_ending(prepared, written),
            finished_at=self._recorder.moment(),
            outcomes=outcomes,
            blocked=len(prepared.request.plan.blocked),
            failures=failures,
        )
        record = await self._recorder.close(records, ended)
        refused = (failure for outcome in outcomes for failure in outcome.failures)
        overridden = {each.change.ref: each.overridden for each in outcomes if each.overridden}
        return SyncResult(
            ending=ended.ending,
            outcomes=outcomes,
            failures=(*failures, *refused),
            unrepaired=prepared.unrepaired,
            record=record,
            error=written.error,
            overridden={**prepared.overridden, **overridden},
        )


def _tell_taken(prepared: Prepared, key: Key) -> None:
    """Log whose objects are taken over: what these tools keep elsewhere, such as the Secrets of Helm, is left."""
    taken = [
        tool
        for each in prepared.predictions
        if each.change.action is Action.ADOPT and each.before
        if (tool := adoption.other_tool(each.before["metadata"]))
    ]
    if taken:
        _log.info(
            "objects are taken over from other tools",
            repository=str(key),
            objects=len(taken),
            tools=sorted(set(taken))[:_NAMED],
        )


def _of(changes: Sequence[Change], action: Action) -> tuple[Change, ...]:
    return tuple(change for change in changes if change.action is action)


def _rivals(entries: Sequence[ChangeEntry]) -> dict[str, str]:
    """Return the field managers whose changes are undone, by object."""
    return {entry.object: each.by for entry in entries for each in reversed(entry.fields) if each.by}


def _ending(prepared: Prepared, written: WriteResult) -> Ending:
    """Return how a sync ended; it is Failed only if nothing at all was done."""
    results = {outcome.result for outcome in written.outcomes}
    if prepared.refusals or written.error or Result.FAILED in results:
        return Ending.PARTIAL if Result.DONE in results else Ending.FAILED
    if Result.NOT_TRIED in results:
        return Ending.SUPERSEDED
    plan = prepared.request.plan
    return Ending.PARTIAL if plan.blocked or plan.waiting or plan.gated else Ending.SUCCEEDED
