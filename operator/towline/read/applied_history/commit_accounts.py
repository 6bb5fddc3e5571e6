"""Say of each commit of a branch what became of it: applied, overtaken, without effect, failed, or still to come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum

from towline.api.syncrecord import ChangeEntry, Ending
from towline.model import Revision
from towline.read.applied_history.recorded_sync import RecordedSync


class Fate(StrEnum):
    """What became of a commit that no record is about; where one is, its outcome says it."""

    SUPERSEDED = "Superseded"
    """A newer commit was applied, or failed, in its place; what it changed was changed again, or waits."""
    NO_CHANGE = "NoChange"
    """It changed nothing that the repository declares."""
    PENDING = "Pending"
    """It is still to come."""
    UNKNOWN = "Unknown"
    """Retention has deleted the records of its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchCommits:
    """The commits of a branch, newest first, children before their parents.

    `files` are those that a commit changed below the path of the repository, as far as they are known.
    `applied` is the commit that the status calls applied, which may have changed nothing; empty where there is none.
    `ended` says, for people, where they end before the history does; empty where they are all.
    """

    revisions: tuple[Revision, ...]
    files: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    applied: str = ""
    ended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitAccount:
    """What became of one commit.

    `sync` is the one that brought it, or that took its place; None where there was none. `changes` are those that the
    commit made, and `files` those that it touched. `is_own` says that the sync is about this very commit.
    """

    revision: Revision
    outcome: str
    sync: RecordedSync | None = None
    changes: tuple[ChangeEntry, ...] = ()
    files: AbstractSet[str] = frozenset()
    is_own: bool = False


def account(branch: BranchCommits, recorded: Sequence[RecordedSync]) -> tuple[CommitAccount, ...]:
    """Return what became of each commit, in the order of the branch.

    Args:
        branch: the commits.
        recorded: all syncs of the repository that are known, the oldest first.
    """
    return tuple(_Accountant(branch, recorded).accounts())


class _Accountant:
    """Knows which sync brought which commit."""

    def __init__(self, branch: BranchCommits, recorded: Sequence[RecordedSync]) -> None:
        commits = [sync for sync in recorded if not sync.is_repair]
        self._branch = branch
        self._known = {revision.sha: revision for revision in branch.revisions}
        self._own = _own(commits)
        self._merged = self._brought_by_merges()
        forgotten = [each.intent.source for each in commits[:1] if each.intent.sequence > 1]
        self._forgotten = frozenset(self._reached(filter(None, forgotten), frozenset()))
        self._brought = self._carried(each for each in commits if each.has_applied)
        self._refused = self._carried(each for each in commits if not each.has_applied)
        self._seen = frozenset(self._reached([branch.applied], frozenset()))

    def accounts(self) -> Iterator[CommitAccount]:
        """Yield the account of each commit, the newest first."""
        touched: dict[str, set[str]] = {}
        for revision in self._branch.revisions:
            sync = self._brought.get(revision.sha)
            later = touched.setdefault(sync.name if sync else "", set())
            files = self._branch.files.get(revision.sha, frozenset())
            yield replace(self._account(revision, sync, later), files=files)
            later |= files

    def _account(
        self, revision: Revision, sync: RecordedSync | None, later: AbstractSet[str]
    ) -> CommitAccount:
        sha = revision.sha
        if own := self._own.get(sha):
            outcome, changes = own.outcome, own.changes
            return CommitAccount(revision=revision, outcome=outcome, sync=own, changes=changes, is_own=True)
        if sync:
            changes = self._made(revision, sync)
            outcome = sync.outcome if changes else self._quiet(sha, later)
            return CommitAccount(revision=revision, outcome=outcome, sync=sync, changes=changes)
        if sha in self._forgotten:
            return CommitAccount(revision=revision, outcome=Fate.UNKNOWN)
        if sha in self._seen:
            outcome = Fate.NO_CHANGE if sha == self._branch.applied else self._quiet(sha, later)
            return CommitAccount(revision=revision, outcome=outcome)
        if refused := self._refused.get(sha):
            outcome = refused.outcome if refused.outcome == Ending.PLANNED else Fate.SUPERSEDED
            return CommitAccount(revision=revision, outcome=outcome, sync=refused)
        return CommitAccount(revision=revision, outcome=Fate.PENDING)

    def _made(self, revision: Revision, sync: RecordedSync) -> tuple[ChangeEntry, ...]:
        """Return the changes of a sync that a commit made; a merge made those of the commits that it brings."""
        brought = (sha for sha in self._merged.get(revision.sha, ()) if self._brought.get(sha) is sync)
        return tuple(change for sha in (revision.sha, *brought) for change in sync.named.get(sha, ()))

    def _quiet(self, sha: str, later: AbstractSet[str]) -> Fate:
        """Judge a commit that no change names: was what it touched changed again, before it was applied?"""
        files = self._branch.files.get(sha)
        return Fate.NO_CHANGE if files is not None and not files & later else Fate.SUPERSEDED

    def _carried(self, recorded: Iterable[RecordedSync]) -> dict[str, RecordedSync]:
        """Return for each commit the first sync that led to it, or past it."""
        found: dict[str, RecordedSync] = {}
        done = set(self._forgotten)
        for sync in recorded:
            listed = (each.sha for each in sync.intent.commits if not each.taken_back)
            reached = [
                *self._reached([sync.intent.target], done),
                *(sha for sha in listed if sha not in done),
            ]
            done.update(reached)
            found |= dict.fromkeys(reached, sync)
        return found

    def _brought_by_merges(self) -> dict[str, list[str]]:
        """Return the commits that each merge on the branch itself brought to it."""
        line: dict[str, None] = {}
        here = self._branch.revisions[0].sha if self._branch.revisions else ""
        while here in self._known and here not in line:
            line[here] = None
            here = next(iter(self._known[here].parents), "")
        claimed = set(line)
        found: dict[str, list[str]] = {}
        for sha in reversed(line):
            found[sha] = self._reached(self._known[sha].parents[1:], claimed)
            claimed.update(found[sha])
        return found

    def _reached(self, tips: Iterable[str], without: AbstractSet[str]) -> list[str]:
        """Return the known commits that lead to some, without others and what leads to them only through those."""
        found: dict[str, None] = {}
        pending = list(tips)
        while pending:
            sha = pending.pop()
            if sha not in found and sha not in without and sha in self._known:
                found[sha] = None
                pending.extend(self._known[sha].parents)
        return list(found)


def _own(recorded: Iterable[RecordedSync]) -> dict[str, RecordedSync]:
    """Return for each commit the sync that tells best what became of it: one that succeeded, else the newest."""
    found: dict[str, RecordedSync] = {}
    for sync in recorded:
        told = found.get(sync.intent.target)
        if sync.intent.target and (told is None or told.outcome != Ending.SUCCEEDED):
            found[sync.intent.target] = sync
    return found
