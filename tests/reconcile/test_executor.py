"""A plan that is refused: nothing is written but one record, and that once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from towline.api.syncrecord import Ending, Flag, Trigger
from towline.errors import Failure, Refusal
from towline.model import Plan
from towline.reconcile.state import Occasion
from towline.reconcile.sync import sync_request
from towline.source.history import History

from tests.reconcile.execution import APP, COMMIT, FETCHED, REVISION, execution

BAD = Failure(
    reason=Refusal.INVALID, message="spec.replicas: must not be negative", object="Deployment/shop/a"
)


async def test_the_first_request_of_a_repository_begins_at_nothing(tmp_path: Path) -> None:
    async with execution(tmp_path) as of:
        request = await of.recorder.request(APP, FETCHED, Plan(), COMMIT)
    assert (request.source, request.commits, request.commits_total) == ("", (), 0)
    assert (request.identity.key, request.identity.uid) == (APP.key, APP.uid)


async def test_a_plan_with_a_failure_leaves_one_failed_record_and_no_other_the_next_time(
    tmp_path: Path,
) -> None:
    async with execution(tmp_path) as of:
        executor, server = of.executor, of.server
        request = await of.recorder.request(APP, FETCHED, Plan(failures=(BAD,)), COMMIT)
        first = await executor.run(request)
        written = len([verb for verb in server.verbs if verb != "GET"])
        again = await executor.run(request)
    assert (first.ending, first.failures) == (Ending.FAILED, (BAD,))
    assert first.record
    created, closed = (
        orjson.loads(body) for body, verb in zip(server.bodies, server.verbs, strict=True) if verb != "GET"
    )
    assert created["metadata"]["name"] == first.record
    assert BAD.message in str(closed)
    assert (again.ending, again.record) == (Ending.FAILED, "")
    assert len([verb for verb in server.verbs if verb != "GET"]) == written


def test_a_request_tells_the_commits_that_lead_to_its_revision_and_whether_history_was_rewritten() -> None:
    history = History(revisions=(REVISION,), total=3, rewritten=True)
    made: dict[str, Any] = {"source": "b" * 40, "history": history, "changed_by": {}}
    request = sync_request.requested(APP, FETCHED, Plan(), replace(COMMIT, same_ref=True), **made)
    assert (request.source, request.commits, request.commits_total) == ("b" * 40, (REVISION,), 3)
    assert request.flags == (Flag.HISTORY_REWRITTEN,)
    assert sync_request.requested(APP, FETCHED, Plan(), Occasion(trigger=Trigger.SPEC), **made).flags == ()
    assert (request.subject.path, request.force) == ("deploy", True)
