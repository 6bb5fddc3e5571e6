"""Decide when the next pass of a repository is."""

from __future__ import annotations

from collections.abc import Collection

from towline.api.gitrepository import GitRepository
from towline.errors import Reason
from towline.status import reasons
from towline.status.reasons import Again

JITTER = 0.2
"""Jitter, as a fraction of the pause: repositories that failed together are not tried again together."""
_SHORTEST_CAP = 30.0
_AUTHENTICATION_CAP = 300.0
_LASTING_CAP = 3600.0
_DOUBLINGS = 20


def backoff(
    failures: int, jitter: float, interval: float, reasons: Collection[str], *, is_costly: bool = False
) -> float:
    """Return the seconds until the same thing is tried again: 1 s, doubled with each failure, up to a cap.

    What is costly begins with the interval, and ends at an hour.

    Args:
        failures: how many tries in a row ended this way; starts again when spec, Secret or head change.
        jitter: from 0 to 1.
        interval: seconds; the cap, but at least 30 s.
        reasons: of the refused objects, or the Ready reason where none was refused. The cap is 5 minutes for
            authentication, and an hour where the same content meets all the refusals again.
        is_costly: whether each try takes much of what all repositories share, and most likely ends the same way.
    """
    first, cap = (interval, max(_LASTING_CAP, interval)) if is_costly else (1.0, _cap(interval, reasons))
    pause = min(cap, first * 2.0 ** min(max(failures - 1, 0), _DOUBLINGS))
    return pause * (1 - JITTER * jitter)


def next_due(reason: Reason, interval: float, retry: float, *, is_costly: bool = False) -> float | None:
    """Return the seconds until the next pass, or None where only a change of the resource can help.

    `retry` is what `backoff` said. A pass that comes before it only looks for a new head; where the same one
    `is_costly`, there always is one at the interval.
    """
    match Again.EITHER if is_costly else reasons.TABLE[reason].again:
        case Again.ON_CHANGE:
            return None
        case Again.INTERVAL:
            return interval
        case Again.BACKOFF:
            return retry
        case Again.EITHER:
            return min(interval, retry)


def before_the_end(due: float | None, repository: GitRepository) -> float | None:
    """Return the seconds until the next pass, which is when a suspension ends by itself if that is sooner."""
    suspension = repository.suspend_state.suspension
    if suspension is None or suspension.note.until is None:
        return due
    left = (suspension.note.until - repository.read_at).total_seconds()
    return left if due is None else min(due, left)


def _cap(interval: float, refused: Collection[str]) -> float:
    if refused and reasons.LASTING.issuperset(refused):
        return _LASTING_CAP
    if not reasons.AUTHENTICATION.isdisjoint(refused):
        return _AUTHENTICATION_CAP
    return max(interval, _SHORTEST_CAP)
