"""Judge whether a commit has arrived in the cluster, and whether waiting for it can still help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from towline.api import condition
from towline.api.condition import Truth, Type
from towline.api.gitrepository import GitRepository, Mode
from towline.api.syncrecord import Ending, Flag, SyncRecord
from towline.errors import Reason, Refusal
from towline.model import Body
from towline.read import overview
from towline.read.git.commit_kin import Kin
from towline.read.requests import answers, unadopted
from towline.status import reasons
from towline.status.reasons import Party

_OF_PERSONS = frozenset(
    {
        Refusal.NOT_OURS,
        Refusal.MANAGED_BY_ANOTHER_TOOL,
        Refusal.OWNED_BY_ANOTHER,
        Refusal.SELF_MANAGEMENT_REFUSED,
        Refusal.DUPLICATE_OBJECT,
    }
)
"""Refusals that only a person ends: by a decision whose an object is, or by another commit."""


class Goal(StrEnum):
    """What is waited for."""

    APPLIED = "applied"
    HEALTHY = "healthy"


class Outlook(StrEnum):
    """Whether to wait on."""

    REACHED = "reached"
    OPEN = "open"
    HOPELESS = "hopeless"
    """No waiting helps: a commit, the spec or a person must change something first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitResult:
    """Where a commit is, with the sentence that a person must read."""

    outlook: Outlook
    sentence: str


def tip(repository: GitRepository, goal: Goal) -> str:
    """Return the commit that has reached the goal, empty where none has."""
    return str((repository.status.get("commit") or {}).get(goal, ""))


def judge(
    repository: GitRepository,
    sha: str,
    goal: Goal,
    *,
    reached: Kin = Kin.UNKNOWN,
    tried: Kin = Kin.UNKNOWN,
) -> WaitResult:
    """Return where a commit is.

    Args:
        repository: as it is now.
        sha: the commit, or the digits that it begins with.
        goal: what is waited for.
        reached: how it is related to the commit that has reached the goal.
        tried: how it is related to the newest commit that the operator has tried.
    """
    there = tip(repository, goal)
    if there.startswith(sha):
        return WaitResult(outlook=Outlook.REACHED, sentence=f"{there[:7]} is {goal}")
    if reached is Kin.PART:
        return WaitResult(outlook=Outlook.REACHED, sentence=f"{sha[:7]} is {goal}, as a part of {there[:7]}")
    newest = newest_tried(repository)
    is_same, is_part = newest.startswith(sha), tried is Kin.PART
    before = ""
    if is_part and not is_same and goal is Goal.APPLIED:
        before = f"{sha[:7]} was superseded by {newest[:7]} before it was applied. "
    attempted = str((repository.status.get("commit") or {}).get("attempted", ""))
    is_about_it = is_same or is_part or attempted.startswith(sha)
    if why := _blocked(repository, is_about_it=is_about_it):
        return WaitResult(outlook=Outlook.HOPELESS, sentence=f"{before}{why}")
    doubt = "" if is_same else _doubt(newest, sha, tried)
    return WaitResult(outlook=Outlook.OPEN, sentence=f"{before}{overview.of(repository).sentence}{doubt}")


def newest_tried(repository: GitRepository) -> str:
    """Return the newest commit that the operator has fetched or tried to apply, empty where none was."""
    commit = repository.status.get("commit") or {}
    return str(commit.get("observed") or commit.get("attempted") or "")


def _doubt(newest: str, sha: str, kin: Kin) -> str:
    """Say what is not known of a commit, or not as its author may think; empty where it is on its way."""
    if newest and kin is Kin.APART:
        return (
            f" ({newest[:7]} lacks {sha[:7]}, and is not a part of it: is that merged into what is followed?)"
        )
    if newest and kin is Kin.UNKNOWN:
        return (
            f" (whether {newest[:7]} contains {sha[:7]} is not known: run this in a clone of the repository that has"
            " both)"
        )
    return ""


def contains(records: Iterable[SyncRecord], sha: str, reached: str, *, is_newest: bool = False) -> bool:
    """Tell by records whether a commit came to the cluster with the one that has reached the goal, or before it.

    A history that was rewritten since may have lost it. A commit that changes nothing leaves no record: where no record
    leads to the reached one, and the newest one succeeded, it goes on from that.

    Args:
        records: the newest first.
        sha: the commit, or the digits that it begins with.
        reached: the commit that has reached the goal.
        is_newest: whether nothing was applied after that.
    """
    known = tuple(records)
    is_recorded = any(each.intent.target == reached for each in known)
    is_past = is_newest and not is_recorded and bool(known) and _has_succeeded(known[0])
    for record in known:
        intent = record.intent
        is_past = is_past or (intent.target == reached and _has_succeeded(record))
        if is_past and any(each.sha.startswith(sha) and not each.taken_back for each in intent.commits):
            return True
        if Flag.HISTORY_REWRITTEN in intent.flags:
            return False
        if is_past and intent.source.startswith(sha):
            return True
    return False


def is_tried(records: Iterable[SyncRecord], sha: str, tried: str, applied: str) -> bool:
    """Tell by records whether a sync of another commit was to bring a commit, which was not applied before.

    A record may list commits that changed nothing and were applied in silence: those up to the applied one.
    """
    lists = (
        [each for each in record.intent.commits if not each.taken_back]
        for record in records
        if record.intent.target == tried
    )
    return any(
        any(each.sha.startswith(sha) for each in listed) and all(each.sha != applied for each in listed)
        for listed in lists
    )


def _has_succeeded(record: SyncRecord) -> bool:
    return record.closing is not None and record.closing.outcome is Ending.SUCCEEDED


def _blocked(repository: GitRepository, *, is_about_it: bool) -> str:
    """Return why no waiting helps; empty where it may.

    Args:
        repository: as it is now.
        is_about_it: whether the status tells of the awaited commit, or of one that contains it.
    """
    status = repository.status
    if repository.deleting:
        return overview.of(repository).sentence
    if condition.find(status, Type.SUSPENDED).get("status") == Truth.TRUE:
        return str(condition.find(status, Type.SUSPENDED).get("message", ""))
    if repository.is_suspended:
        return answers.obstacle(repository)
    if repository.raw_spec.get("mode") == Mode.OBSERVE:
        return "Under mode: Observe nothing is applied: towline diff shows what would be done"
    ready = condition.find(status, Type.READY)
    if status.get("observedGeneration") != repository.generation or ready.get("status") != Truth.FALSE:
        return ""
    return str(ready.get("message", "")) if _is_lasting(repository, is_about_it=is_about_it) else ""


def _is_lasting(repository: GitRepository, *, is_about_it: bool) -> bool:
    """Tell whether only a commit, the spec, or a person can end a failure."""
    reason = condition.find(repository.status, Type.READY).get("reason")
    row = reasons.TABLE[Reason(reason)] if reason in tuple(Reason) else None
    if row is None or not row.parties:
        return False
    if reason == Reason.APPLY_FAILED:
        return is_about_it and _is_refused_for_good(repository)
    if Party.TIME in row.parties:
        return False
    return Party.SPEC in row.parties or is_about_it


def _is_refused_for_good(repository: GitRepository) -> bool:
    """Tell whether a refusal needs a person, or all of them need another commit.

    One that needs another commit may follow from one that time ends, such as a field of a CRD that is denied.
    """
    failures = repository.status.get("failures") or ()
    if any(_needs_a_person(each, repository) for each in failures):
        return True
    is_whole = repository.status.get("failuresTotal", 0) <= len(failures)
    return is_whole and all(each.get("reason") in reasons.LASTING for each in failures)


def _needs_a_person(failure: Body, repository: GitRepository) -> bool:
    if failure.get("reason") == Refusal.CONFLICT:
        return unadopted.is_held_by_another(failure, unadopted.present(repository))
    return failure.get("reason") in _OF_PERSONS
