from __future__ import annotations

from towline.drift import contests
from towline.drift.contests import Contest


def fought(times: list[float], rival: str = "scaler") -> Contest | None:
    found: Contest | None = None
    for moment in times:
        found = contests.repaired(found, rival, moment)
    return found


def test_five_repairs_in_a_minute_are_nothing_unusual() -> None:
    found = fought([0, 1, 2, 3, 4])
    assert found
    assert not contests.is_paused(found, 4.0)


def test_the_sixth_repair_within_a_minute_is_a_fight_and_rests_the_object_for_ten_minutes() -> None:
    found = fought([0, 1, 2, 3, 4, 5])
    assert found
    assert contests.is_paused(found, 5.0)
    assert contests.is_paused(found, 604.0)
    assert not contests.is_paused(found, 605.0)


def test_repairs_that_are_far_apart_never_become_a_fight() -> None:
    found = fought([minute * 60.0 for minute in range(100)])
    assert found
    assert not contests.is_paused(found, 99 * 60.0)


def test_a_fight_that_goes_on_after_its_rest_rests_again_at_once() -> None:
    found = fought([0, 1, 2, 3, 4, 5, 606])
    assert found
    assert contests.is_paused(found, 607.0)


def test_a_fight_that_ended_is_forgotten() -> None:
    found = fought([0, 1, 2, 3, 4, 5])
    assert found
    assert not contests.is_over(found, 606.0)
    assert contests.is_over(found, 700.0)


def test_the_advice_names_the_other_writer_and_what_helps() -> None:
    words = contests.advice(Contest(rival="hpa"))
    assert "'hpa'" in words
    assert "ignoreFields" in words
