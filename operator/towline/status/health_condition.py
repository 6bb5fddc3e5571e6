"""Decide how long a repository waits for its objects, and the condition Healthy.

Everything follows from the status and from when the objects were written, so that a wait goes on across restarts.
"""

from __future__ import annotations

from datetime import UTC, datetime

from towline import text
from towline.api import condition
from towline.api.condition import NOT_ASSESSED, Condition, Truth, Type
from towline.errors import Reason
from towline.model import Body
from towline.status.survey import HealthSummary, UnhealthyObject

SOONEST = 2.0
"""Seconds until objects that are on their way are looked at again, even without an event; doubled each time."""

_TRUTHS = {Reason.SUCCEEDED: Truth.TRUE, Reason.PROGRESSING: Truth.UNKNOWN, Reason.UNHEALTHY: Truth.FALSE}
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE_BYTES = 200


def outlook(status: Body, previous: Body, survey: HealthSummary, generation: int, now: datetime) -> Reason:
    """Return Succeeded if all objects are ready, Progressing until `spec.healthTimeout` has passed, Unhealthy after it.

    The time begins anew when a commit is applied, when an object that is not ready is written again, and when the
    spec changes. Once it has passed, only these or the objects' recovery help.

    Args:
        status: what is known of commits now.
        previous: the status as it is stored, whose condition tells how it was before.
        survey: how the objects are.
        generation: of the spec.
        now: an aware time.
    """
    if survey.well:
        return Reason.SUCCEEDED
    if survey.failed:
        return Reason.UNHEALTHY
    healthy = condition.find(previous, Type.HEALTHY)
    lost, writes = _lost(healthy, generation, now), _writes(status, survey)
    given_up = healthy.get("status") == Truth.FALSE and max(writes) < lost < now
    late = (now - max(lost, *writes)).total_seconds() >= survey.timeout
    return Reason.UNHEALTHY if given_up or late else Reason.PROGRESSING


def next_look(status: Body, survey: HealthSummary | None, now: datetime) -> float | None:
    """Return the seconds until objects that are on their way are due for a look; None where none are."""
    healthy = condition.find(status, Type.HEALTHY)
    if survey is None or healthy.get("reason") != Reason.PROGRESSING:
        return None
    since = max(_lost(healthy, healthy.get("observedGeneration", 0), now), *_writes(status, survey))
    waited = (now - since).total_seconds()
    return max(min(survey.timeout - waited, max(waited, SOONEST)), 0.0) + 0.05


def of(survey: HealthSummary | None, reason: Reason, previous: Body) -> Condition:
    """Return the condition Healthy; where health was not assessed, as it was."""
    if survey:
        return Condition(type=Type.HEALTHY, status=_TRUTHS[reason], reason=reason, message=words(survey))
    if before := condition.stored(previous, Type.HEALTHY):
        return before
    message = "Health has not been assessed yet"
    return Condition(type=Type.HEALTHY, status=Truth.UNKNOWN, reason=NOT_ASSESSED, message=message)


def words(survey: HealthSummary) -> str:
    """Say why the first objects are not ready, and where they come from; then how many are."""
    if survey.well:
        return _well(survey)
    named = "; ".join(_named(each) for each in survey.first)
    more = survey.total - survey.ready - len(survey.first)
    rest = f"; and {more} more" if more else ""
    return f"{named}{rest}. {survey.ready} of {survey.total} ready"


def _well(survey: HealthSummary) -> str:
    lost = f"{survey.missing} declared {'is' if survey.missing == 1 else 'are'} missing or not owned"
    match survey.total:
        case 0:
            return lost if survey.missing else "There are no objects"
        case 1:
            found = "1 object is ready"
        case _:
            found = f"All {survey.total} objects are ready"
    if not survey.missing:
        return found
    return f"{lost}. {survey.total} of {survey.total + survey.missing} ready"


def _named(ailing: UnhealthyObject) -> str:
    place = f"{text.printable(ailing.file, _PLACE_BYTES)}:{ailing.line}"
    commit = f" ({ailing.commit[:7]})" if ailing.commit else ""
    return f"{place} {ailing.ref.display}: {ailing.health.message or ailing.health.state}{commit}"


def _lost(healthy: Body, generation: int, now: datetime) -> datetime:
    """Return since when objects are not ready: now, where they were until now or the spec has changed."""
    waits = healthy.get("status") == Truth.FALSE or healthy.get("reason") == Reason.PROGRESSING
    goes_on = waits and healthy.get("observedGeneration") == generation
    return _moment(healthy.get("lastTransitionTime")) if goes_on else now


def _writes(status: Body, survey: HealthSummary) -> tuple[datetime, datetime]:
    """Return when the commit was applied and when the latest of the objects that are not ready was written."""
    return _moment((status.get("applied") or {}).get("appliedAt")), _moment(survey.written_at)


def _moment(text: object) -> datetime:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else _LONG_AGO
    except ValueError:
        return _LONG_AGO
    return found if found.tzinfo else found.replace(tzinfo=UTC)
