"""Decide whether a repository still waits for its objects, and the condition Healthy."""

from __future__ import annotations

from dataclasses import dataclass

from towline import text
from towline.api import condition
from towline.api.condition import NOT_ASSESSED, Condition, Truth, Type
from towline.errors import Reason
from towline.model import Body
from towline.status.survey import HealthSummary, UnhealthyObject

SOONEST = 2.0
"""Seconds until objects that are on their way are looked at again, even without an event; doubled each time."""

_TRUTHS = {Reason.SUCCEEDED: Truth.TRUE, Reason.PROGRESSING: Truth.UNKNOWN, Reason.UNHEALTHY: Truth.FALSE}
_PLACE_BYTES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """For how many seconds objects have not been ready, and whether they were called unhealthy for that before."""

    seconds: float = 0.0
    given_up: bool = False


NOT_WAITING = Waited()
"""For objects that are ready, or have just begun not to be."""


def outlook(survey: HealthSummary, waited: Waited) -> Reason:
    """Return Succeeded if all objects are ready, Progressing until their time has passed, Unhealthy after it.

    Once it has passed, only what begins the wait anew helps, or that all are ready.
    """
    if survey.well:
        return Reason.SUCCEEDED
    if survey.failed or waited.given_up or waited.seconds >= survey.timeout:
        return Reason.UNHEALTHY
    return Reason.PROGRESSING


def next_look(status: Body, survey: HealthSummary | None, waited: Waited) -> float | None:
    """Return the seconds until objects that are on their way are due for a look; None where none are."""
    if survey is None or condition.find(status, Type.HEALTHY).get("reason") != Reason.PROGRESSING:
        return None
    return max(min(survey.timeout - waited.seconds, max(waited.seconds, SOONEST)), 0.0) + 0.05


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
