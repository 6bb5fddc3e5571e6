"""Drift of thousands of fields and objects costs what it is: twice as much takes twice the work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from towline.drift import deviations
from towline.drift.deviations import Deviation, Look
from towline.drift.tries import RepairResults, Tries
from towline.errors import Failure, Reason
from towline.fields.mask import Mask
from towline.model import Action, Change, ObjectRef, Origin
from towline.plan.manifest import declare
from towline.status import compute
from towline.status.compute import PassResult

from tests.growth import Work, calls

MASK = Mask(b"k" * 32)
MANAGER = "towline:shop/app"
REF = ObjectRef("", "ConfigMap", "shop", "settings")


def look(count: int, managers: int = 1) -> Look:
    """Return an object of which other field managers have changed each key."""
    sent = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    keys = [f"k{number}" for number in range(count)]
    held = [
        {
            "manager": f"kubectl-{number}",
            "operation": "Apply",
            "time": "2026-01-01T00:00:05Z",
            "fieldsV1": {"f:data": {f"f:{key}": {} for key in keys[number::managers]}},
        }
        for number in range(managers)
    ]
    declared: dict[str, Any] = {**sent, "data": dict.fromkeys(keys, "a")}
    body = {**sent, "metadata": {"name": "settings", "managedFields": held}, "data": dict.fromkeys(keys, "b")}
    manifest = declare(declared, REF, "d", Origin("a.yaml", 3))
    return Look(manifest=manifest, sent=declared, body=body, manager=MANAGER, commit="c" * 40)


def changed_fields(count: int) -> Work:
    seen = look(count)
    return lambda: deviations.of(seen, MASK)


def managers(count: int) -> Work:
    seen = look(200, count)
    return lambda: deviations.of(seen, MASK)


def fields_set_back(count: int) -> Work:
    seen = look(count)
    before = deviations.of(seen, MASK)
    return lambda: deviations.set_back(before, (), seen)


def refused_repairs(count: int) -> Work:
    objects = [ObjectRef("", "ConfigMap", "shop", f"c{number}") for number in range(count)]
    failures = [Failure(reason="Invalid", message="no", object=str(ref)) for ref in objects]
    repairs = RepairResults(objects, frozenset(objects[::2]), {}, failures)
    return lambda: Tries().counted(repairs, 1.0).counted(repairs, 2.0).waits(3.0)


def status(count: int) -> Work:
    refs = [ObjectRef("", "ConfigMap", "shop", f"c{number}") for number in range(count)]
    passed = PassResult(
        generation=1,
        reason=Reason.APPLY_FAILED,
        observed="c" * 40,
        failures=tuple(Failure(reason="Invalid", message="no", object=str(ref)) for ref in refs),
        blocked=tuple(
            Change(action=Action.PRUNE, ref=ref, message=f"{ref.display} holds data") for ref in refs
        ),
        drift=tuple(Deviation(object=str(ref), field="/data/a") for ref in refs),
    )
    return lambda: compute.compute({}, passed, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "shape",
    [changed_fields, managers, fields_set_back, refused_repairs, status],
    ids=lambda shape: shape.__name__,
)
def test_four_times_as_much_takes_four_times_the_work(shape: Callable[[int], Work]) -> None:
    assert calls(shape(1200)) <= 6 * calls(shape(300))
