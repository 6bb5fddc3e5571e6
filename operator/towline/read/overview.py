"""Say in one row how a repository is: what its status says, and the sentence that a person must read first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from towline.api import condition
from towline.api.condition import Truth, Type
from towline.api.gitrepository import GitRepository
from towline.model import Body

_UNSEEN = "The operator has not looked at it yet: is it running, and does it serve this namespace?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One repository, as its status says; texts are empty where the status does not say.

    `ready`, `healthy`, `drifted` and `suspended` are the statuses of these conditions. `sentence` is what matters most.
    """

    namespace: str
    name: str
    url: str
    ready: str
    reason: str
    sentence: str
    healthy: str
    drifted: str
    suspended: str
    commit: Body
    applied: Body
    objects: Body
    created_at: str

    @property
    def is_ready(self) -> bool:
        """Whether Ready is True, for the spec as it is."""
        return self.ready == Truth.TRUE

    @property
    def short(self) -> str:
        """The applied commit, as people write it."""
        return str(self.applied.get("short") or str(self.commit.get("applied", ""))[:7])

    def as_json(self) -> dict[str, Any]:
        """Return it in the documented form."""
        applied = {name: value for name, value in self.applied.items() if name != "short"}
        return {
            "namespace": self.namespace,
            "name": self.name,
            "url": self.url,
            "ready": self.ready,
            "reason": self.reason,
            "sentence": self.sentence,
            "healthy": self.healthy,
            "drifted": self.drifted,
            "suspended": self.suspended,
            "commit": dict(self.commit),
            "applied": applied,
            "objects": dict(self.objects),
            "createdAt": self.created_at,
        }


def of(repository: GitRepository) -> Overview:
    """Return the row of a repository."""
    status = repository.status
    found = {kind: condition.find(status, kind) for kind in Type}
    is_seen = bool(found[Type.READY])
    is_dated = is_seen and status.get("observedGeneration") != repository.generation
    return Overview(
        namespace=repository.key.namespace,
        name=repository.key.name,
        url=str(repository.raw_spec.get("url", "")),
        ready=Truth.UNKNOWN if is_dated else str(found[Type.READY].get("status", Truth.UNKNOWN)),
        reason=str(found[Type.READY].get("reason", "")),
        sentence=_sentence(repository, found, is_dated=is_dated),
        healthy=str(found[Type.HEALTHY].get("status", Truth.UNKNOWN)),
        drifted=str(found[Type.DRIFTED].get("status", Truth.UNKNOWN)),
        suspended=str(found[Type.SUSPENDED].get("status", Truth.UNKNOWN)),
        commit=_map(status.get("commit")),
        applied=_map(status.get("applied")),
        objects=_map(status.get("objects")),
        created_at=repository.created_at,
    )


def _sentence(repository: GitRepository, found: dict[Type, Body], *, is_dated: bool) -> str:
    """Return what a person must read first.

    A deletion comes first, then a suspension, because nothing else changes before its end; then what keeps the
    repository from being ready; then drift, which does not.
    """
    ready = str(found[Type.READY].get("message", ""))
    if repository.deleting:
        waits = f"; it waits for {', '.join(repository.finalizers)}" if repository.finalizers else ""
        return f"Is being deleted since {repository.deleted_at}{waits}" + (f". {ready}" if ready else "")
    if not found[Type.READY]:
        return _UNSEEN
    if found[Type.SUSPENDED].get("status") == Truth.TRUE:
        return str(found[Type.SUSPENDED].get("message", ""))
    if is_dated:
        return f"The operator has not looked at the newest spec yet. Before: {ready}"
    if found[Type.READY].get("status") == Truth.TRUE and found[Type.DRIFTED].get("status") == Truth.TRUE:
        return str(found[Type.DRIFTED].get("message", ""))
    return ready


def _map(value: Any) -> Body:
    return value if isinstance(value, dict) else {}
