"""Say what became of a request: values from the status, for people and for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from towline.api import condition
from towline.api.asked import asking
from towline.api.condition import Truth, Type
from towline.api.gitrepository import GitRepository
from towline.errors import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswer:
    """What became of a request.

    Attributes:
        repository: `namespace/name`.
        by: who asked, empty where the API server does not tell.
        handled: whether the operator has done what was asked.
        ready: the status of Ready.
        reason: its reason.
        message: its message, or what keeps the request from being handled.
        commit: the applied commit, empty where there is none.
        record: the newest SyncRecord, empty where there is none.
    """

    repository: str
    by: str
    handled: bool
    ready: str
    reason: str
    message: str
    commit: str
    record: str

    @property
    def is_good(self) -> bool:
        """Whether the request was handled, and the repository is ready after it."""
        return self.handled and self.ready == Truth.TRUE

    def as_json(self) -> dict[str, Any]:
        """Return it in the documented form."""
        return {
            "repository": self.repository,
            "by": self.by,
            "handled": self.handled,
            "ready": self.ready,
            "reason": self.reason,
            "message": self.message,
            "commit": self.commit,
            "record": self.record,
        }


def of(repository: GitRepository, by: str, *, handled: bool, kind: Type = Type.READY) -> RequestAnswer:
    """Return what a repository says of a request.

    Args:
        repository: as it is now.
        by: who asked.
        handled: whether what was asked for is done.
        kind: the condition whose message tells of it.
    """
    ready = condition.find(repository.status, Type.READY)
    return RequestAnswer(
        repository=str(repository.key),
        by=by,
        handled=handled,
        ready=str(ready.get("status", Truth.UNKNOWN)),
        reason=str(ready.get("reason", "")),
        message=str(condition.find(repository.status, kind).get("message", "")),
        commit=repository.applied,
        record=str(repository.status.get("lastRecord", "")),
    )


def has_looked(repository: GitRepository) -> bool:
    """Tell whether the operator has looked as `towline.dev/reconcile` asks, and the outcome is known.

    A sync that runs, and objects that are on their way, have none yet.
    """
    ready = condition.find(repository.status, Type.READY)
    is_handled = asking.is_handled(repository.annotations, repository.status)
    return is_handled and ready.get("reason") != Reason.PROGRESSING


def unfinished(repository: GitRepository) -> str:
    """Say what a request still waits for, whose time is over: the operator, or the objects that it has written."""
    told = str(condition.find(repository.status, Type.READY).get("message", "")) or "nothing"
    if asking.is_handled(repository.annotations, repository.status):
        return f"the operator has looked, and what it applies is not ready in time. Ready says: {told}"
    return f"the operator has not finished in time; does it run? Ready says: {told}"


def obstacle(repository: GitRepository) -> str:
    """Say why the operator does not look at a repository now, and what to do; empty where nothing is in the way."""
    key = repository.key
    if repository.deleting:
        return f"GitRepository {key} is being deleted, so nothing of it is applied any more"
    if repository.is_suspended:
        told = condition.find(repository.status, Type.SUSPENDED)
        since = str(told.get("message", "")) if told.get("status") == Truth.TRUE else ""
        resume = f"end that with: towline resume {key.name} -n {key.namespace}"
        return f"GitRepository {key} is suspended; {resume}" + (f". {since}" if since else "")
    return ""
