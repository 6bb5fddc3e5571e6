from __future__ import annotations

import pytest
from towline.api import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("1m", 60.0),
        ("1h30m", 5400.0),
        ("1.5h", 5400.0),
        ("0.1s", 0.1),
        ("1500ms", 1.5),
        ("1000000us", 1.0),
        ("1000000µs", 1.0),
        ("1000000000ns", 1.0),
        ("1m1m", 120.0),
        ("0s", 0.0),
    ],
)
def test_a_go_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert durations.parse(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "s",
        "-1m",
        "+1m",
        "1y",
        "1d",
        "1e309",
        "1e3s",
        "NaN",
        "inf",
        "1 m",
        "1m ",
        "1m\n",
        "1.s",
        ".5s",
        "1..5s",
        "1000000000h",
        "9" * 60 + "h",
        "1s" * 5000,
        "\u0661s",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        durations.parse(text)
