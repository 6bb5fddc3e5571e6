"""Let everything happen to a stage at once; each case keeps what came of it for its own test."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pytest

from e2e.harness.cluster import Object
from e2e.scenes.drift.case_objects import Stage
from e2e.scenes.drift.case_table import Case, Outcome

AT_ONCE = 10.0
"""Seconds in which what metadata tell is restored, however many drift at once."""

READ = 40.0
"""Seconds in which what only a reading tells is restored."""

DEADLINES = {Outcome.RESTORED: AT_ONCE, Outcome.RECREATED: AT_ONCE, Outcome.DOUBTFUL: READ}


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What happened on a stage until `ended`: each object right after its case, or why that could not happen."""

    stage: Stage
    seen: Mapping[str, Object | BaseException]
    ended: float

    def of(self, case: Case) -> Object:
        """Return the object right after its case; raises what went wrong with that."""
        found = self.seen[case.name]
        if isinstance(found, BaseException):
            raise found
        return found

    def until_restored(self, case: Case) -> Object:
        """Wait until an object is as declared; returns it."""
        self.of(case)
        left = self.ended + DEADLINES[case.outcome] - time.monotonic()
        return self.stage.until_restored(case.name, max(left, 0.0))

    def until_settled(self, cases: Iterable[Case]) -> dict[str, list[str]]:
        """Wait until all that is to be restored is; returns what we wrote by then, by the object's name."""
        for case in cases:
            if case.outcome in DEADLINES and not isinstance(self.seen[case.name], BaseException):
                self.until_restored(case)
        return self.stage.written()


def perform(stage: Stage, cases: Iterable[Case]) -> Performance:
    """Do what each case says, one after the other, without a wait for what comes of it."""
    seen = {case.name: _attempt(stage, case) for case in cases}
    return Performance(stage=stage, seen=seen, ended=time.monotonic())


def _attempt(stage: Stage, case: Case) -> Object | BaseException:
    thing = stage.things[case.name]
    try:
        case.act(thing)
        return thing.read() if case.outcome is Outcome.UNTOUCHED else {}
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  it belongs to the test of this case alone
        return error
