"""Points in time, as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from towline.cli.reviewing import moments

NOW = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2026-11-30", "2026-11-30T00:00:00Z"),
        ("2026-11-30T12:00:00Z", "2026-11-30T12:00:00Z"),
        ("2026-11-30T12:00:00+02:00", "2026-11-30T10:00:00Z"),
        ("2026-11-30 12:00", "2026-11-30T12:00:00Z"),
        ("90m", "2026-11-30T17:00:00Z"),
        ("24h", "2026-11-29T18:30:00Z"),
        ("7d", "2026-11-23T18:30:00Z"),
        ("1d12h", "2026-11-29T06:30:00Z"),
        ("2w", "2026-11-16T18:30:00Z"),
        ("9999w", "1835-04-13T18:30:00Z"),
    ],
)
def test_a_date_a_time_and_an_age_are_moments(given: str, moment: str) -> None:
    assert moments.parse(given, NOW, UTC) == moment


def test_a_date_is_that_of_the_place_where_it_is_written() -> None:
    place = timezone(timedelta(hours=2))
    assert moments.parse("2026-11-30", NOW, place) == "2026-11-29T22:00:00Z"


@pytest.mark.usefixtures("in_berlin")
def test_a_date_has_the_time_of_its_own_season() -> None:
    assert moments.parse("2026-07-01", NOW) == "2026-06-30T22:00:00Z"
    assert moments.parse("2026-12-01 12:00", NOW) == "2026-12-01T11:00:00Z"


@pytest.mark.parametrize("given", ["soon", "7", "d", "-7d", "2026-13-01", "99999d99999d", "1y", " "])
def test_what_is_none_of_these_is_refused_with_examples(given: str) -> None:
    with pytest.raises(ValueError, match="must be a date"):
        moments.parse(given, NOW)
