from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from towline import text
from towline.cli import ages

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "age"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(minutes=10, seconds=30), "10m"),
        (timedelta(hours=3, minutes=12), "3h12m"),
        (timedelta(hours=9, minutes=12), "9h"),
        (timedelta(days=2), "2d"),
        (timedelta(days=2, hours=5), "2d5h"),
        (timedelta(days=800), "2y70d"),
        (timedelta(seconds=-30), "0s"),
    ],
)
def test_an_age_is_written_as_kubectl_does(before: timedelta, age: str) -> None:
    assert ages.ago(text.timestamp(NOW - before), NOW) == age


@pytest.mark.parametrize("moment", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_not_a_time_has_no_age(moment: str) -> None:
    assert ages.ago(moment, NOW) == ""
