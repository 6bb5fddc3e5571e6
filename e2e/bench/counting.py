"""What the operator asked the API server for, counted by the server's own audit log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson

from e2e.harness import identity
from e2e.harness.audit import AuditEvent

OWN = frozenset({"gitrepositories", "syncrecords", "events", "leases"})
"""The operator's own affairs; everything else is a request about managed objects."""

_STATUS = ("gitrepositories", "status")


def asked(events: Iterable[AuditEvent]) -> tuple[AuditEvent, ...]:
    """Return the operator's requests."""
    return tuple(event for event in events if event.user == identity.OPERATOR)


def about_objects(events: Iterable[AuditEvent]) -> tuple[AuditEvent, ...]:
    """Return the operator's requests about managed objects, reads and dry runs among them.

    kopf looks for the kinds that it serves, among all CRDs; a watch that ends is opened again: neither is one.
    """
    return tuple(
        event
        for event in asked(events)
        if event.resource and event.resource not in OWN and event.verb != "watch"
    )


def applies(events: Iterable[AuditEvent]) -> tuple[AuditEvent, ...]:
    """Return the operator's writes of managed objects that succeeded, oldest first."""
    found = (event for event in about_objects(events) if event.writes and event.succeeded)
    return tuple(sorted(found, key=moment))


def echoes(events: Iterable[AuditEvent], before: Mapping[str, Any]) -> tuple[AuditEvent, ...]:
    """Return the writes of one repository's status, tried or done, that only say that a pass was asked for.

    Args:
        events: what was asked.
        before: the status before all of them.
    """
    found = []
    known = _without_echo(before)
    for event in asked(events):
        if (event.resource, event.subresource) == _STATUS and event.writes:
            said = _without_echo(_status_of(event))
            if said == known:
                found.append(event)
            elif event.succeeded:
                known = said
    return tuple(found)


def _status_of(event: AuditEvent) -> Mapping[str, Any]:
    """Return the status that a JSON patch writes."""
    (written,) = (each["value"] for each in event.body if each["path"] == "/status")
    return dict(written)


def _without_echo(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in status.items() if name != "lastHandledReconcile"}


def applied(events: Iterable[AuditEvent], sha: str) -> AuditEvent:
    """Return the first write of a status that says that a commit is applied; raises `StopIteration` without one."""
    said = b'"applied":"' + sha.encode()
    written = (event for event in asked(events) if (event.resource, event.subresource) == _STATUS)
    return next(event for event in written if event.succeeded and said in orjson.dumps(event.body))


def applied_moments(events: Iterable[AuditEvent]) -> Mapping[str, float]:
    """Return the commits that statuses say are applied, each with the second in which that was first written."""
    found: dict[str, float] = {}
    for event in asked(events):
        if (event.resource, event.subresource) == _STATUS and event.writes and event.succeeded:
            found.setdefault(_status_of(event).get("commit", {}).get("applied", ""), moment(event))
    return found


def moment(event: AuditEvent) -> float:
    """Return the second at which a request was answered."""
    return seconds(event.time)


def seconds(time: str) -> float:
    """Return an RFC 3339 time as seconds since the epoch."""
    return datetime.fromisoformat(time).timestamp()
