"""Choose the sync to go back to, and say by the records what going back would change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline import text
from towline.api.syncrecord import ChangeEntry, Ending, FieldChange, SyncRecord, Trigger
from towline.errors import ClusterError
from towline.model import Action

_WROTE = frozenset({Ending.SUCCEEDED, Ending.PARTIAL, Ending.SUPERSEDED, Ending.INTERRUPTED})
_ADDS = frozenset({Action.CREATE, Action.ADOPT})
_REMOVES = frozenset({Action.PRUNE, Action.RELEASE})
_LEAST_DIGITS = 4


class NoTargetError(ClusterError):
    """There is no sync to go back to; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoneField:
    """One field that would go back: a JSON pointer, what it is now and what it would be, None where there is none."""

    path: str
    now: Any
    then: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoneChange:
    """What would become of one object: `action` is create, update or delete."""

    object: str
    action: str
    fields: tuple[UndoneField, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it in the documented form."""
        fields = [{"path": each.path, "now": each.now, "then": each.then} for each in self.fields]
        return {"object": self.object, "action": self.action, "fields": fields}


def choose(records: Sequence[SyncRecord], head: str, wanted: str) -> SyncRecord:
    """Return the record of the sync to go back to.

    Args:
        records: of one GitRepository, the oldest first.
        head: the newest commit of its branch.
        wanted: the name of a record, or the first digits of a commit that was applied; empty for the newest sync that
            succeeded with another commit.

    Raises:
        NoTargetError: there is none.
    """
    good = [each for each in records if each.intent.target and _ending(each) is Ending.SUCCEEDED]
    if not wanted:
        earlier = [each for each in good if each.intent.target != head]
        if not earlier:
            raise NoTargetError(
                "no earlier commit was applied, as far as records tell: there is nothing to go back to"
            )
        return earlier[-1]
    if named := next((each for each in records if each.name == wanted), None):
        return _fit(named, head)
    digits = wanted.lower()
    found = [each for each in good if len(digits) >= _LEAST_DIGITS and each.intent.target.startswith(digits)]
    commits = sorted({each.intent.target for each in found})
    if not commits:
        shown = text.printable(wanted, 100)
        raise NoTargetError(
            f"{shown} is neither a SyncRecord of it nor a commit that was applied: see towline log"
        )
    if len(commits) > 1:
        raise NoTargetError(f"{wanted} may be any of {', '.join(commits)}: write more digits")
    return _fit(found[-1], head)


def _fit(record: SyncRecord, head: str) -> SyncRecord:
    """Return a record that a user names, if it is one to go back to.

    Raises:
        NoTargetError: nothing was applied by it, or its commit is the head.
    """
    ending = _ending(record)
    if ending is not Ending.SUCCEEDED or not record.intent.target:
        told = ending or "open"
        raise NoTargetError(
            f"record {record.name} is {told}: name one that Succeeded, whose commit was applied"
        )
    if record.intent.target == head:
        raise NoTargetError(
            f"record {record.name} is of {head[:7]}, the newest commit: there is nothing to undo"
        )
    return record


def undone(records: Iterable[SyncRecord], target: SyncRecord) -> tuple[UndoneChange, ...]:
    """Return what going back would change, by what the records after the target tell.

    What drifted and was repaired is as it was; a change that was taken back since is none.
    """
    entries: dict[str, list[ChangeEntry]] = {}
    for entry in _written(records, target):
        entries.setdefault(entry.object, []).append(entry)
    found = (_undone(name, some) for name, some in sorted(entries.items()))
    return tuple(each for each in found if each)


def files(records: Iterable[SyncRecord], target: SyncRecord) -> tuple[str, ...]:
    """Return the files that declare what was changed since the target."""
    return tuple(sorted({each.file for each in _written(records, target) if each.file}))


def _written(records: Iterable[SyncRecord], target: SyncRecord) -> Iterator[ChangeEntry]:
    """Yield what syncs after the target wrote, the oldest first."""
    for record in records:
        is_later = record.intent.sequence > target.intent.sequence
        if is_later and record.intent.trigger is not Trigger.DRIFT and _ending(record) in _WROTE:
            yield from record.intent.changes


def _undone(name: str, entries: Sequence[ChangeEntry]) -> UndoneChange | None:
    first, last = entries[0].action, entries[-1].action
    was_there, is_there = first not in _ADDS, last not in _REMOVES
    if not was_there:
        return UndoneChange(object=name, action="delete") if is_there else None
    if not is_there:
        return UndoneChange(object=name, action="create")
    fields = tuple(_fields(entries))
    untold = any(not each.fields for each in entries)
    return UndoneChange(object=name, action="update", fields=fields) if fields or untold else None


def _fields(entries: Iterable[ChangeEntry]) -> Iterable[UndoneField]:
    found: dict[str, list[FieldChange]] = {}
    for entry in entries:
        for change in entry.fields:
            found.setdefault(change.path, []).append(change)
    for path, changes in sorted(found.items()):
        if changes[0].old != changes[-1].new:
            yield UndoneField(path=path, now=changes[-1].new, then=changes[0].old)


def _ending(record: SyncRecord) -> Ending | None:
    return record.closing.outcome if record.closing else None


def branch_of(status: Mapping[str, Any]) -> str:
    """Return the branch that a repository follows, by its status; empty where it follows something else."""
    ref = str(status.get("ref", ""))
    prefix = "refs/heads/"
    return ref.removeprefix(prefix) if ref.startswith(prefix) else ""
