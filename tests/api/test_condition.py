from __future__ import annotations

import pytest
from towline.api import condition
from towline.api.condition import Condition, Truth, Type

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def ready(status: Truth, message: str = "words") -> Condition:
    return Condition(type=Type.READY, status=status, reason="Succeeded", message=message)


def test_a_new_condition_began_now() -> None:
    (found,) = condition.merge([], [ready(Truth.TRUE)], 3, EARLY)
    assert found == {
        "type": "Ready",
        "status": "True",
        "reason": "Succeeded",
        "message": "words",
        "observedGeneration": 3,
        "lastTransitionTime": EARLY,
    }


def test_the_transition_time_moves_only_when_the_status_does() -> None:
    before = condition.merge([], [ready(Truth.TRUE)], 3, EARLY)
    (reworded,) = condition.merge(before, [ready(Truth.TRUE, "other words")], 4, LATE)
    (turned,) = condition.merge(before, [ready(Truth.FALSE)], 4, LATE)
    assert reworded["lastTransitionTime"] == EARLY
    assert reworded["observedGeneration"] == 4
    assert turned["lastTransitionTime"] == LATE


def test_conditions_that_say_the_same_are_equal_whenever_they_are_made() -> None:
    before = condition.merge([], [ready(Truth.TRUE)], 3, EARLY)
    assert condition.merge(before, [ready(Truth.TRUE)], 3, LATE) == before


def test_conditions_that_nobody_knows_any_more_go_away() -> None:
    before = [{"type": "Ancient", "status": "True", "lastTransitionTime": EARLY}]
    found = condition.merge(before, [ready(Truth.TRUE)], 3, LATE)
    assert [entry["type"] for entry in found] == ["Ready"]


@pytest.mark.parametrize("previous", [None, "text", {"type": "Ready"}, ["Ready"], [{}]])
def test_conditions_that_are_none_count_as_absent(previous: object) -> None:
    (found,) = condition.merge(previous, [ready(Truth.TRUE)], 3, LATE)
    assert found["lastTransitionTime"] == LATE


def test_one_condition_is_found_by_its_type() -> None:
    status = {"conditions": condition.merge([], [ready(Truth.TRUE)], 3, EARLY)}
    assert condition.find(status, Type.READY)["status"] == "True"
    assert condition.find(status, Type.STALLED) == {}
    assert condition.find({}, Type.READY) == {}


def test_a_stored_condition_says_what_was_merged() -> None:
    status = {"conditions": condition.merge([], [ready(Truth.TRUE)], 3, EARLY)}
    assert condition.stored(status, Type.READY) == ready(Truth.TRUE)
    assert condition.stored(status, Type.HEALTHY) is None


@pytest.mark.parametrize("truth", ["", "true", None, 1, []])
def test_a_stored_condition_that_cannot_be_read_counts_as_absent(truth: object) -> None:
    status = {"conditions": [{"type": "Ready", "status": truth}]}
    assert condition.stored(status, Type.READY) is None
