from __future__ import annotations

from towline.drift import contests
from towline.drift.tries import RepairResults, Tries
from towline.errors import Failure, Refusal
from towline.model import ObjectRef

FOUGHT = ObjectRef("", "ConfigMap", "shop", "fought")
REFUSED = ObjectRef("", "ConfigMap", "shop", "refused")
BOTH = frozenset({FOUGHT, REFUSED})
FAILURE = Failure(reason=Refusal.INVALID, message="must be unique", object=str(REFUSED))
UNDONE = RepairResults(BOTH, frozenset({FOUGHT}), {str(FOUGHT): "an-autoscaler"}, (FAILURE,))


def fought(repairs: int = contests.REPAIRS + 1) -> Tries:
    found = Tries()
    for _ in range(repairs):
        found = found.counted(UNDONE, 0.0)
    return found


def test_one_undone_repair_is_no_contest_and_one_refusal_is_a_pause() -> None:
    found = fought(1)
    assert not found.contested(0.0)
    assert found.paused(0.0) == {REFUSED}


def test_an_object_that_is_changed_again_and_again_waits_and_names_who_changes_it() -> None:
    found = fought()
    assert found.contested(1.0) == {FOUGHT}
    assert found.contests[FOUGHT].rival == "an-autoscaler"
    assert max(found.waits(0.0)) == contests.PAUSE


def test_a_repair_that_succeeds_ends_the_refusals_of_that_object_alone() -> None:
    done = RepairResults(BOTH, frozenset({REFUSED}), {}, ())
    found = fought().counted(done, 1.0)
    assert found.refused == {}
    assert found.contested(1.0) == {FOUGHT}


def test_a_failure_of_what_was_no_repair_counts_nothing() -> None:
    assert Tries().counted(RepairResults((), frozenset(), {}, (FAILURE,)), 0.0) == Tries()


def test_a_refused_repair_is_due_at_once_when_its_object_is_changed() -> None:
    assert not fought().at_once({REFUSED}, 0.0).paused(0.0)
    assert fought().at_once({FOUGHT}, 0.0).paused(0.0) == {REFUSED}


def test_contests_that_are_long_over_are_forgotten() -> None:
    later = fought().counted(RepairResults((), frozenset(), {}, ()), contests.PAUSE + 2 * contests.SECONDS)
    assert later.contests == {}


def test_what_is_not_written_any_more_is_forgotten() -> None:
    assert fought().of({FOUGHT}).refused == {}
    assert fought().of({REFUSED}).contests == {}
    assert fought().without_refusal(REFUSED).refused == {}
