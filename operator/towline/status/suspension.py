"""Compute the conditions of a suspended repository: all but Suspended stay as they were."""

from __future__ import annotations

from datetime import datetime

from towline import text
from towline.api import condition
from towline.api.condition import IDLE, NOT_ASSESSED, Condition, Truth, Type
from towline.errors import Reason
from towline.model import Body

NONE = Condition(type=Type.SUSPENDED, status=Truth.FALSE, reason=IDLE, message="spec.suspend is not set")
"""The condition Suspended of a repository that is not suspended."""


def conditions(status: Body, previous: Body, now: datetime) -> tuple[Condition, ...]:
    """Return all conditions of a suspended repository.

    Args:
        status: what is known of it, without conditions.
        previous: the status before, whose conditions stay.
        now: when that is said, an aware time.
    """
    return (
        _kept(previous, Type.READY),
        _idle(Type.RECONCILING, "No sync is running or queued"),
        _idle(Type.STALLED, "No action needed"),
        *(_kept(previous, kind) for kind in (Type.SYNCED, Type.HEALTHY, Type.DRIFTED)),
        Condition(
            type=Type.SUSPENDED,
            status=Truth.TRUE,
            reason=Reason.SUSPENDED,
            message=_sentence(status, previous, now),
        ),
    )


def _sentence(status: Body, previous: Body, now: datetime) -> str:
    """Say since when nothing is done, at which commit, and what waits for a person meanwhile.

    It is said once, when the suspension begins: nothing that it names can change before it ends.
    """
    before = condition.find(previous, Type.SUSPENDED)
    if before.get("status") == Truth.TRUE and before.get("message"):
        return str(before["message"])
    since = text.timestamp(now)
    applied = status.get("commit", {}).get("applied", "")[:7]
    at = f", at {applied}" if applied else ""
    prunes = status.get("blocked", {}).get("prunesTotal", 0)
    verb = "waits" if prunes == 1 else "wait"
    waits = f"; {text.many(prunes, 'deletion')} {verb} for your confirmation" if prunes else ""
    return f"Suspended since {since}{at}: nothing is fetched or written{waits}"


def _kept(previous: Body, kind: Type) -> Condition:
    if before := condition.stored(previous, kind):
        return before
    reason = Reason.SUSPENDED if kind in {Type.READY, Type.SYNCED} else NOT_ASSESSED
    message = "Suspended before anything was applied"
    return Condition(type=kind, status=Truth.UNKNOWN, reason=reason, message=message)


def _idle(kind: Type, message: str) -> Condition:
    return Condition(type=kind, status=Truth.FALSE, reason=IDLE, message=message)
