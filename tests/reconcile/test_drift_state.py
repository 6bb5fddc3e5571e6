"""What is not as it was applied, and who fights for it: from one pass to the next, and within long ones."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, cast

from towline.api.syncrecord import Ending
from towline.apply.writer import Writer
from towline.drift import contests
from towline.drift.tries import RepairResults
from towline.errors import Refusal
from towline.fields.mask import Mask
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.model import Action, Change
from towline.plan import ownership
from towline.reconcile.desired import Head
from towline.reconcile.drift_state import DriftState, DriftStates
from towline.reconcile.sync import SyncResult

from tests.kube.loopback import Server, served, status
from tests.reconcile.test_repair import REF, RESOURCE, REVISION, SPEC, written


async def test_a_fight_that_ends_while_its_pass_goes_on_is_still_looked_at() -> None:
    now = 0.0
    async with served(Server(status(403, "Forbidden"))) as client:
        discovery = Discovery(client)
        writer = Writer(client, discovery, Index(client, discovery, lambda *_: None))
        drifts = DriftStates(
            cast("Any", None), writer, Mask(b"k" * 32), clock=lambda: now, now=lambda: datetime.now(UTC)
        )
        known = _fought_over(drifts)
        policy = drifts.policy(ownership.policy(RESOURCE), known, SPEC)
        assert set(policy.contested) == {REF}
        now = contests.PAUSE + 2 * contests.SECONDS  # waves wait for gates, and writes for a busy server
        drifts.repaired(known, SyncResult(ending=Ending.SUCCEEDED))
        manifest = written(REF).manifest
        left = Change(action=Action.SKIP, ref=REF, manifest=manifest, reason=Refusal.CONTESTED)
        await drifts.repositories(known, [left])
        assert drifts.due(known) is not None


def _fought_over(drifts: DriftStates) -> DriftState:
    head = Head(remote=cast("Any", None), name="main", sha=REVISION.sha, seen_at=-math.inf)
    drifts.recall(RESOURCE, SPEC, head, {REF: written(REF)})
    known = drifts.known(RESOURCE)
    assert known
    undone = RepairResults({REF}, frozenset({REF}), {str(REF): "an-autoscaler"}, ())
    for _ in range(contests.REPAIRS + 1):
        known.tries = known.tries.counted(undone, 0.0)
    return known
