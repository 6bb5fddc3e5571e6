from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from towline.controller import lease_terms
from towline.controller.lease_terms import Sighting
from towline.model import Body

ME, OTHER = "me", "other"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HELD_BY_OTHER = {"holderIdentity": OTHER, "leaseDurationSeconds": 15, "renewTime": "2026-11-23T11:59:59Z"}


def test_a_lease_that_says_the_same_grows_old_and_one_that_changed_is_new() -> None:
    first = Sighting(spec=HELD_BY_OTHER, since=10.0)
    assert first.then(dict(HELD_BY_OTHER), 20.0).runs_out() == 25.0
    assert first.then({**HELD_BY_OTHER, "renewTime": "2001-01-01T00:00:00Z"}, 20.0).runs_out() == 35.0


@pytest.mark.parametrize("spec", [{}, {"holderIdentity": ""}, {"holderIdentity": None}])
def test_a_lease_without_a_holder_may_be_taken_at_once(spec: Body) -> None:
    assert Sighting(spec=spec, since=10.0).runs_out() == -math.inf


def test_a_lease_that_does_not_say_how_long_it_holds_holds_as_long_as_ours() -> None:
    assert Sighting(spec={"holderIdentity": OTHER}, since=10.0).runs_out() == 10.0 + lease_terms.DURATION


def test_taking_counts_as_a_transition_and_renewing_does_not() -> None:
    taken = lease_terms.claim({**HELD_BY_OTHER, "leaseTransitions": 4}, ME, NOON)
    assert taken == {
        "holderIdentity": ME,
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-11-23T12:00:00.000000Z",
        "renewTime": "2026-11-23T12:00:00.000000Z",
        "leaseTransitions": 5,
    }
    renewed = lease_terms.claim(taken, ME, NOON + timedelta(seconds=2))
    assert renewed == {**taken, "renewTime": "2026-11-23T12:00:02.000000Z"}
    assert lease_terms.claim(renewed, "", NOON)["leaseTransitions"] == 5


def test_a_holder_stops_writing_before_anybody_can_have_seen_the_lease_run_out() -> None:
    renewed = seen = 100.0
    assert (
        renewed
        < lease_terms.writes_until(renewed)
        < Sighting(spec={"holderIdentity": ME}, since=seen).runs_out()
    )
