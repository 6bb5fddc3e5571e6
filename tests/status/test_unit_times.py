"""The status says how long units took, the slowest first, and what makes a slow one faster."""

from __future__ import annotations

from typing import Any

import pytest
from towline.status import unit_times
from towline.status.unit_times import UnitTime


def unit(seconds: float, **more: Any) -> UnitTime:
    given = {"unit": "app/kustomization.yaml", "objects": 3, "files": 4, "layers": 2, **more}
    return UnitTime(seconds=seconds, **given)


def test_the_ten_slowest_are_listed_and_all_are_counted() -> None:
    units = [unit(seconds, unit=f"{seconds}/kustomization.yaml") for seconds in range(12)]
    found = unit_times.fields([*units, unit(11.0, unit="a/Chart.yaml", layers=0)])
    assert found["unitsTotal"] == 13
    assert [each["unit"].partition("/")[0] for each in found["units"]] == [
        "11",
        "a",
        *map(str, range(10, 2, -1)),
    ]
    assert found["units"][-1] == {"unit": "3/kustomization.yaml", "objects": 3, "files": 4, "time": "3.0s"}
    assert unit_times.fields([]) == {"units": [], "unitsTotal": 0}


@pytest.mark.parametrize(
    ("slow", "words"),
    [
        (unit(9.9), ()),
        (unit(10.0), ("3 objects through 2 kustomizations, from 4 files", "fewer kustomizations")),
        (
            unit(40.0, objects=1500),
            ("1500 objects", "the square of the objects", "folders next to each other"),
        ),
        (unit(40.0, layers=0), ("Helm", "templates of 4 files")),
    ],
)
def test_from_ten_seconds_on_it_says_why_and_what_helps(slow: UnitTime, words: tuple[str, ...]) -> None:
    (found,) = unit_times.fields([slow])["units"]
    assert all(word in found["advice"] for word in words) if words else "advice" not in found
