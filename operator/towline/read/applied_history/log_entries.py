"""The entries of `towline log`: one for each sync, and where it is asked for, one for each commit that had none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from towline import text
from towline.api.signed import verification
from towline.api.syncrecord import ChangeEntry, Counts
from towline.model import Key, Revision, Trailer
from towline.read.applied_history.commit_accounts import CommitAccount
from towline.read.applied_history.recorded_sync import RecordedSync, SyncFailure

UNKNOWN = "unknown"
"""What people read where Git does not tell the pull request of a commit, or who merged it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One line of a log.

    `record` is that of the sync, or of the one that brought the commit or took its place; empty where there is none.
    `counts` are None where nothing ran. `verification` is the verdict on signatures, empty where none were asked for.
    `files` are those that the commit touched, where Git was asked. `commits` are all that the sync brought; `is_side`
    says that the commit came with a merge.
    """

    at: str
    repository: Key
    outcome: str
    commit: str = ""
    author: str = ""
    email: str = ""
    merged_by: str = ""
    pull_request: str = ""
    subject: str = ""
    record: str = ""
    trigger: str = ""
    verification: str = ""
    changes: tuple[ChangeEntry, ...] = ()
    counts: Counts | None = None
    failures: tuple[SyncFailure, ...] = ()
    commits: tuple[Revision, ...] = ()
    files: AbstractSet[str] = frozenset()
    is_side: bool = False

    @property
    def brings_no_commit(self) -> bool:
        """Whether the sync put right what others had changed."""
        return self.trigger == "Drift"

    @property
    def trailers(self) -> tuple[Trailer, ...]:
        """What the message of its commit says of others who had a part in it."""
        found = (each.trailers for each in self.commits if each.sha == self.commit)
        return next(found, ())

    @property
    def changed(self) -> tuple[tuple[str, str], ...]:
        """The objects that change, each with the action, once."""
        return tuple(dict.fromkeys((change.object, change.action) for change in self.changes))


def of_sync(sync: RecordedSync) -> LogEntry:
    """Return the entry of a sync."""
    head, author, intent = sync.head, sync.author, sync.intent
    return LogEntry(
        at=intent.started_at,
        repository=sync.repository,
        outcome=sync.outcome,
        commit=intent.target,
        author=(author.name or author.email) if author else "",
        email=author.email if author else "",
        merged_by=head.merged_by if head else "",
        pull_request=head.pull_request if head else "",
        subject=head.subject if head else "",
        record=sync.name,
        trigger=str(intent.trigger),
        verification=verification.verdict(intent.verification),
        changes=sync.changes,
        counts=sync.counts,
        failures=sync.failures,
        commits=intent.commits,
    )


def of_commit(account: CommitAccount, repository: Key, *, is_side: bool = False) -> LogEntry:
    """Return the entry of a commit that no sync was about."""
    revision = account.revision
    return LogEntry(
        at=revision.committed_at,
        repository=repository,
        outcome=str(account.outcome),
        commit=revision.sha,
        author=revision.author.name or revision.author.email,
        email=revision.author.email,
        merged_by=revision.merged_by,
        pull_request=revision.pull_request,
        subject=revision.subject,
        record=account.sync.name if account.sync else "",
        changes=account.changes,
        files=account.files,
        commits=(revision,),
        is_side=is_side,
    )


def of_syncs(recorded: Iterable[RecordedSync]) -> tuple[LogEntry, ...]:
    """Return the entries of syncs, of any number of repositories, the newest first."""
    return tuple(sorted(map(of_sync, recorded), key=_newest, reverse=True))


def of_branch(
    accounts: Sequence[CommitAccount], recorded: Sequence[RecordedSync], repository: Key
) -> tuple[LogEntry, ...]:
    """Return the entries of all commits of a branch, newest first, with those of all other syncs between them.

    A sync of a commit follows it; one that is about none of these commits goes by its time.

    Args:
        accounts: what became of each commit.
        recorded: all syncs.
        repository: whose they are.
    """
    line = _mainline([account.revision for account in accounts])
    told = {account.sync.name for account in accounts if account.sync and account.is_own}
    places = {account.revision.sha: index for index, account in enumerate(accounts)}
    others: dict[int, list[LogEntry]] = {}
    for sync in reversed(recorded):
        if sync.name not in told:
            others.setdefault(_place(sync, accounts, places), []).append(of_sync(sync))
    entries: list[LogEntry] = []
    for index, account in enumerate(accounts):
        entries += others.get(index, ())
        is_side = account.revision.sha not in line
        own = account.sync if account.is_own else None
        entries.append(of_sync(own) if own else of_commit(account, repository, is_side=is_side))
    return (*entries, *others.get(len(accounts), ()))


def _place(sync: RecordedSync, accounts: Sequence[CommitAccount], places: Mapping[str, int]) -> int:
    """Return the index of the commit that a sync is told before: its own, or the next if that tells a newer one."""
    at = sync.intent.started_at
    index = places.get(sync.intent.target)
    if index is None:
        older = (index for index, account in enumerate(accounts) if account.revision.committed_at <= at)
        return next(older, len(accounts))
    own = accounts[index].sync
    return index + 1 if own and sync.intent.sequence < own.intent.sequence else index


def body(entry: LogEntry) -> dict[str, Any]:
    """Return an entry as `-o json` shows it; None where Git, or the record, does not tell."""
    return {
        "at": entry.at,
        "repository": str(entry.repository),
        "outcome": entry.outcome,
        "commit": entry.commit or None,
        "author": entry.author or None,
        "mergedBy": entry.merged_by or None,
        "pullRequest": entry.pull_request or None,
        "subject": entry.subject or None,
        "trailers": [{"name": each.name, "value": each.value} for each in entry.trailers],
        "record": entry.record or None,
        "trigger": entry.trigger or None,
        "verification": entry.verification or None,
        "changed": [{"object": name, "action": action} for name, action in entry.changed],
        "failures": [
            {"object": each.object or None, "reason": each.reason, "message": each.message}
            for each in entry.failures
        ],
    }


def counted(entry: LogEntry) -> str:
    """Return what changed, in numbers: `2 created, 1 pruned, 1 failed`."""
    if entry.counts is None:
        return text.many(len(entry.changed), "object") if entry.changed else ""
    names = Counts.__dataclass_fields__
    found = {name: getattr(entry.counts, name) for name in names}
    return ", ".join(f"{count} {name}" for name, count in found.items() if count)


def _newest(entry: LogEntry) -> tuple[str, str]:
    return entry.at, entry.record


def _mainline(revisions: Sequence[Revision]) -> frozenset[str]:
    return frozenset(_first_parents(revisions))


def _first_parents(revisions: Sequence[Revision]) -> Iterator[str]:
    """Yield the commits of the branch itself; a parent comes after its child."""
    wanted = revisions[0].sha if revisions else ""
    for revision in revisions:
        if revision.sha == wanted:
            yield wanted
            wanted = next(iter(revision.parents), "")
