"""Show a plan and its dry run under `spec.mode: Observe`; no managed object is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from towline.api.gitrepository import GitRepository
from towline.api.syncrecord import ChangeEntry, Ending
from towline.apply.preflight import Preflight
from towline.apply.writer import Writer
from towline.errors import Failure, Refusal
from towline.model import APPLIES, REMOVES, Change, Outcome, Result
from towline.notify import announcement
from towline.notify.announce import Announcer
from towline.plan.stamp import Identity
from towline.reconcile.sync import sync_request
from towline.reconcile.sync.executor import Executor
from towline.reconcile.sync.recorder import Recorder
from towline.reconcile.sync.sync_request import SyncRequest
from towline.records import newest
from towline.records.closing import Ended
from towline.records.ledger import Ledger
from towline.status import preview
from towline.status.preview import Forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What would be done; `record` is the newest one, empty where none was ever left."""

    forecast: Forecast
    record: str = ""


class Observer:
    """Shows what would be done, and later whether that is still what is done, for all repositories.

    Args:
        writer: asked for dry runs only.
        executor: knows in which context objects are read.
        recorder: leaves the records.
        ledger: has those that were left before.
        announcer: posts Events and logs.
    """

    def __init__(
        self,
        *,
        writer: Writer,
        executor: Executor,
        recorder: Recorder,
        ledger: Ledger,
        announcer: Announcer,
    ) -> None:
        self._writer = writer
        self._executor = executor
        self._recorder = recorder
        self._ledger = ledger
        self._announcer = announcer

    async def observe(self, request: SyncRequest) -> Observed:
        """Run a plan as a dry run, and leave one Planned record unless the newest says the same.

        Everything has a dry run, whatever `spec.preflight` says, but what needs something that the plan itself creates.

        Raises:
            ClusterError: the API server could not be asked, or refuses Towline as a whole.
        """
        context = replace(self._executor.context(request), preflight=True)
        flight = await self._writer.preflight(request.plan.applies, context, sync_request.beside(request))
        stuck = await self._writer.rehearse(request.plan.removals, context)
        refused = (*flight.failures, *(each for each in stuck if each.reason != Refusal.CONFLICT))
        entries = await self._recorder.entries(request, flight.predictions, _changes(request, flight))
        held = _held(request, refused)
        unheld = {str(outcome.change.ref) for outcome in held}
        found = Forecast(
            entries=tuple(entry for entry in entries if entry.object not in unheld),
            blocked=request.plan.blocked,
            failures=(*request.plan.failures, *refused),
        )
        return Observed(forecast=found, record=await self._told(request, entries, held))

    async def _told(
        self, request: SyncRequest, entries: Sequence[ChangeEntry], held: Sequence[Outcome]
    ) -> str:
        """Leave a record, unless the newest one tells the same, or there is nothing to tell and never was; name it."""
        last = await self._recorder.newest(request.identity)
        failures = (*request.plan.failures, *(each for outcome in held for each in outcome.failures))
        silent = not (entries or failures or newest.plans(last))
        if silent or newest.same_plan(last, entries, failures):
            return last.name if last else ""
        ended = Ended(
            ending=Ending.PLANNED,
            finished_at=self._recorder.moment(),
            outcomes=tuple(held),
            blocked=len(request.plan.blocked),
            failures=request.plan.failures,
        )
        return await self._recorder.leave(request, entries, ended)

    async def compare(
        self, repository: GitRepository, entries: Sequence[ChangeEntry], later: Sequence[Change]
    ) -> None:
        """Say what is about to be written otherwise than it was shown under Observe, if nothing was written since.

        `later` are the changes that wait for a gate: they are still to come.

        Raises:
            ClusterError: that record could not be read.
        """
        last = await self._recorder.newest(Identity(key=repository.key, uid=repository.uid))
        if last is None or last.ending not in {Ending.PLANNED, Ending.FAILED}:
            return
        records = await self._ledger.planned(repository.key, repository.uid)
        coming = {str(change.ref) for change in later}
        shown = tuple(entry for entry in preview.shown(records) if entry.object not in coming)
        if last.ending is Ending.FAILED and repository.raw_spec.get("preflight") is False:
            shown, entries = (
                _bare(shown),
                _bare(entries),
            )  # only the first plan after Observe has its dry run then
        changed = preview.differences(shown, entries) if records else ()
        if not changed:
            return
        await self._announcer.announce(repository, announcement.differs(records[-1].name, changed))


def _bare(entries: Sequence[ChangeEntry]) -> tuple[ChangeEntry, ...]:
    return tuple(replace(entry, fields=()) for entry in entries)


def _changes(request: SyncRequest, flight: Preflight) -> tuple[Change, ...]:
    """Return what would be written as the dry run sees it, what is refused as planned, and what is blocked."""
    predicted = {found.change.ref: found.change for found in flight.predictions}
    found = (predicted.get(change.ref, change) for change in request.plan.writes)
    written = APPLIES | REMOVES
    return (*(change for change in found if change.action in written), *request.plan.blocked)


def _held(request: SyncRequest, refused: Sequence[Failure]) -> tuple[Outcome, ...]:
    """Return the changes that would not be done: the refused, and those that wait for a person."""
    by_object: dict[str, list[Failure]] = defaultdict(list)
    for failure in refused:
        by_object[failure.object].append(failure)
    changes = {str(change.ref): change for change in request.plan.writes}
    return (
        *(
            Outcome(change=changes[name], result=Result.FAILED, failures=tuple(failures))
            for name, failures in by_object.items()
        ),
        *(
            Outcome(change=change, result=Result.NOT_TRIED, failures=(preview.blocks(change),))
            for change in request.plan.blocked
        ),
    )
