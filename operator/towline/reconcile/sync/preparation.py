"""Prepare a sync by its preflight: what is left to write, in which order, and what the API server would refuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from towline.api.syncrecord import Trigger
from towline.apply.objects import WriteContext
from towline.apply.prediction import Prediction
from towline.apply.preflight import Preflight
from towline.apply.writer import Writer
from towline.errors import Failure
from towline.fields import diff
from towline.fields.mask import Mask
from towline.live.index import Index
from towline.model import APPLIES, Action, Change, Difference, ObjectRef
from towline.plan import waves
from towline.reconcile.sync import sync_request
from towline.reconcile.sync.recorder import Recorder
from towline.reconcile.sync.sync_request import SyncRequest
from towline.records import newest
from towline.records.newest import NewestSync

_UNASKED = frozenset({Trigger.START, Trigger.DRIFT})
"""Triggers that are no wish of a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is left of a request after its preflight.

    `predictions` are the writes whose turn it is. `failures` hold back all removals; with preflight, everything but
    what other repositories take is held back and no longer in the request. `unrepaired` are the refused repairs, which
    hold back nothing, `stuck` the removals that are refused as before, which are left out. `first` are the prunes that
    come before the writes. `overridden` is what admission has made of fields of objects that stay.
    """

    request: SyncRequest
    predictions: tuple[Prediction, ...] = ()
    failures: tuple[Failure, ...] = ()
    unrepaired: tuple[Failure, ...] = ()
    stuck: tuple[Failure, ...] = ()
    first: tuple[Change, ...] = ()
    overridden: Mapping[ObjectRef, tuple[Difference, ...]] = field(default_factory=dict)

    @property
    def refusals(self) -> tuple[Failure, ...]:
        """The failures that the record tells."""
        return (*self.failures, *self.stuck)

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes that the record announces."""
        return (*(found.change for found in self.predictions), *self.request.plan.removals)

    @property
    def is_empty(self) -> bool:
        """Nothing may be written."""
        plan = self.request.plan
        return not self.predictions and not (plan.taken if self.failures else plan.removals)


class Preparation:
    """Prepares syncs, for all repositories.

    Args:
        writer: reads managed objects and sends dry runs.
        recorder: knows the newest record.
        index: the live objects; it hears how those are that were read.
        mask: hides secrets in differences.
    """

    def __init__(self, writer: Writer, recorder: Recorder, index: Index, mask: Mask) -> None:
        self._writer = writer
        self._recorder = recorder
        self._index = index
        self._mask = mask

    async def prepare(self, request: SyncRequest, context: WriteContext) -> Prepared:
        """Find out what of a request is to be written.

        Raises:
            ClusterError: the API server cannot be asked, or refuses Towline as a whole.
        """
        request = await self._still_there(request, context)
        flight = await self._preflight(request, context)
        prepared = _judged(request, flight, self._mask)
        request, stuck = await self._without_stuck(prepared.request, context)
        return replace(
            prepared,
            request=sync_request.flagged(request, prepared.predictions),
            stuck=stuck,
            first=() if stuck else sync_request.taken_over(prepared.predictions, request.plan),
        )

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

    async def _preflight(self, request: SyncRequest, context: WriteContext) -> Preflight:
        """Predict the plan, held waves included; without preflight by no dry run, but for a revision refused before.

        The first plan after Observe has a dry run, too: it is compared with the one that was shown. So has one that no
        person asks for: what it would write may be there already.
        """
        last = await self._recorder.newest(request.identity)
        applies, beside = request.plan.applies, sync_request.beside(request)
        if not request.preflight and newest.refuses(last, request.revision.sha):
            return await self._careful(request, last, context)
        if not request.preflight:
            context = replace(context, preflight=newest.plans(last) or request.trigger in _UNASKED)
        flight = await self._writer.preflight(applies, context, beside)
        self._remember(flight)
        return flight

    async def _careful(
        self, request: SyncRequest, last: NewestSync | None, context: WriteContext
    ) -> Preflight:
        """Predict a plan without what its dry run refuses as the newest record tells, and without what waits for that.

        Each retry of these would leave a record that says nothing new.
        """
        applies, beside = request.plan.applies, sync_request.beside(request)
        rehearsed = (await self._writer.preflight(applies, replace(context, preflight=True), beside)).failures
        known = {failure.object for failure in rehearsed if newest.tells(last, failure)}
        waiting = waves.deferred(applies) if known else frozenset()
        rest = (each for each in applies if each.ref not in waiting and str(each.ref) not in known)
        flight = await self._writer.preflight(tuple(rest), context)
        still = tuple(failure for failure in rehearsed if failure.object in known)
        return replace(flight, failures=(*still, *flight.failures))

    def _remember(self, flight: Preflight) -> None:
        """Remember how the objects are that were read and stay: the index may have been told the past."""
        for found in flight.predictions:
            if found.change.action is Action.KEEP and found.before:
                self._index.looked_at(found.change.ref, found.before)

    async def _without_stuck(
        self, request: SyncRequest, context: WriteContext
    ) -> tuple[SyncRequest, tuple[Failure, ...]]:
        """Leave out the removals whose dry run is refused as the newest record tells; return their failures, too."""
        last = await self._recorder.newest(request.identity)
        removals = request.plan.removals
        if not removals or not newest.refuses(last, request.revision.sha):
            return request, ()
        refused = await self._writer.rehearse(removals, context)
        stuck = tuple(failure for failure in refused if newest.tells(last, failure))
        objects = {failure.object for failure in stuck}
        left = tuple(change for change in request.plan.changes if str(change.ref) not in objects)
        return replace(request, plan=replace(request.plan, changes=left)), stuck


def _judged(request: SyncRequest, flight: Preflight, mask: Mask) -> Prepared:
    """Decide what the refusals of a preflight hold back."""
    unrepaired = tuple(failure for failure in flight.failures if failure.object in request.repairs)
    held = tuple(failure for failure in flight.failures if failure not in unrepaired)
    failures = (*request.plan.failures, *held)
    if failures and request.preflight:
        handed = replace(request, plan=request.plan.handover)
        return Prepared(request=handed, failures=(*failures, *unrepaired))
    if request.only_repairs:
        failures, unrepaired = unrepaired, ()
    later = {change.ref for change in request.plan.gated}
    due = (found for found in flight.predictions if found.change.ref not in later)
    return Prepared(
        request=request,
        predictions=tuple(found for found in due if found.change.action in APPLIES),
        failures=failures,
        unrepaired=unrepaired,
        overridden=_overridden(flight.predictions, mask),
    )


def _overridden(predictions: Iterable[Prediction], mask: Mask) -> dict[ObjectRef, tuple[Difference, ...]]:
    """Return the fields of kept objects that admission overrides: to send them once more would change nothing."""
    compared = {
        found.change.ref: diff.overridden(found.body, found.after, mask)
        for found in predictions
        if found.change.action is Action.KEEP and found.after
    }
    return {ref: differences for ref, differences in compared.items() if differences}
