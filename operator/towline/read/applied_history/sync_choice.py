"""Find the sync that a person means: by the name of one of its records, or by a commit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from towline.api.syncrecord import Ending
from towline.read.applied_history.recorded_sync import RecordedSync

_SHA = re.compile(r"[0-9a-f]{4,64}", re.IGNORECASE)


def by_record(recorded: Sequence[RecordedSync], name: str) -> RecordedSync | None:
    """Return the sync that has a record of this name, which may have the kind before it, as `-o name` prints it."""
    wanted = name.rpartition("/")[2]
    return next((sync for sync in recorded if any(record.name == wanted for record in sync.records)), None)


def by_commit(recorded: Sequence[RecordedSync], begin: str) -> tuple[RecordedSync, ...]:
    """Return the syncs of a commit, the one that tells most first; none where it has none.

    Syncs that lead to the commit come before those that brought it with others, and these before repairs that name it;
    among equals one that succeeded comes first, then the newest.

    Args:
        recorded: the oldest first.
        begin: the id of the commit, or the start of it.
    """
    if not _SHA.fullmatch(begin):
        return ()
    sha = begin.lower()
    ranked = [(rank, sync) for sync in reversed(recorded) if (rank := _rank(sync, sha)) is not None]
    return tuple(sync for _, sync in sorted(ranked, key=lambda found: found[0]))


def _rank(sync: RecordedSync, sha: str) -> tuple[int, bool] | None:
    failed = sync.outcome != Ending.SUCCEEDED
    if sync.intent.target.startswith(sha) and not sync.is_repair:
        return 0, failed
    if not sync.is_repair and any(each.sha.startswith(sha) for each in sync.intent.commits):
        return 1, failed
    if sync.intent.target.startswith(sha) or any(each.commit.startswith(sha) for each in sync.changes):
        return 2, failed
    return None
