"""One object of a repository, with what its metadata and the status of its repository say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from towline.api import labels
from towline.api.gitrepository import GitRepository
from towline.errors import Refusal
from towline.model import CURRENT, Body, Health, ObjectRef, State
from towline.plan import waves
from towline.status import drift_fields


class ObjectState(StrEnum):
    """What Towline says of an object; what an object has made itself has none (empty)."""

    APPLIED = "Applied"
    DRIFTED = "Drifted"
    """It differs from what Git declares."""
    FAILED = "Failed"
    """The newest commit could not be applied to it."""
    MISSING = "Missing"
    """It was refused, and does not exist."""
    WAITING = "Waiting"
    """It has left Git, and its deletion waits for a confirmation."""
    NOT_OWNED = "NotOwned"
    """It is not the repository's: a copy with its label, or an object that exists and may not be taken over."""
    MADE = ""


_EXISTING = frozenset(
    {Refusal.NOT_OURS, Refusal.CONFLICT, Refusal.OWNED_BY_ANOTHER, Refusal.MANAGED_BY_ANOTHER_TOOL}
)
"""The reasons that are given of objects which exist."""


READY = "Ready"
"""What people read for the health Current."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeObject:
    """One object, and what it has made.

    `line` is 0 and `author` empty where they are not known. `is_idle` is set for what is kept for a return alone, such
    as the ReplicaSets of earlier roll-outs. `wave` is None for what Towline does not write.
    """

    ref: ObjectRef
    state: ObjectState
    health: Health = CURRENT
    uid: str = ""
    message: str = ""
    commit: str = ""
    author: str = ""
    file: str = ""
    line: int = 0
    created_at: str = ""
    wave: int | None = None
    is_idle: bool = False
    children: tuple[TreeObject, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether it is as Git declares it, and ready, and so is all that it has made."""
        fine = self.state in {ObjectState.APPLIED, ObjectState.MADE} and self.health.state is State.CURRENT
        return fine and all(child.is_well for child in self.children)

    def as_json(self) -> dict[str, Any]:
        """Return it in the documented form."""
        return {
            "object": str(self.ref),
            "state": str(self.state),
            "health": health_word(self.health),
            "message": self.message,
            "commit": self.commit,
            "author": self.author,
            "file": self.file,
            "line": self.line,
            "createdAt": self.created_at,
            "wave": self.wave,
            "children": [child.as_json() for child in self.children],
        }


def health_word(health: Health) -> str:
    """Return how an object is, in one word."""
    return READY if health.state is State.CURRENT else str(health.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEntries:
    """What a status lists of single objects, by their names."""

    failures: Mapping[str, Body]
    drift: Mapping[str, Body]
    prunes: Mapping[str, Body]

    @classmethod
    def of(cls, status: Body) -> StatusEntries:
        """Read a status; fields that others added are not drift."""
        drifted = [each for each in status.get("drift") or () if each.get("reason") != Refusal.FOREIGN_FIELDS]
        return cls(
            failures=_by_object(status.get("failures") or ()),
            drift=_by_object(drifted),
            prunes=_by_object((status.get("blocked") or {}).get("prunes") or ()),
        )


def owned(
    body: Body, ref: ObjectRef, health: Health, repository: GitRepository, said: StatusEntries
) -> TreeObject:
    """Return an object that has the label of a repository."""
    metadata: Body = body["metadata"]
    notes: Mapping[str, str] = metadata.get("annotations") or {}
    found = TreeObject(
        ref=ref,
        uid=metadata["uid"],
        state=ObjectState.APPLIED,
        health=health,
        message=health.message,
        commit=notes.get(labels.COMMIT, ""),
        file=notes.get(labels.SOURCE, ""),
        created_at=metadata.get("creationTimestamp", ""),
        wave=_wave(ref, notes.get(labels.WAVE, "")),
    )
    uid, _ = labels.parse_owner(notes.get(labels.OWNER, ""), ref)
    if uid != repository.uid:
        return replace(found, state=ObjectState.NOT_OWNED)
    return _marked(found, said)


def made(body: Body, ref: ObjectRef, health: Health) -> TreeObject:
    """Return an object that another one owns."""
    metadata: Body = body["metadata"]
    replicas = (body.get("spec") or {}).get("replicas")
    return TreeObject(
        ref=ref,
        uid=metadata["uid"],
        state=ObjectState.MADE,
        health=health,
        message=health.message,
        created_at=metadata.get("creationTimestamp", ""),
        is_idle=ref.kind == "ReplicaSet" and replicas == 0,
    )


def missing(failure: Body) -> TreeObject:
    """Return an object that a failure names, and that is not among those of the repository."""
    ref = ObjectRef.parse(failure["object"])
    state = ObjectState.NOT_OWNED if failure.get("reason") in _EXISTING else ObjectState.MISSING
    return _failed(TreeObject(ref=ref, state=state, wave=_wave(ref, "")), failure)


def _marked(found: TreeObject, said: StatusEntries) -> TreeObject:
    name = str(found.ref)
    if failure := said.failures.get(name):
        return _failed(replace(found, state=ObjectState.FAILED), failure)
    if prune := said.prunes.get(name):
        message = f"its deletion waits for a confirmation: {prune.get('message') or prune.get('reason', '')}"
        return replace(found, state=ObjectState.WAITING, message=message)
    if drift := said.drift.get(name):
        line = drift.get("line", 0) if drift.get("file") == found.file else 0
        return replace(found, state=ObjectState.DRIFTED, message=drift_fields.told(drift), line=line)
    return found


def _failed(found: TreeObject, failure: Body) -> TreeObject:
    return replace(
        found,
        message=f"{failure.get('reason', '')}: {failure.get('message', '')}",
        file=failure.get("file") or found.file,
        line=failure.get("line", 0),
        commit=failure.get("commit") or found.commit,
    )


def _by_object(entries: Any) -> Mapping[str, Body]:
    found: dict[str, Body] = {}
    for entry in entries:
        if entry.get("object"):
            found.setdefault(entry["object"], entry)
    return found


def _wave(ref: ObjectRef, annotation: str) -> int:
    try:
        return waves.ref_wave(ref.group_kind, annotation or 0)
    except ValueError:
        return waves.ref_wave(ref.group_kind)
