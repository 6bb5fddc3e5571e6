"""Decide which records have expired."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One record in the cluster, without its content."""

    name: str
    uid: str
    sequence: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many records of each sort are kept for one repository, and for how long."""

    commits: int = 500
    drifts: int = 200
    age: timedelta = timedelta(days=400)


def expired(
    records: Collection[Stored], drifts: Collection[Stored], retention: Retention, now: datetime | None
) -> tuple[Stored, ...]:
    """Return which records of one repository may be deleted, oldest first; the newest never is among them.

    Args:
        records: all of them.
        drifts: those of repairs, with a limit of their own, so that a fight over a field does not push out commits.
        retention: the limits.
        now: with a time zone; None where no clock can be believed, so that none has expired by its age.
    """
    repairs = {record.name for record in drifts}
    room = {True: retention.drifts, False: retention.commits}
    gone = []
    for index, record in enumerate(sorted(records, key=lambda record: record.sequence, reverse=True)):
        room[record.name in repairs] -= 1
        full = room[record.name in repairs] < 0
        is_old = now is not None and now - record.created_at > retention.age
        if index and (full or is_old):
            gone.append(record)
    return tuple(reversed(gone))
