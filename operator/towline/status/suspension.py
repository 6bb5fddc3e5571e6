"""What Ready says of a suspended repository."""

from __future__ import annotations

from datetime import UTC, datetime

from towline import text
from towline.api import condition
from towline.api.condition import Type
from towline.errors import Reason
from towline.model import Body


def sentence(status: Body, previous: Body, now: datetime) -> str:
    """Say since when nothing is done, at which commit, and what waits for a person meanwhile.

    It is said once, when the suspension begins: nothing that it names can change before it ends.
    """
    ready = condition.find(previous, Type.READY)
    if ready.get("reason") == Reason.SUSPENDED and ready.get("message"):
        return str(ready["message"])
    since = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    applied = status.get("commit", {}).get("applied", "")[:7]
    at = f", at {applied}" if applied else ""
    prunes = status.get("blocked", {}).get("prunesTotal", 0)
    verb = "waits" if prunes == 1 else "wait"
    waits = f"; {text.many(prunes, 'deletion')} {verb} for your confirmation" if prunes else ""
    return f"Suspended since {since}{at}: nothing is fetched or written{waits}"
