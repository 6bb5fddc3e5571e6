"""Say whether a repository is suspended, from when to when, why and by whom; all other conditions stay as they were."""

from __future__ import annotations

from collections.abc import Mapping

from towline import text
from towline.api import condition, labels
from towline.api.asked.suspending import WORDS_BYTES, SuspendState, Suspension, SuspensionSource
from towline.api.condition import IDLE, NOT_ASSESSED, Condition, Truth, Type
from towline.errors import Reason
from towline.model import Body

NOT_SUSPENDED = SuspendState()
"""The state of a repository of which nothing says that it is suspended."""


def body(state: SuspendState, previous: Body) -> Body:
    """Return `status.suspension`: what holds, or what has ended by itself while `spec.suspend` is still true.

    Args:
        state: whether it is suspended now.
        previous: the status before.
    """
    problem = {"problem": text.printable(state.problem)} if state.problem else {}
    if state.suspension is None:
        if state.ended is None or not state.is_set:
            return problem
        before = previous.get("suspension")
        said = {"source": str(SuspensionSource.ANNOTATION), "until": text.timestamp(state.ended)}
        return {**(before if isinstance(before, Mapping) else {}), **said, "ended": True}
    note = state.suspension.note
    said = {
        "source": str(state.suspension.source),
        "until": text.timestamp(note.until) if note.until else "",
        "reason": text.printable(note.reason, WORDS_BYTES),
        "by": text.printable(note.by, WORDS_BYTES),
    }
    return {name: value for name, value in said.items() if value} | problem


def condition_of(state: SuspendState, status: Body, previous: Body, moment: str) -> Condition:
    """Return the condition Suspended.

    Args:
        state: whether it is suspended now.
        status: what is known of it, without conditions.
        previous: the status before, which says since when.
        moment: RFC 3339, since when it is suspended if it was not before.
    """
    if state.suspension is None:
        return Condition(type=Type.SUSPENDED, status=Truth.FALSE, reason=IDLE, message=_why_not(state))
    before = condition.find(previous, Type.SUSPENDED)
    is_old = before.get("status") == Truth.TRUE and before.get("lastTransitionTime")
    since = str(before["lastTransitionTime"]) if is_old else moment
    message = f"{_sentence(state.suspension, status, since)}{_problem(state)}"
    return Condition(type=Type.SUSPENDED, status=Truth.TRUE, reason=Reason.SUSPENDED, message=message)


def kept(previous: Body) -> tuple[Condition, ...]:
    """Return all conditions of a suspended repository but Suspended: nothing is tried, and the others stay."""
    return (
        _kept(previous, Type.READY),
        _idle(Type.RECONCILING, "No sync is running or queued"),
        _idle(Type.STALLED, "No action needed"),
        *(_kept(previous, kind) for kind in (Type.SYNCED, Type.HEALTHY, Type.DRIFTED)),
    )


def _why_not(state: SuspendState) -> str:
    if state.ended:
        still = " although spec.suspend is still true" if state.is_set else ""
        return f"The suspension ended at its time, {text.timestamp(state.ended)}{still}"
    return f"spec.suspend is not set{_problem(state)}"


def _problem(state: SuspendState) -> str:
    if not state.problem:
        return ""
    return f"; the annotation {labels.SUSPEND} does not count: {text.printable(state.problem)}"


def _sentence(suspension: Suspension, status: Body, since: str) -> str:
    """Say from when to when nothing is done, at which commit, what waits for a person meanwhile, who asked and why."""
    note = suspension.note
    until = f" until {text.timestamp(note.until)}" if note.until else ""
    applied = status.get("commit", {}).get("applied", "")[:7]
    at = f", at {applied}" if applied else ""
    prunes = status.get("blocked", {}).get("prunesTotal", 0)
    verb = "waits" if prunes == 1 else "wait"
    waits = f"; {text.many(prunes, 'deletion')} {verb} for your confirmation" if prunes else ""
    by = f"; by {text.printable(note.by, WORDS_BYTES)} (as claimed)" if note.by else ""
    reason = f"; reason: {text.printable(note.reason, WORDS_BYTES)}" if note.reason else ""
    return f"Suspended since {since}{until}{at}: nothing is fetched or written{waits}{by}{reason}"


def _kept(previous: Body, kind: Type) -> Condition:
    if before := condition.stored(previous, kind):
        return before
    reason = Reason.SUSPENDED if kind in {Type.READY, Type.SYNCED} else NOT_ASSESSED
    message = "Suspended before anything was applied"
    return Condition(type=kind, status=Truth.UNKNOWN, reason=reason, message=message)


def _idle(kind: Type, message: str) -> Condition:
    return Condition(type=kind, status=Truth.FALSE, reason=IDLE, message=message)
