"""Look up in records who wrote a commit, and which sync changed an object last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from towline.api.syncrecord import ChangeEntry, Ending, SyncRecord, Trigger
from towline.model import Action, Revision

_WRITES = frozenset(map(str, (Action.CREATE, Action.UPDATE, Action.ADOPT, Action.REPLACE)))
_REMOVES = frozenset(map(str, (Action.PRUNE, Action.RELEASE)))
_UNDONE = frozenset({Ending.FAILED, Ending.PLANNED})


class RecordedChange(NamedTuple):
    """What one sync did to one object."""

    entry: ChangeEntry
    record: SyncRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSyncs:
    """The records of one repository, newest first; `revisions` are commits that Git tells more of."""

    records: tuple[SyncRecord, ...] = ()
    revisions: Mapping[str, Revision] = field(default_factory=dict)

    def author(self, sha: str) -> str:
        """Return who wrote a commit; empty where neither records nor Git tell."""
        for revision in (self.revisions.get(sha), *self._commits()):
            if revision and revision.sha == sha:
                return revision.writer.name or revision.writer.email
        return ""

    def written(self, name: str) -> RecordedChange | None:
        """Return the newest change that made an object what Git declares; None where no record has one."""
        return next(self._changes(name, _WRITES), None)

    def writes(self, name: str) -> Iterator[RecordedChange]:
        """Yield the changes that made an object what Git declared, the newest first."""
        return self._changes(name, _WRITES)

    def removed(self, name: str) -> RecordedChange | None:
        """Return the removal of an object, unless it was written again later."""
        last = next(self._changes(name, _WRITES | _REMOVES), None)
        return last if last and last.entry.action in _REMOVES else None

    def is_later(self, found: RecordedChange, commit: str) -> bool:
        """Tell whether a change came after a commit was applied; so it is where no record is about that commit."""
        applied = [
            each.intent.sequence
            for each in self.records
            if each.intent.target == commit and each.closing and each.closing.outcome not in _UNDONE
        ]
        return not applied or found.record.intent.sequence > min(applied)

    def _changes(self, name: str, actions: frozenset[str]) -> Iterator[RecordedChange]:
        for record in self.records:
            is_done = record.closing is None or record.closing.outcome not in _UNDONE
            if is_done and record.intent.trigger is not Trigger.DRIFT:
                for entry in record.intent.changes:
                    if entry.object == name and entry.action in actions:
                        yield RecordedChange(entry, record)

    def _commits(self) -> Iterable[Revision]:
        return (revision for record in self.records for revision in record.intent.commits)
