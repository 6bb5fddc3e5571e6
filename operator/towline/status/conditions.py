"""The six conditions that follow from a reason and from what the status says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from towline import text
from towline.api import labels
from towline.api.condition import IDLE, Condition, Truth, Type
from towline.errors import Reason
from towline.model import Body
from towline.status import reasons
from towline.status.reasons import Beside

_MESSAGE_BYTES = 1024
_WORDS_BYTES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionInputs:
    """How a pass ended, in a word and a sentence, and how the objects are.

    `message` is empty where the status says it; `attempts` counts the tries in a row that ended with `reason`, 0 where
    nobody counts. `outlook` is Succeeded but where the objects alone keep the repository from being ready.
    """

    reason: Reason
    message: str
    attempts: int
    healthy: Condition
    outlook: Reason = Reason.SUCCEEDED

    @property
    def ready(self) -> Reason:
        """The reason of Ready."""
        return self.reason if self.outlook is Reason.SUCCEEDED else self.outlook

    @property
    def runs(self) -> Reason:
        """The reason that says whether something is being tried: whoever waits for objects tries nothing."""
        return self.reason if self.reason is Reason.SUCCEEDED else self.ready


def conditions_of(status: Body, ended: ConditionInputs) -> Iterable[Condition]:
    """Yield all conditions but Drifted, which comes from `status.drift_fields`.

    Args:
        status: what the pass leaves behind, without conditions.
        ended: how it ended; what is not about objects follows from its reason's row in the table.
    """
    ready = ended.ready
    message = text.printable(_ready(status, ended), _MESSAGE_BYTES)
    yield Condition(type=Type.READY, status=reasons.TABLE[ready].ready, reason=ready, message=message)
    yield _reconciling(ended.runs, ended.attempts)
    yield _stalled(ended.runs)
    yield _synced(status, ready)
    yield replace(ended.healthy, message=text.printable(ended.healthy.message, _MESSAGE_BYTES))


def named(short: str, subject: str, author: str) -> str:
    """Return how people name a commit: `1a2b3c4 "subject" by Ada`."""
    quoted = f'"{text.printable(subject, _WORDS_BYTES)}"' if subject else ""
    by = f"by {text.printable(author, _WORDS_BYTES)}" if author else ""
    return " ".join(part for part in (short, quoted, by) if part)


def _reconciling(reason: Reason, attempts: int) -> Condition:
    if reasons.TABLE[reason].beside is not Beside.RECONCILING:
        return _idle(Type.RECONCILING, "No sync runs and none waits for another try")
    words = f"Tried {text.many(max(attempts, 1), 'time')}; tries again after a pause"
    if reason is Reason.PROGRESSING:
        words = "A sync runs"
    return Condition(type=Type.RECONCILING, status=Truth.TRUE, reason=reason, message=words)


def _stalled(reason: Reason) -> Condition:
    row = reasons.TABLE[reason]
    if row.beside is not Beside.STALLED:
        return _idle(Type.STALLED, "Nothing waits for a change of this resource")
    words = f"What can mend it: {' or '.join(row.parties)}"
    return Condition(type=Type.STALLED, status=Truth.TRUE, reason=reason, message=words)


def _idle(kind: Type, message: str) -> Condition:
    return Condition(type=kind, status=Truth.FALSE, reason=IDLE, message=message)


def _synced(status: Body, reason: Reason) -> Condition:
    commit = status.get("commit", {})
    observed, applied = commit.get("observed", ""), commit.get("applied", "")
    ready = reasons.TABLE[reason].ready is Truth.TRUE
    found = Truth.UNKNOWN
    words = "No commit was seen yet"
    if observed and observed == applied:
        found = Truth.TRUE
        words = f"{observed[:7]} is applied"
    elif observed:
        found = Truth.FALSE
        words = f"{observed[:7]} is not applied" + (f"; {applied[:7]} is" if applied else "")
    why = IDLE if found is Truth.TRUE and not ready else reason
    return Condition(type=Type.SYNCED, status=found, reason=why, message=words)


def _ready(status: Body, ended: ConditionInputs) -> str:
    """Say what Ready does: what was done, or what keeps it from being done, and what is waited for."""
    if ended.outlook is Reason.UNHEALTHY:
        return ended.healthy.message
    done = ended.message or _message(status, ended.reason)
    return done if ended.outlook is Reason.SUCCEEDED else f"{done}; {ended.healthy.message}"


def _message(status: Body, reason: Reason) -> str:
    match reason:
        case Reason.SUCCEEDED:
            return _success(status)
        case Reason.SUSPENDED:
            return "Suspended: nothing is fetched or written"
        case Reason.PRUNE_BLOCKED:
            return _confirmation(status)
        case _:
            return _first_failure(status) or str(reason)


def success(commit: str, declared: int) -> str:
    """Say that a commit, named as people do, is applied with all that it declares."""
    return f"Applied {commit}: {text.many(declared, 'object')}"


def _success(status: Body) -> str:
    applied = status.get("applied", {})
    if not applied:
        return "Nothing to apply"
    commit = named(applied.get("short", ""), applied.get("subject", ""), applied.get("author", ""))
    return success(commit, status.get("objects", {}).get("declared", 0))


def _confirmation(status: Body) -> str:
    blocked = status.get("blocked", {})
    total = text.many(blocked.get("prunesTotal", 0), "object")
    token = blocked.get("confirm", "")
    return f"Will not delete {total} unconfirmed: annotate with {labels.CONFIRM_PRUNE}={token}"


def _first_failure(status: Body) -> str:
    """Say what the first fault is, with its place, and how many there are."""
    failures = status.get("failures", ())
    if not failures:
        return ""
    first = failures[0]
    place = f"{first.get('file', '')}:{first.get('line', '')}".rstrip(":")
    parts = (place, first.get("object", ""), first["reason"], first["message"])
    total = text.many(status.get("failuresTotal", len(failures)), "fault")
    return f"{total}; {': '.join(part for part in parts if part)}"
