from __future__ import annotations

from typing import Any

import orjson
import pytest
from towline.api.healthchecks import HealthCheck
from towline.health import assessment, cel
from towline.model import CURRENT, GroupKind, Health, State

CART = GroupKind("shop.example", "Cart")
CHECK = HealthCheck(
    kind=CART,
    current='status.phase == "Open"',
    failed='status.phase in ["Broken", "Stolen"]',
    in_progress="has(status.moving) && status.moving",
)


def cart(generation: int = 1, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "one", "generation": generation}, "spec": {}, "status": status}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"phase": "Open"}, State.CURRENT),
        ({"phase": "Stolen"}, State.FAILED),
        ({"phase": "Stolen", "moving": True}, State.FAILED),
        ({"phase": "Open", "moving": True}, State.IN_PROGRESS),
        ({"phase": "Closed"}, State.IN_PROGRESS),
    ],
)
def test_failed_is_asked_first_then_in_progress_then_current(status: dict[str, Any], state: State) -> None:
    assert assessment.assess(cart(**status), CART, CHECK).state is state


def test_an_object_of_which_nothing_can_be_said_is_on_its_way_and_the_reason_is_told() -> None:
    found = assessment.assess(cart(), CART, CHECK)
    assert found.state is State.IN_PROGRESS
    assert "phase" in found.message


def test_the_words_of_its_conditions_explain_an_object() -> None:
    ready = {"type": "Ready", "status": "False", "reason": "Flat", "message": "a wheel is flat"}
    found = assessment.assess(cart(phase="Broken", conditions=[ready]), CART, CHECK)
    assert found == Health(State.FAILED, "Flat: a wheel is flat")


def test_a_generation_that_is_not_observed_comes_before_every_check() -> None:
    found = assessment.assess(cart(generation=2, observedGeneration=1, phase="Open"), CART, CHECK)
    assert found.state is State.IN_PROGRESS


def test_a_check_stands_for_the_rule_of_its_kind() -> None:
    job = GroupKind("batch", "Job")
    check = HealthCheck(kind=job, current="status.active == 1")
    assert assessment.assess(cart(active=1), job, check) == CURRENT


def test_an_object_is_looked_at_as_far_as_its_health_may_depend_on_it() -> None:
    seen = HealthCheck(kind=CART, current="status.items.size() == 500 && status.text.size() == 4096")
    assert cel.assess(cart(items=[0] * 100_000, text="x" * 100_000), seen) == CURRENT
    deep = HealthCheck(kind=CART, current="status.items.all(each, each.size() <= 500)")
    assert cel.assess(cart(items=[[0] * 600] * 600), deep) == CURRENT


@pytest.mark.parametrize("shape", ['{"deeper": %s}', "[%s]"])
def test_what_is_nested_without_end_does_not_end_the_watch_over_its_kind(shape: str) -> None:
    before, after = shape.split("%s")
    nested = orjson.loads(900 * before + "1" + 900 * after)
    assert assessment.assess(cart(phase="Open", nested=nested), CART, CHECK) == CURRENT
