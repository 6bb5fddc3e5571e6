"""Decide which records have expired."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

_UID_DIGITS = 8
"""How much of a uid the name of a record holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One record in the cluster, without its content; `repository` is how the uid of its GitRepository begins."""

    namespace: str
    name: str
    repository: str
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


def orphaned(
    records: Iterable[Stored], living: Collection[str], retention: Retention, now: datetime
) -> tuple[Stored, ...]:
    """Return which records of repositories that are gone have expired: all that are too old, the newest included.

    Args:
        records: of any repositories.
        living: the uids of all GitRepositories.
        retention: the limits; only that of age counts.
        now: with a time zone.
    """
    begins = {uid[:_UID_DIGITS] for uid in living}
    return tuple(
        record
        for record in records
        if record.repository not in begins and now - record.created_at > retention.age
    )
