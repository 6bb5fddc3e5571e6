"""What the operator asked the API server for, counted by the server's own audit log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

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


def applied(events: Iterable[AuditEvent], sha: str) -> AuditEvent:
    """Return the first write of a status that says that a commit is applied; raises `StopIteration` without one."""
    said = b'"applied":"' + sha.encode()
    written = (event for event in asked(events) if (event.resource, event.subresource) == _STATUS)
    return next(event for event in written if event.succeeded and said in orjson.dumps(event.body))


def moment(event: AuditEvent) -> float:
    """Return the second at which a request was answered."""
    return seconds(event.time)


def seconds(time: str) -> float:
    """Return an RFC 3339 time as seconds since the epoch."""
    return datetime.fromisoformat(time).timestamp()
