"""Thousands of changes, fields and failures of one commit cost what they are: twice as many take twice the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from towline.api.syncrecord import ChangeEntry, FieldChange
from towline.errors import Failure
from towline.records import closing, opening
from towline.status import preview
from towline.status.preview import Forecast

from tests.growth import Work, calls
from tests.records.syncs import MASK, change, done, ended, entries, failed, sync


def wide(count: int) -> tuple[ChangeEntry, ...]:
    fields = tuple(FieldChange(path=f"/data/k{number}", old="a", new="b") for number in range(100))
    (one,) = entries([change("a")])
    return tuple(replace(one, fields=fields) for _ in range(count // 10))


def opened(count: int) -> Work:
    changes = [change(f"c{number}") for number in range(count)]
    return lambda: opening.opening(sync(), entries(changes), None)


def opened_fields(count: int) -> Work:
    packed = wide(count)
    return lambda: opening.opening(sync(), packed, None)


def closed(count: int) -> Work:
    changes = [change(f"c{number}") for number in range(count)]
    records = opening.opening(sync(), entries(changes), None)
    outcomes = ended(outcomes=done(*changes))
    return lambda: closing.close(records, outcomes)


def closed_failures(count: int) -> Work:
    changes = [change(f"c{number}") for number in range(count)]
    records = opening.opening(sync(), entries(changes), None)
    failures = tuple(
        Failure(reason="Invalid", message="no", object=f"ConfigMap/t/x{n}") for n in range(count)
    )
    outcomes = ended(outcomes=tuple(failed(each) for each in changes), failures=failures)
    return lambda: closing.close(records, outcomes)


def interrupted(count: int) -> Work:
    records = opening.opening(sync(), entries([change(f"c{number}") for number in range(count)]), None)
    return lambda: closing.interrupted(records, {}, MASK, "2026-01-01T00:00:00Z")


def shown_plan(count: int) -> Work:
    forecast = Forecast(entries=wide(count))
    return lambda: preview.body(forecast)


def compared_plans(count: int) -> Work:
    before = entries([change(f"c{number}") for number in range(count)])
    after = entries([change(f"d{number}") for number in range(count)])
    return lambda: preview.differences(before, after)


@pytest.mark.parametrize(
    "shape",
    [opened, opened_fields, closed, closed_failures, interrupted, shown_plan, compared_plans],
    ids=lambda shape: shape.__name__,
)
def test_four_times_as_many_take_four_times_the_work(shape: Callable[[int], Work]) -> None:
    assert calls(shape(4800)) <= 6 * calls(shape(1200))
