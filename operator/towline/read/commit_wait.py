"""Judge whether a commit has arrived in the cluster, and whether waiting for it can still help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from towline.api import condition
from towline.api.condition import Truth, Type
from towline.api.gitrepository import GitRepository, Mode
from towline.api.syncrecord import Ending, Flag, SyncRecord
from towline.errors import Reason
from towline.read import overview
from towline.status import reasons
from towline.status.reasons import Party


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


def judge(repository: GitRepository, sha: str, goal: Goal, *, contained: bool) -> WaitResult:
    """Return where a commit is.

    Args:
        repository: as it is now.
        sha: the commit, or the digits that it begins with.
        goal: what is waited for.
        contained: whether a newer commit, which contains it, has reached the goal.
    """
    reached = tip(repository, goal)
    if reached.startswith(sha):
        return WaitResult(outlook=Outlook.REACHED, sentence=f"{reached[:7]} is {goal}")
    if contained:
        sentence = f"{sha[:7]} is {goal}, as a part of {reached[:7]}"
        return WaitResult(outlook=Outlook.REACHED, sentence=sentence)
    shown = overview.of(repository).sentence
    if why := _blocked(repository, sha):
        return WaitResult(outlook=Outlook.HOPELESS, sentence=why)
    return WaitResult(outlook=Outlook.OPEN, sentence=shown)


def contains(records: Iterable[SyncRecord], sha: str, reached: str) -> bool:
    """Tell by records, the newest first, whether a commit came to the cluster with the one that has reached the goal.

    A history that was rewritten since may have lost it.
    """
    is_past = False
    for record in records:
        closing, intent = record.closing, record.intent
        if intent.target == reached and closing and closing.outcome is Ending.SUCCEEDED:
            is_past = True
        if is_past and any(each.sha.startswith(sha) and not each.taken_back for each in intent.commits):
            return True
        if Flag.HISTORY_REWRITTEN in intent.flags:
            return False
    return False


def _blocked(repository: GitRepository, sha: str) -> str:
    """Return why no waiting helps; empty where it may."""
    status = repository.status
    if repository.deleting:
        return overview.of(repository).sentence
    if condition.find(status, Type.SUSPENDED).get("status") == Truth.TRUE:
        return str(condition.find(status, Type.SUSPENDED).get("message", ""))
    if repository.raw_spec.get("mode") == Mode.OBSERVE:
        return "Under mode: Observe nothing is applied: towline diff shows what would be done"
    ready = condition.find(status, Type.READY)
    if status.get("observedGeneration") != repository.generation or ready.get("status") != Truth.FALSE:
        return ""
    is_about_it = str((status.get("commit") or {}).get("attempted", "")).startswith(sha)
    return str(ready.get("message", "")) if _is_lasting(repository, is_about_it=is_about_it) else ""


def _is_lasting(repository: GitRepository, *, is_about_it: bool) -> bool:
    """Tell whether only a commit, the spec, or a person can end a failure; `is_about_it`: the awaited commit failed."""
    reason = condition.find(repository.status, Type.READY).get("reason")
    row = reasons.TABLE[Reason(reason)] if reason in tuple(Reason) else None
    if row is None or not row.parties:
        return False
    if reason == Reason.APPLY_FAILED:
        failures = repository.status.get("failures") or ()
        is_whole = repository.status.get("failuresTotal", 0) <= len(failures)
        return is_about_it and is_whole and all(each.get("reason") in reasons.LASTING for each in failures)
    if Party.TIME in row.parties:
        return False
    return Party.SPEC in row.parties or is_about_it
