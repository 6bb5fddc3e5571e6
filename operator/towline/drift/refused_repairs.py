"""Pace repairs that the API server refuses: the drift is reported with its reason and tried ever less often."""

from __future__ import annotations

from dataclasses import dataclass

from towline.errors import Failure

LONGEST = 600.0
"""The longest pause between two tries, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRepair:
    """Why an object could not be restored, after how many tries, and when the next one is due (monotonic seconds)."""

    reason: str
    message: str
    tries: int
    until: float


def refused(before: RefusedRepair | None, failure: Failure, now: float) -> RefusedRepair:
    """Return the state after one more refusal; `now` is in monotonic seconds."""
    tries = (before.tries if before else 0) + 1
    pause = min(2.0 ** min(tries, 10), LONGEST)
    return RefusedRepair(reason=failure.reason, message=failure.message, tries=tries, until=now + pause)


def is_paused(found: RefusedRepair, now: float) -> bool:
    """Tell whether the next try is not due yet."""
    return now < found.until
