"""Until when a person wants something, as they type it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from towline.read.requests import end_times

PARIS = timezone(timedelta(hours=1))
NOW = datetime(2026, 12, 24, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("90m", "2026-12-24T14:00:00+00:00"),
        ("2h", "2026-12-24T14:30:00+00:00"),
        ("90s", "2026-12-24T12:31:30+00:00"),
        ("1h30m10s", "2026-12-24T14:00:10+00:00"),
        ("1d2h", "2026-12-25T14:30:00+00:00"),
        ("1w", "2026-12-31T12:30:00+00:00"),
        ("18:00", "2026-12-24T18:00:00+01:00"),
        ("9:15", "2026-12-25T09:15:00+01:00"),
        ("Tomorrow", "2026-12-25T00:00:00+01:00"),
        ("2026-12-26", "2026-12-26T00:00:00+01:00"),
        ("2026-12-24 18:00", "2026-12-24T18:00:00+01:00"),
        ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00+00:00"),
    ],
)
def test_a_time_is_read_as_a_person_means_it(typed: str, meant: str) -> None:
    assert end_times.parse(typed, NOW, PARIS) == datetime.fromisoformat(meant)


@pytest.mark.parametrize(
    "typed", ["", "soon", "0m", "25:00", "2026-12-24", "2020-01-01", "-2h", "9999999w", "2h ago"]
)
def test_what_is_no_time_or_over_is_refused_with_what_to_write(typed: str) -> None:
    with pytest.raises(ValueError, match="write 2h, 3d, 18:00"):
        end_times.parse(typed, NOW, PARIS)


@pytest.mark.usefixtures("in_berlin")
def test_a_time_of_day_is_that_of_the_clock_after_it_was_reset() -> None:
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert end_times.parse("13:00", now) == datetime(2026, 10, 25, 12, tzinfo=UTC)
    assert end_times.parse("2026-10-26", now) == datetime(2026, 10, 25, 23, tzinfo=UTC)
    later = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert end_times.parse("tomorrow", later) == datetime(2026, 10, 25, 23, tzinfo=UTC)
