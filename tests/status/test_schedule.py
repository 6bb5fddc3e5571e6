from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
from towline.errors import Reason, Refusal
from towline.status import reasons, schedule
from towline.status.reasons import Again, Beside, Party

CALM, HASTY = 0.0, 1.0
REASONS = st.lists(st.sampled_from([*Reason, *Refusal]), min_size=1, max_size=5)


def pauses(interval: float, *reasons: str) -> list[float]:
    return [schedule.backoff(failures, CALM, interval, reasons) for failures in range(1, 16)]


def test_the_pause_begins_at_one_second_and_doubles() -> None:
    assert pauses(60, Reason.GIT_UNAVAILABLE)[:6] == [1, 2, 4, 8, 16, 32]


@pytest.mark.parametrize(("interval", "cap"), [(1, 30), (30, 30), (60, 60), (600, 600)])
def test_the_pause_ends_at_the_interval_or_30_seconds(interval: float, cap: float) -> None:
    assert pauses(interval, Reason.CLUSTER_UNAVAILABLE)[-1] == cap


@pytest.mark.parametrize("interval", [1, 60, 3600])
@pytest.mark.parametrize(
    "reason",
    [
        Reason.AUTH_CONFIG_INVALID,
        Reason.AUTHENTICATION_FAILED,
        Reason.HOST_KEY_MISMATCH,
        Reason.TLS_VERIFY_FAILED,
    ],
)
def test_authentication_is_tried_every_five_minutes_in_the_end(reason: Reason, interval: float) -> None:
    assert pauses(interval, reason)[-1] == 300


def test_content_that_can_only_be_refused_again_is_tried_every_hour_in_the_end() -> None:
    refusals = (
        Refusal.INVALID,
        Refusal.UNKNOWN_FIELD,
        Refusal.WRONG_TYPE,
        Refusal.IMMUTABLE_FIELD,
        Refusal.TOO_LARGE,
    )
    assert pauses(60, *refusals)[-1] == 3600
    assert pauses(60, *refusals, Refusal.QUOTA_EXCEEDED)[-1] == 60


@pytest.mark.parametrize(("interval", "last"), [(1, 3600), (60, 3600), (7200, 7200)])
def test_what_costs_much_is_tried_again_from_the_interval_on_and_every_hour_in_the_end(
    interval: float, last: float
) -> None:
    reason = [Reason.SOURCE_TOO_LARGE]
    tries = [schedule.backoff(count, CALM, interval, reason, is_costly=True) for count in range(1, 16)]
    assert tries[:2] == [interval, min(2 * interval, last)]
    assert tries[-1] == last


def test_a_new_head_is_looked_for_at_the_interval_whatever_the_last_one_cost() -> None:
    for reason in (Reason.SOURCE_TOO_LARGE, Reason.GIT_TIMEOUT):
        assert schedule.next_due(reason, interval=60, retry=3600, is_costly=True) == 60


def test_chance_takes_off_a_fifth_at_most() -> None:
    reasons = [Reason.GIT_TIMEOUT]
    assert schedule.backoff(4, HASTY, 60, reasons) == pytest.approx(6.4)
    assert schedule.backoff(4, 0.5, 60, reasons) == pytest.approx(7.2)
    assert schedule.backoff(40, HASTY, 60, reasons) == pytest.approx(48)


@given(st.integers(0, 10**9), st.floats(0, 1), st.floats(1, 8760 * 3600), REASONS)
def test_the_pause_is_never_nothing_and_never_beyond_its_cap(
    failures: int, jitter: float, interval: float, reasons: list[str]
) -> None:
    assert 0.8 <= schedule.backoff(failures, jitter, interval, reasons) <= max(interval, 3600)


@given(st.integers(1, 30), st.floats(1, 3600), REASONS)
def test_a_further_failure_never_shortens_the_pause(
    failures: int, interval: float, reasons: list[str]
) -> None:
    one = schedule.backoff(failures, CALM, interval, reasons)
    assert schedule.backoff(failures + 1, CALM, interval, reasons) >= one


@pytest.mark.parametrize(
    "reason",
    [
        Reason.INVALID_SPEC,
        Reason.INVALID_URL,
        Reason.INVALID_PATH,
        Reason.INVALID_REF,
        Reason.INSECURE_CONNECTION,
    ],
)
def test_a_bad_spec_is_not_tried_again_before_it_changes(reason: Reason) -> None:
    assert schedule.next_due(reason, interval=60, retry=4) is None


@pytest.mark.parametrize(
    "reason",
    [
        Reason.SUCCEEDED,
        Reason.SUSPENDED,
        Reason.PLANNED,
        Reason.ACCESS_DENIED,
        Reason.REF_NOT_FOUND,
        Reason.BUILD_FAILED,
        Reason.PRUNE_BLOCKED,
        Reason.UNHEALTHY,
    ],
)
def test_the_head_is_looked_up_at_the_interval(reason: Reason) -> None:
    assert schedule.next_due(reason, interval=60, retry=4) == 60


@pytest.mark.parametrize(
    "reason",
    [Reason.GIT_UNAVAILABLE, Reason.GIT_TIMEOUT, Reason.AUTHENTICATION_FAILED, Reason.INTERNAL_ERROR],
)
def test_what_keeps_us_from_looking_is_tried_after_the_pause(reason: Reason) -> None:
    assert schedule.next_due(reason, interval=60, retry=4) == 4
    assert schedule.next_due(reason, interval=60, retry=300) == 300


@pytest.mark.parametrize("reason", [Reason.APPLY_FAILED, Reason.PRUNE_FAILED, Reason.DEPENDENCY_NOT_READY])
def test_a_long_pause_of_one_commit_does_not_delay_the_next_one(reason: Reason) -> None:
    assert schedule.next_due(reason, interval=60, retry=3600) == 60
    assert schedule.next_due(reason, interval=60, retry=4) == 4


def test_the_table_has_every_reason() -> None:
    assert set(reasons.TABLE) == set(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_says_who_can_mend_it_exactly_where_something_is_wrong(reason: Reason) -> None:
    fine = {Reason.SUCCEEDED, Reason.SUSPENDED, Reason.PLANNED, Reason.PROGRESSING}
    assert bool(reasons.TABLE[reason].parties) == (reason not in fine)


@pytest.mark.parametrize("reason", Reason)
def test_whatever_waits_for_time_alone_is_tried_again_and_says_so(reason: Reason) -> None:
    row = reasons.TABLE[reason]
    if row.parties == (Party.TIME,):
        assert row.beside is Beside.RECONCILING
        assert row.again in {Again.BACKOFF, Again.EITHER}
    if row.parties == (Party.SPEC,):
        assert row.beside is Beside.STALLED


def suspended(until: str, at: str) -> GitRepository:
    notes = {"towline.dev/suspend": f"until={until}, by=ada"}
    raw = {"metadata": {"namespace": "shop", "name": "app", "uid": "1", "annotations": notes}}
    return gitrepository.identify(raw, datetime.fromisoformat(at))


@pytest.mark.parametrize(
    ("until", "due", "expected"),
    [
        ("2026-12-24T12:00:30Z", 3600.0, 30.0),
        ("2026-12-24T12:00:30Z", None, 30.0),
        ("2026-12-24T14:00:00Z", 3600.0, 3600.0),
        ("2026-12-24T11:00:00Z", 3600.0, 3600.0),
        ("soon", 3600.0, 3600.0),
    ],
)
def test_a_pass_is_due_when_a_suspension_ends(until: str, due: float | None, expected: float) -> None:
    assert schedule.before_the_end(due, suspended(until, "2026-12-24T12:00:00Z")) == expected
