"""Derive the conditions from a reason and the rest of the status; people read their messages first.

A message about a commit reads `<commit by author> <verdict>: <file:line> <object>: <cause>. <state>. <next step>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from towline import text
from towline.api.condition import IDLE, Condition, Truth, Type
from towline.errors import Failure, Reason
from towline.model import Body
from towline.status import drift_fields, reasons, refused
from towline.status.reasons import Beside

_MESSAGE_BYTES = 1024
_WORDS_BYTES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionInputs:
    """How a pass ended, as a reason and a message, and how the objects are.

    `message` is empty where the status says it; `commit` is the attempted commit as people name it, empty where it is
    not known. `attempts` counts the tries in a row that ended with `reason`, 0 where they are not counted; the next one
    was `retry` seconds away. `outlook` is
    Succeeded except where the objects alone keep the repository from being ready; `patience` is then the
    `spec.healthTimeout` that has ended, None where an object has failed before. `is_unread` says that a kind cannot be
    read, and nothing else is wrong.
    """

    reason: Reason
    message: str
    attempts: int
    healthy: Condition
    retry: float = 0.0
    commit: str = ""
    outlook: Reason = Reason.SUCCEEDED
    patience: float | None = None
    is_unread: bool = False

    @property
    def ready(self) -> Reason:
        """The reason of Ready."""
        return self.reason if self.outlook is Reason.SUCCEEDED else self.outlook

    @property
    def runs(self) -> Reason:
        """The reason that decides Reconciling and Stalled: while only objects are awaited, nothing is being tried."""
        return self.reason if self.reason is Reason.SUCCEEDED else self.ready


def conditions_of(status: Body, ended: ConditionInputs) -> Iterable[Condition]:
    """Yield all conditions but Drifted, which comes from `status.drift_fields`, and Suspended.

    Args:
        status: what the pass leaves behind, without conditions.
        ended: how it ended; conditions that do not concern objects follow from the row of its reason.
    """
    ready = ended.ready
    message = text.printable(_ready(status, ended), _MESSAGE_BYTES)
    yield Condition(type=Type.READY, status=_truth(status, ended), reason=ready, message=message)
    yield _reconciling(ended.runs, ended.attempts, ended.retry)
    yield _stalled(ended.runs)
    yield _synced(status, ready)
    yield replace(ended.healthy, message=text.printable(ended.healthy.message, _MESSAGE_BYTES))


def named(short: str, subject: str, author: str) -> str:
    """Return how people name a commit: `1a2b3c4 "subject" by Ada`."""
    quoted = f'"{text.printable(subject, _WORDS_BYTES)}"' if subject else ""
    by = f"by {text.printable(author, _WORDS_BYTES)}" if author else ""
    return " ".join(part for part in (short, quoted, by) if part)


def still_at(applied: str, attempted: str) -> str:
    """Say which commit is applied while another one is not; empty where none is, or the very one that was attempted."""
    return f"still at {applied[:7]}" if applied and applied != attempted else ""


def _truth(status: Body, ended: ConditionInputs) -> Truth:
    """Return the status of Ready: False for a plan with refusals, Unknown while a kind cannot be read."""
    ready = ended.ready
    if ended.is_unread:
        return Truth.UNKNOWN
    if ready is Reason.PLANNED and status.get("failures"):
        return Truth.FALSE
    return reasons.TABLE[ready].ready


def _reconciling(reason: Reason, attempts: int, retry: float) -> Condition:
    if reasons.TABLE[reason].beside is not Beside.RECONCILING:
        return _idle(Type.RECONCILING, "No sync is running or queued")
    pause = f"in {text.duration(round(retry, -1 if retry > 100 else 0))}" if retry >= 1 else "follows soon"
    words = f"Tried {text.many(max(attempts, 1), 'time')}; next try {pause}"
    if reason is Reason.PROGRESSING:
        words = "A sync is running"
    return Condition(type=Type.RECONCILING, status=Truth.TRUE, reason=reason, message=words)


def _stalled(reason: Reason) -> Condition:
    row = reasons.TABLE[reason]
    if row.beside is not Beside.STALLED:
        return _idle(Type.STALLED, "No action needed")
    words = f"To fix: {' or '.join(row.parties)}"
    return Condition(type=Type.STALLED, status=Truth.TRUE, reason=reason, message=words)


def _idle(kind: Type, message: str) -> Condition:
    return Condition(type=kind, status=Truth.FALSE, reason=IDLE, message=message)


def _synced(status: Body, reason: Reason) -> Condition:
    commit = status.get("commit", {})
    observed, applied = commit.get("observed", ""), commit.get("applied", "")
    ready = reasons.TABLE[reason].ready is Truth.TRUE
    found = Truth.UNKNOWN
    words = "No commit has been read yet"
    if reason is Reason.PLANNED:
        found = Truth.FALSE
        words = f"{observed[:7]} is planned, not applied: spec.mode is Observe"
    elif observed and observed == applied:
        found = Truth.TRUE
        words = f"{observed[:7]} is applied"
    elif observed:
        found = Truth.FALSE
        words = f"{observed[:7]} is not applied" + (f"; {applied[:7]} is" if applied else "")
    why = IDLE if found is Truth.TRUE and not ready else reason
    return Condition(type=Type.SYNCED, status=found, reason=why, message=words)


def _ready(status: Body, ended: ConditionInputs) -> str:
    """Return the message of Ready: what was done, or what prevents it, and what is waited for."""
    objects = ended.healthy.message
    if ended.outlook is Reason.UNHEALTHY:
        late = "" if ended.patience is None else f" after {text.duration(ended.patience)} (healthTimeout)"
        return f"Not ready{late}: {objects}. Nothing was rolled back"
    if ended.outlook is Reason.PROGRESSING:
        if ended.message:
            return f"{ended.message}; rolling out: {objects}"
        return f"Rolling out {_applied(status)}: {objects}"
    done = ended.message or _message(status, ended)
    return f"{done}{drift_fields.note(status)}" if ended.reason is Reason.SUCCEEDED else done


def _message(status: Body, ended: ConditionInputs) -> str:
    if ended.reason is Reason.SUCCEEDED:
        return _success(status)
    return _refusal(status, ended) or str(ended.reason)


def success(commit: str, declared: int) -> str:
    """Say that a commit is applied with all that it declares."""
    return f"Applied {commit}: {text.many(declared, 'object')}"


def _success(status: Body) -> str:
    commit = _applied(status)
    return success(commit, status.get("objects", {}).get("declared", 0)) if commit else "Nothing to apply"


def _applied(status: Body) -> str:
    applied = status.get("applied", {})
    return named(applied.get("short", ""), applied.get("subject", ""), applied.get("author", ""))


def _refusal(status: Body, ended: ConditionInputs) -> str:
    """Say what was refused first, of which commit, and how much of the commit is in the cluster."""
    told = (
        {name: value for name, value in each.items() if name != "ref"} for each in status.get("failures", ())
    )
    failures = [Failure(**each) for each in told]
    if not failures:
        return ""
    commit = ended.commit or status.get("commit", {}).get("attempted", "")[:7]
    is_written = ended.reason is Reason.PRUNE_FAILED
    verdict = "applied, but not pruned" if is_written else "not applied"
    objects = status.get("objects", {})
    declared, synced = objects.get("declared", 0), objects.get("synced", 0)
    written = f"{synced} of {text.many(declared, 'object')} written" if declared else ""
    commits = status.get("commit", {})
    still = "" if is_written else still_at(commits.get("applied", ""), commits.get("attempted", ""))
    state = "; ".join(part for part in (written, still) if part)
    total = status.get("failuresTotal", len(failures))
    return refused.sentence(f"{commit} {verdict}".strip(), failures, total, state)
