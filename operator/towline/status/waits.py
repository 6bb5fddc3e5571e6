"""Measure how long objects have not been ready: by the monotonic clock, from when that was seen to begin.

Only what began before the process did is measured by the times in the status and on the objects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from towline.api import condition
from towline.api.condition import Truth, Type
from towline.errors import Reason
from towline.model import Body
from towline.status.compute import PassResult
from towline.status.health_condition import NOT_WAITING, Waited

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _HealthWait:
    """The wait for the objects of one repository.

    `spec` and `commit` are what it waits for, and `written_at` is when the latest of its objects was written: once one
    of these is another, the wait begins anew. `renewed` says that it did so since the objects were called unhealthy
    last, `is_down` that they are called so. `is_over` says that all are ready.
    """

    spec: int
    commit: str
    written_at: str
    began: float
    renewed: bool = True
    is_down: bool = False
    is_over: bool = False

    def is_new(self, before: _HealthWait) -> bool:
        """Tell whether this begins a wait; one object fewer that is not ready does not."""
        is_same = (self.spec, self.commit) == (before.spec, before.commit)
        return before.is_over or not is_same or self.written_at > before.written_at


class Waits:
    """The waits of all repositories.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, _HealthWait] = {}

    def look(self, uid: str, previous: Body, passed: PassResult, now: datetime | None) -> Waited:
        """Return how long the objects of a repository have been waited for.

        The time begins anew when a commit is applied, when an object that is not ready is written again, and when the
        spec changes.

        Args:
            uid: of the GitRepository.
            previous: the status as it is stored.
            passed: what the pass found.
            now: an aware time, None where no clock can be believed; only asked in the first look.
        """
        survey = passed.health
        if survey is None:
            return NOT_WAITING
        at, before = self._clock(), self._known.get(uid)
        found = _HealthWait(
            spec=passed.generation,
            commit=_applied(previous, passed),
            written_at=survey.written_at,
            began=at,
            is_down=condition.find(previous, Type.HEALTHY).get("status") == Truth.FALSE,
            is_over=survey.well,
        )
        if not survey.well and before is None:
            waited = remembered(previous, passed, now)
            found = replace(found, began=at - waited.seconds, renewed=not waited.given_up)
        elif not survey.well and before and not found.is_new(before):
            has_turned = found.is_down and not before.is_down
            found = replace(before, renewed=before.renewed and not has_turned, is_down=found.is_down)
        self._known[uid] = found
        return Waited(seconds=at - found.began, given_up=found.is_down and not found.renewed)

    def forget(self, uid: str) -> None:
        """Forget a repository that is gone."""
        self._known.pop(uid, None)


def remembered(previous: Body, passed: PassResult, now: datetime | None) -> Waited:
    """Return what the status tells of a wait that may have begun before the process did.

    It is new where the commit or the spec is. Without a clock that can be believed, its time begins now.
    """
    healthy = condition.find(previous, Type.HEALTHY)
    waits = healthy.get("status") == Truth.FALSE or healthy.get("reason") == Reason.PROGRESSING
    is_same = healthy.get("observedGeneration") == passed.generation
    if (
        not waits
        or not is_same
        or _applied(previous, passed) != _applied(previous, replace(passed, applied=None))
    ):
        return NOT_WAITING
    lost = _moment(healthy.get("lastTransitionTime"))
    written = _moment(passed.health.written_at if passed.health else "")
    last = max(_moment((previous.get("applied") or {}).get("appliedAt")), written)
    seconds = (now - max(lost, last)).total_seconds() if now else 0.0
    return Waited(seconds=max(seconds, 0.0), given_up=healthy.get("status") == Truth.FALSE and last < lost)


def _applied(previous: Body, passed: PassResult) -> str:
    """Return the commit that is applied after a pass."""
    before: str = (previous.get("commit") or {}).get("applied", "")
    return passed.applied.sha if passed.applied else before


def _moment(text: object) -> datetime:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else _LONG_AGO
    except ValueError:
        return _LONG_AGO
    return found if found.tzinfo else found.replace(tzinfo=UTC)
