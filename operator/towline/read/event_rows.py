"""Read the Events of Kubernetes as values, whichever way they were written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from towline.model import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One Event: what happened, how often, and when last; `name` is that of the Event itself."""

    name: str
    at: str
    type: str
    reason: str
    count: int
    message: str

    def as_json(self) -> dict[str, Any]:
        """Return it in the documented form."""
        return {
            "at": self.at,
            "type": self.type,
            "reason": self.reason,
            "count": self.count,
            "message": self.message,
        }


def of(event: Body) -> EventRow:
    """Return the row of an Event; its newest time is where its writer has put it."""
    series: Any = event.get("series") or {}
    times = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event["metadata"].get("creationTimestamp"),
    )
    return EventRow(
        name=str(event["metadata"].get("name", "")),
        at=next((str(each) for each in times if each), ""),
        type=str(event.get("type", "")),
        reason=str(event.get("reason", "")),
        count=int(series.get("count") or event.get("count") or 1),
        message=str(event.get("message") or event.get("note") or ""),
    )
