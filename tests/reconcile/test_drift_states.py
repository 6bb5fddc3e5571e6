"""What is not as it was applied, and who fights for it: from one pass to the next, and within long ones."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

from towline.api.syncrecord import Ending
from towline.apply.writer import Writer
from towline.drift import contests
from towline.drift.deviations import Deviation
from towline.drift.tries import RepairResults
from towline.errors import Failure, Refusal
from towline.fields.mask import Mask
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.model import Action, Change, Outcome, Plan, Result
from towline.plan import ownership
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.desired.head import Head
from towline.reconcile.drifted.drift_reader import DriftReader
from towline.reconcile.drifted.drift_state import DriftState
from towline.reconcile.drifted.drift_states import DriftStates
from towline.reconcile.state import Fetched, Planned
from towline.reconcile.sync.sync_request import SyncResult

from tests.kube.loopback import Server, served, status
from tests.owner_stamps import STAMPS
from tests.reconcile.test_repair import REF, RESOURCE, REVISION, SPEC, written

MANIFEST = written(REF).manifest
REPAIR = Change(action=Action.REPAIR, ref=REF, manifest=MANIFEST)
REFUSED = SyncResult(
    ending=Ending.FAILED, unrepaired=(Failure(reason="Invalid", message="no", object=str(REF)),)
)
DONE = SyncResult(ending=Ending.SUCCEEDED, outcomes=(Outcome(change=REPAIR, result=Result.DONE),))


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def drift_states(clock: Callable[[], float]) -> AsyncIterator[DriftStates]:
    """The drift of repositories in a cluster whose API server lets nobody read."""
    async with served(Server(status(403, "Forbidden"))) as client:
        discovery = Discovery(client)
        writer = Writer(client, discovery, Index(client, discovery, lambda *_: None, stamps=STAMPS))
        locator = cast("Any", None)
        reader = DriftReader(locator, writer, Mask(b"k" * 32), stamps=STAMPS, now=now)
        yield DriftStates(reader, clock=clock, now=now)


async def test_a_fight_that_ends_while_its_pass_goes_on_is_still_looked_at() -> None:
    at = 0.0
    async with drift_states(lambda: at) as drifts:
        known = _fought_over(drifts)
        policy = drifts.policy(ownership.policy(RESOURCE), known, SPEC)
        assert set(policy.contested) == {REF}
        at = contests.PAUSE + 2 * contests.SECONDS  # waves wait for gates, and writes for a busy server
        drifts.repaired(known, SyncResult(ending=Ending.SUCCEEDED))
        left = Change(action=Action.SKIP, ref=REF, manifest=MANIFEST, reason=Refusal.CONTESTED)
        await drifts.describe(known, Plan(changes=(left,)))
        assert drifts.due(known) is not None


async def test_a_repair_that_is_refused_again_with_the_plan_of_a_commit_is_still_told() -> None:
    at = 0.0
    async with drift_states(lambda: at) as drifts:
        known = _recalled(drifts)
        told = (Deviation(object=str(REF), field="/data/size"),)
        known.reported[REF] = told
        drifts.repaired(known, REFUSED)
        at = 3600.0  # the repair is due again, so a plan tries it
        assert not drifts.policy(ownership.policy(RESOURCE), known, SPEC).refused
        drifts.repaired(known, REFUSED)
        await drifts.describe(known, known.as_left(Plan(changes=(REPAIR,))))
        assert known.deviations() == told
        drifts.repaired(known, DONE)
        await drifts.describe(known, known.as_left(Plan(changes=(REPAIR,))))
        assert known.deviations() == ()


async def test_the_first_creation_of_an_object_by_a_later_commit_is_no_repair() -> None:
    async with drift_states(lambda: 0.0) as drifts:
        known = _recalled(drifts)
        new = written(REF._replace(name="new"))
        create = Change(action=Action.CREATE, ref=new.manifest.ref, manifest=new.manifest)
        desired = Desired(sha=REVISION.sha, spec=SPEC, declared={new.manifest.ref: new.manifest})
        planned = Planned(
            fetched=Fetched(spec=SPEC, head=known.head, revision=REVISION),
            desired=desired,
            visible=cast("Any", None),
            plan=Plan(changes=(create,)),
        )
        done = SyncResult(ending=Ending.SUCCEEDED, outcomes=(Outcome(change=create, result=Result.DONE),))
        assert not drifts.settle(RESOURCE, planned, done).tries.contests
        assert drifts.settle(RESOURCE, planned, done).tries.contests.keys() == {new.manifest.ref}


def _fought_over(drifts: DriftStates) -> DriftState:
    known = _recalled(drifts)
    undone = RepairResults({REF}, frozenset({REF}), {str(REF): "an-autoscaler"}, ())
    for _ in range(contests.REPAIRS + 1):
        known.tries = known.tries.counted(undone, 0.0)
    return known


def _recalled(drifts: DriftStates) -> DriftState:
    head = Head(remote=cast("Any", None), name="main", sha=REVISION.sha, seen_at=-math.inf)
    drifts.recall(RESOURCE, SPEC, head, {REF: written(REF)})
    known = drifts.known(RESOURCE)
    assert known
    return known
