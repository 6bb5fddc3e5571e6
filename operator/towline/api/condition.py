"""The seven conditions of a GitRepository, which always has all of them, each with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towline.model import Body


class Type(StrEnum):
    """The seven conditions, in the order in which the status lists them."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SYNCED = "Synced"
    HEALTHY = "Healthy"
    DRIFTED = "Drifted"
    SUSPENDED = "Suspended"


class Truth(StrEnum):
    """The status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


IDLE = "Idle"
"""The reason of Reconciling, Stalled, Synced and Suspended where nothing special holds."""
NOT_ASSESSED = "NotAssessed"
"""The reason of Healthy and Drifted while neither is assessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition without its `lastTransitionTime`."""

    type: Type
    status: Truth
    reason: str
    message: str


def merge(previous: object, conditions: Iterable[Condition], generation: int, now: str) -> list[Body]:
    """Return the conditions as a status holds them.

    Args:
        previous: the conditions of the status before, as read; anything but a list of conditions counts as none.
        conditions: what holds now.
        generation: of the spec that they were found for.
        now: RFC 3339; `lastTransitionTime` of what is new or whose status differs from before.
    """
    before = {entry.get("type"): entry for entry in _entries(previous)}
    return [_body(condition, before.get(condition.type, {}), generation, now) for condition in conditions]


def find(status: Body, kind: Type) -> Body:
    """Return one condition of a GitRepository's status, empty where it has none."""
    return next((entry for entry in _entries(status.get("conditions")) if entry.get("type") == kind), {})


def stored(status: Body, kind: Type) -> Condition | None:
    """Return what a condition of a GitRepository's status says; None where it has none that can be read."""
    entry = find(status, kind)
    if entry.get("status") not in tuple(Truth):
        return None
    reason, message = str(entry.get("reason", "")), str(entry.get("message", ""))
    return Condition(type=kind, status=Truth(entry["status"]), reason=reason, message=message)


def _body(condition: Condition, before: Body, generation: int, now: str) -> Body:
    same = before.get("status") == condition.status
    return {
        "type": str(condition.type),
        "status": str(condition.status),
        "reason": str(condition.reason),
        "message": condition.message,
        "observedGeneration": generation,
        "lastTransitionTime": (before.get("lastTransitionTime") if same else None) or now,
    }


def _entries(value: Any) -> list[Body]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
