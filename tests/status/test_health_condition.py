from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from towline.api import condition
from towline.api.condition import Type
from towline.errors import Reason
from towline.model import Body, Health, ObjectRef, Person, Revision, State
from towline.status import compute, health_condition
from towline.status.compute import ObjectCounts, PassResult
from towline.status.health_condition import NOT_WAITING, Waited
from towline.status.survey import HealthSummary, UnhealthyObject
from towline.status.waits import Waits

START = datetime(2026, 1, 1, tzinfo=UTC)
TIMEOUT = 60.0
OLD, NEW = "1a2b3c4" + "0" * 33, "5d6e7f8" + "0" * 33


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def stamp(seconds: float) -> str:
    return at(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def look(state: State, message: str = "0 of 3 replicas are available", written: float = 0.0) -> HealthSummary:
    web = UnhealthyObject(
        ref=ObjectRef("apps", "Deployment", "shop", "web"),
        health=Health(state, message),
        file="deploy/web.yaml",
        line=3,
        commit=NEW,
    )
    return HealthSummary(
        total=12,
        ready=11,
        failed=int(state is State.FAILED),
        first=(web,),
        written_at=stamp(written),
        timeout=TIMEOUT,
    )


WELL = HealthSummary(total=12, ready=12, timeout=TIMEOUT)
WAITS = look(State.IN_PROGRESS)
FAILED = look(State.FAILED, "ProgressDeadlineExceeded")


def revision(sha: str) -> Revision:
    ada = Person(name="Ada", email="ada@example")
    return Revision(
        sha=sha,
        author=ada,
        committer=ada,
        authored_at=stamp(0),
        committed_at=stamp(0),
        subject="raise the limits",
    )


def applied(survey: HealthSummary | None, sha: str = OLD, **changed: object) -> PassResult:
    known = PassResult(
        generation=1,
        reason=Reason.SUCCEEDED,
        observed=sha,
        attempted=sha,
        applied=revision(sha),
        objects=ObjectCounts(declared=12, synced=12, failed=0),
        failures=(),
        blocked=(),
        health=survey,
    )
    return replace(known, **changed)  # type: ignore[arg-type]  # fields of a pass


class Operator:
    """Looks at one repository; its wall clock goes wrong by so many seconds at the second look."""

    def __init__(self, step: float = 0.0) -> None:
        self._seconds = 0.0
        self._step = step
        self._wrong = 0.0
        self._waits = Waits(lambda: self._seconds)

    def look(self, found: Body, passed: PassResult, seconds: float) -> tuple[Body, Waited]:
        self._seconds = seconds
        now = at(seconds + self._wrong)
        self._wrong = self._step
        waited = self._waits.look("uid", found, passed, now)
        return compute.compute(found, passed, now, waited), waited


def looks(*passes: tuple[float, PassResult], step: float = 0.0) -> tuple[Body, Waited]:
    """Return the status, and the wait, that one operator comes to."""
    operator, waited = Operator(step), NOT_WAITING
    found: Body = {}
    for seconds, passed in passes:
        found, waited = operator.look(found, passed, seconds)
    return found, waited


def after(*passes: tuple[float, PassResult]) -> Body:
    """Return the status, which is the same where each look is that of another operator, or by a clock that was set."""
    found, _ = looks(*passes)
    restarted: Body = {}
    for seconds, passed in passes:
        restarted, _ = Operator().look(restarted, passed, seconds)
    assert restarted == found
    for step in (3600.0, -3600.0, 400 * 86400.0):
        stepped, _ = looks(*passes, step=step)
        assert untimed(stepped) == untimed(found)
    return found


def untimed(found: Body) -> Body:
    """Return a status without the times in it."""
    bare = [{**each, "lastTransitionTime": ""} for each in found.get("conditions", [])]
    return {**found, "conditions": bare, "applied": {**found.get("applied", {}), "appliedAt": ""}}


def told(found: Body, kind: Type = Type.READY) -> tuple[str, str]:
    entry = condition.find(found, kind)
    return entry["status"], entry["reason"]


def test_a_commit_is_ready_and_healthy_when_all_its_objects_are_ready() -> None:
    found = after((0, applied(WELL)))
    assert told(found) == ("True", "Succeeded")
    assert told(found, Type.HEALTHY) == ("True", "Succeeded")
    assert found["commit"]["healthy"] == OLD
    assert found["objects"]["healthy"] == 12


def test_a_commit_whose_objects_are_on_their_way_is_neither_ready_nor_failed() -> None:
    found = after((0, applied(WELL)), (10, applied(WAITS, NEW)))
    assert told(found) == ("Unknown", "Progressing")
    assert told(found, Type.HEALTHY) == ("Unknown", "Progressing")
    assert told(found, Type.SYNCED) == ("True", "Idle")
    assert told(found, Type.RECONCILING) == ("False", "Idle")
    assert found["commit"] == {"observed": NEW, "attempted": NEW, "applied": NEW, "healthy": OLD}
    assert found["objects"]["healthy"] == 11


def test_what_is_waited_for_is_named_with_its_place_and_commit() -> None:
    found = after((0, applied(WAITS, NEW)))
    words = "deploy/web.yaml:3 Deployment shop/web: 0 of 3 replicas are available (5d6e7f8). 11 of 12 ready"
    assert condition.find(found, Type.HEALTHY)["message"] == words
    ready = condition.find(found, Type.READY)["message"]
    assert ready == f'Rolling out 5d6e7f8 "raise the limits" by Ada: {words}'


def test_objects_that_are_late_are_told_with_the_time_they_had_and_that_nothing_was_rolled_back() -> None:
    late = after((0, applied(WAITS, NEW)), (60, applied(WAITS, NEW)))
    cause = "deploy/web.yaml:3 Deployment shop/web: 0 of 3 replicas are available (5d6e7f8)"
    said = condition.find(late, Type.READY)["message"]
    assert said == f"Not ready after 1m (healthTimeout): {cause}. 11 of 12 ready. Nothing was rolled back"


def test_one_object_is_told_in_the_singular() -> None:
    found = after((0, applied(HealthSummary(total=1, ready=1, timeout=TIMEOUT))))
    assert condition.find(found, Type.HEALTHY)["message"] == "1 object is ready"


@pytest.mark.parametrize(
    ("left", "missing", "words"),
    [
        (11, 1, "1 declared is missing or not owned. 11 of 12 ready"),
        (0, 12, "12 declared are missing or not owned"),
    ],
)
def test_a_commit_of_which_objects_are_missing_is_not_called_healthy(
    left: int, missing: int, words: str
) -> None:
    survey = HealthSummary(total=left, ready=left, missing=missing, timeout=TIMEOUT)
    found = after((0, applied(WELL)), (10, applied(survey, NEW)))
    assert condition.find(found, Type.HEALTHY)["message"] == words
    assert (found["commit"]["applied"], found["commit"]["healthy"]) == (NEW, OLD)


@pytest.mark.parametrize(("waited", "expected"), [(59.0, "Progressing"), (60.0, "Unhealthy")])
def test_the_wait_ends_after_the_timeout(waited: float, expected: str) -> None:
    found = after((0, applied(WELL)), (10, applied(WAITS, NEW)), (10 + waited, applied(WAITS, NEW)))
    assert told(found)[1] == expected
    assert found["commit"]["healthy"] == OLD


def test_what_has_failed_is_unhealthy_at_once() -> None:
    found = after((0, applied(FAILED)))
    assert told(found) == ("False", "Unhealthy")
    assert told(found, Type.HEALTHY) == ("False", "Unhealthy")
    assert "ProgressDeadlineExceeded" in condition.find(found, Type.READY)["message"]


def test_whoever_was_unhealthy_stays_so_until_all_is_ready() -> None:
    late = ((0, applied(WAITS)), (60, applied(WAITS)))
    assert told(after(*late, (100, applied(WAITS)))) == ("False", "Unhealthy")
    found = after(*late, (100, applied(WELL)))
    assert told(found) == ("True", "Succeeded")
    assert found["commit"]["healthy"] == OLD


def test_a_failure_that_mends_itself_halfway_gives_no_new_patience() -> None:
    found = after((0, applied(WELL)), (10, applied(FAILED)), (20, applied(WAITS)))
    assert told(found) == ("False", "Unhealthy")


@pytest.mark.parametrize("before", [WAITS, FAILED])
def test_a_later_commit_ends_the_wait_for_the_one_before(before: HealthSummary) -> None:
    late = ((0, applied(before)), (60, applied(before)))
    fresh = look(State.IN_PROGRESS, written=70)
    found = after(*late, (70, applied(fresh, NEW)))
    assert told(found) == ("Unknown", "Progressing")
    assert told(after(*late, (70, applied(fresh, NEW)), (131, applied(fresh, NEW)))) == ("False", "Unhealthy")


def test_a_change_of_the_spec_gives_new_patience() -> None:
    found = after(
        (0, applied(WAITS)), (60, applied(WAITS)), (70, applied(replace(WAITS, timeout=300.0), generation=2))
    )
    assert told(found) == ("Unknown", "Progressing")


def test_what_was_written_again_gets_its_time() -> None:
    again = look(State.IN_PROGRESS, written=50)
    found = after((0, applied(WAITS)), (70, applied(again)))
    assert told(found) == ("Unknown", "Progressing")


def test_an_object_that_becomes_ready_gives_the_others_no_new_time() -> None:
    begun = look(State.IN_PROGRESS, written=20)
    others = look(State.IN_PROGRESS, written=10)
    found, _ = looks((0, applied(WELL)), (20, applied(begun, NEW)), (70, applied(others, NEW)))
    assert told(found) == ("Unknown", "Progressing")
    found, _ = looks(
        (0, applied(WELL)), (20, applied(begun, NEW)), (70, applied(others, NEW)), (80, applied(others, NEW))
    )
    assert told(found) == ("False", "Unhealthy")


def test_health_that_is_lost_later_counts_from_then() -> None:
    lost = ((0, applied(WELL)), (1000, applied(WAITS)))
    assert told(after(*lost)) == ("Unknown", "Progressing")
    assert told(after(*lost, (1059, applied(WAITS)))) == ("Unknown", "Progressing")
    assert told(after(*lost, (1060, applied(WAITS)))) == ("False", "Unhealthy")


def test_a_pass_that_looked_at_nothing_leaves_health_as_it_was() -> None:
    away = PassResult(generation=1, reason=Reason.GIT_UNAVAILABLE, message="no route")
    found = after((0, applied(WAITS)), (5, away))
    assert told(found) == ("False", "GitUnavailable")
    assert told(found, Type.HEALTHY) == ("Unknown", "Progressing")
    assert told(after((0, away)), Type.HEALTHY) == ("Unknown", "NotAssessed")


def test_worse_news_than_health_stays_in_front_and_health_is_told_beside_it() -> None:
    refused = applied(FAILED, NEW, reason=Reason.APPLY_FAILED, applied=None)
    found = after((0, applied(WELL)), (5, refused))
    assert told(found) == ("False", "ApplyFailed")
    assert told(found, Type.HEALTHY) == ("False", "Unhealthy")
    assert found["commit"]["healthy"] == OLD


def test_later_waves_that_wait_for_what_has_failed_make_the_repository_unhealthy() -> None:
    held = applied(FAILED, NEW, reason=Reason.PROGRESSING, applied=None, gated=True)
    assert told(after((0, held))) == ("False", "Unhealthy")
    waits = applied(WAITS, NEW, reason=Reason.PROGRESSING, applied=None, gated=True)
    found = after((0, waits))
    assert told(found) == ("Unknown", "Progressing")
    assert told(found, Type.RECONCILING) == ("True", "Progressing")


def test_silent_objects_are_looked_at_again_and_again_until_the_timeout() -> None:
    def due(seconds: float) -> float | None:
        found, waited = looks((0, applied(WAITS)), (seconds, applied(WAITS)))
        return health_condition.next_look(found, WAITS, waited)

    assert due(0.5) == pytest.approx(2.0, abs=0.1)
    assert due(8) == pytest.approx(8.0, abs=0.1)
    assert due(50) == pytest.approx(10.0, abs=0.1)
    assert due(70) is None


def test_nobody_looks_again_at_what_is_well_or_was_given_up() -> None:
    assert health_condition.next_look(after((0, applied(WELL))), WELL, NOT_WAITING) is None
    assert health_condition.next_look(after((0, applied(FAILED))), FAILED, NOT_WAITING) is None
    assert health_condition.next_look({}, None, NOT_WAITING) is None


def test_a_start_with_a_clock_that_is_not_believed_gives_the_objects_their_whole_time() -> None:
    found = after((0, applied(WAITS)))
    waits = Waits(lambda: 7.0)
    assert waits.look("uid", found, applied(WAITS), None) == NOT_WAITING
    assert waits.look("uid", found, applied(WAITS), at(50)) == NOT_WAITING


def test_what_was_given_up_stays_so_after_a_start_with_a_clock_that_is_not_believed() -> None:
    late = after((0, applied(WAITS)), (60, applied(WAITS)))
    assert Waits(lambda: 7.0).look("uid", late, applied(WAITS), None).given_up


def test_a_repository_that_is_gone_leaves_nothing_for_the_next_of_its_name() -> None:
    waits = Waits(lambda: 0.0)
    found = after((0, applied(WAITS)))
    waits.look("uid", found, applied(WAITS), at(0))
    waits.forget("uid")
    assert waits.look("uid", found, applied(WAITS), at(30)).seconds == 30.0
