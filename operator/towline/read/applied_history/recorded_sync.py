"""One sync as its records tell it: a large one has several."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from towline.api.syncrecord import ChangeEntry, Counts, Ending, Intent, SyncRecord, Trigger
from towline.model import Key, ObjectRef, Person, Revision

RUNNING = "Running"
"""The outcome of a sync whose record is still open."""

_FILE = re.compile(r"(?P<file>\S.*\.(?:ya?ml|json))(?::[0-9]+)?", re.IGNORECASE)
_COUNTS = tuple(Counts.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncFailure:
    """One refusal, of an object, or of a file of the commit, or of the commit itself."""

    object: str
    reason: str
    message: str
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class RecordedSync:
    """One sync; `records` are its parts, in their order."""

    records: tuple[SyncRecord, ...]

    @property
    def intent(self) -> Intent:
        """What it was about to do; its changes are those of the first part alone."""
        return self.records[0].intent

    @property
    def name(self) -> str:
        """The name of its first record."""
        return self.records[0].name

    @property
    def repository(self) -> Key:
        """Whose sync it is."""
        return Key(self.intent.subject.namespace, self.intent.subject.name)

    @property
    def outcome(self) -> str:
        """How it ended, in the words of a record, or Running."""
        closed = [record.closing for record in self.records if record.closing]
        return str(closed[-1].outcome) if len(closed) == len(self.records) else RUNNING

    @property
    def finished_at(self) -> str:
        """When it ended; empty while it runs."""
        closed = [record.closing.finished_at for record in self.records if record.closing]
        return max(closed) if len(closed) == len(self.records) else ""

    @property
    def is_repair(self) -> bool:
        """Whether it undid changes in the cluster, and brought no commit."""
        return self.intent.trigger is Trigger.DRIFT

    @property
    def has_applied(self) -> bool:
        """Whether the cluster got what its commit declares, or a part of it."""
        return self.outcome not in {Ending.FAILED, Ending.PLANNED}

    @cached_property
    def changes(self) -> tuple[ChangeEntry, ...]:
        """Everything that it was about to write; an object with very many fields has several entries."""
        return tuple(change for record in self.records for change in record.intent.changes)

    @cached_property
    def failures(self) -> tuple[SyncFailure, ...]:
        """Everything that was refused."""
        return tuple(failure for record in self.records for failure in _failures(record))

    @property
    def counts(self) -> Counts:
        """How many objects had each outcome."""
        closed = [record.closing.counts for record in self.records if record.closing]
        return Counts(**{name: sum(getattr(each, name) for each in closed) for name in _COUNTS})

    @property
    def head(self) -> Revision | None:
        """The commit that it leads to; None where the record does not list it, as that of a deletion."""
        return next((each for each in self.intent.commits if each.sha == self.intent.target), None)

    @property
    def author(self) -> Person | None:
        """Who wrote what its commit brings."""
        return self.intent.author or (self.head.author if self.head else None)

    @cached_property
    def named(self) -> Mapping[str, tuple[ChangeEntry, ...]]:
        """The changes by the commit that last changed each object."""
        found: dict[str, tuple[ChangeEntry, ...]] = {}
        for change in self.changes:
            found[change.commit] = (*found.get(change.commit, ()), change)
        return MappingProxyType(found)


def syncs(records: Iterable[SyncRecord]) -> tuple[RecordedSync, ...]:
    """Put the parts of each sync together; the oldest sync comes first, of any number of repositories."""
    chains: dict[str, list[SyncRecord]] = {}
    for record in records:
        chains.setdefault(record.intent.subject.uid, []).append(record)
    found: list[RecordedSync] = []
    for chain in chains.values():
        ordered = sorted(chain, key=lambda record: record.intent.sequence)
        found.extend(RecordedSync(records=tuple(parts)) for parts in _parted(ordered))
    return tuple(sorted(found, key=lambda sync: (sync.intent.started_at, sync.intent.sequence)))


def _parted(records: Sequence[SyncRecord]) -> Iterable[Sequence[SyncRecord]]:
    parts: list[SyncRecord] = []
    for record in records:
        if parts and not _continues(parts[-1].intent, record.intent):
            yield parts
            parts = []
        parts.append(record)
    if parts:
        yield parts


def _continues(before: Intent, after: Intent) -> bool:
    follows = after.sequence == before.sequence + 1 and after.part.of == before.part.of
    return follows and after.part.number == before.part.number + 1


def _failures(record: SyncRecord) -> Iterable[SyncFailure]:
    changes = record.intent.changes
    for failure in record.closing.failures if record.closing else ():
        if 0 <= failure.change < len(changes):
            change = changes[failure.change]
            yield SyncFailure(
                object=change.object, reason=failure.reason, message=failure.message, file=change.file
            )
        else:
            name, file = _place(failure.message.partition(": ")[0])
            yield SyncFailure(object=name, reason=failure.reason, message=failure.message, file=file)


def _place(told: str) -> tuple[str, str]:
    """Return the object or the file that the message of a failure begins with; both are empty where there is none."""
    if found := _FILE.fullmatch(told):
        return "", found["file"]
    if told[:1].isupper() and " " not in told:
        with suppress(ValueError):
            return str(ObjectRef.parse(told)), ""
    return "", ""
