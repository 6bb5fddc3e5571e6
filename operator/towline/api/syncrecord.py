"""The SyncRecord as frozen values: what one sync was about to do, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towline.api.checkpoint import Checkpoint
from towline.api.pins import Pin
from towline.api.signed.verification import Verification
from towline.api.value_sources import ValuesCommit
from towline.model import Person, Resource, Revision

API_VERSION = "towline.dev/v1alpha1"
KIND = "SyncRecord"
RESOURCE = Resource(group="towline.dev", version="v1alpha1", kind=KIND, plural="syncrecords", namespaced=True)


class Trigger(StrEnum):
    """What triggered a sync."""

    COMMIT = "Commit"
    DRIFT = "Drift"
    SPEC = "Spec"
    START = "Start"
    MANUAL = "Manual"
    DELETE = "Delete"


class Flag(StrEnum):
    """What a reader of a record must not overlook."""

    HISTORY_REWRITTEN = "HistoryRewritten"
    LATE = "Late"
    HANDED_OVER = "HandedOver"


class Ending(StrEnum):
    """How a sync ended: the `outcome` of its record."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    PARTIAL = "Partial"
    SUPERSEDED = "Superseded"
    INTERRUPTED = "Interrupted"
    PLANNED = "Planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRepository:
    """The GitRepository that a record is about, as it was when the sync began."""

    namespace: str
    name: str
    uid: str
    url: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One changed field: a JSON pointer, and the masked values, None where there is none.

    Where a repair undoes the write of another field manager, `by` is that field manager and `at` when it wrote (RFC
    3339).
    """

    path: str
    old: Any
    new: Any
    by: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEntry:
    """One planned change; `digest` is that of the content, keyed where the content is secret."""

    object: str
    action: str
    file: str = ""
    line: int = 0
    commit: str = ""
    digest: str = ""
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The place of a record among those of one sync, from 1 to `of`."""

    of: int = 1
    number: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The spec: what a sync was about to do; it never changes.

    `previous` is the digest of the record before, empty for the first. `source` and `target` are the shas
    `from` and `to`; `ref` is the full name of the ref that led to the target, empty where none did; `author` wrote what
    the target brings, None in records that do not say so. `commits` are newest first; `commits_total` also counts
    those that are not listed. `pins` are what names of remote parts were resolved to; `sources`
    are the commits of other repositories that values came from. `requested_by` is who asked for the sync, as their
    annotation claims, empty where nobody did. `checkpoint` is what an operator has signed of the records before,
    `verification` what became of the signatures of the target, None where none was asked for.
    """

    subject: RecordedRepository
    sequence: int
    previous: str
    part: Part
    trigger: Trigger
    source: str
    target: str
    commits: tuple[Revision, ...]
    commits_total: int
    changes: tuple[ChangeEntry, ...]
    flags: tuple[Flag, ...]
    operator: str
    started_at: str
    digest_version: int
    ref: str = ""
    author: Person | None = None
    pins: tuple[Pin, ...] = ()
    sources: tuple[ValuesCommit, ...] = ()
    requested_by: str = ""
    checkpoint: Checkpoint | None = None
    verification: Verification | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFailure:
    """One refusal; `change` is an index into the record's changes, -1 for errors of the revision itself."""

    change: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many objects had each outcome."""

    created: int = 0
    updated: int = 0
    adopted: int = 0
    repaired: int = 0
    pruned: int = 0
    released: int = 0
    deleting: int = 0
    failed: int = 0
    blocked: int = 0

    @property
    def changed(self) -> int:
        """The number in the CHANGED column, stored because a column cannot add."""
        return self.created + self.updated + self.adopted + self.repaired


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The status: how a sync ended, written once.

    `previous` is the digest of the part before this one, empty outside of parts: that digest did not exist
    when this part was opened. `digest` covers spec and status, itself excepted.
    """

    outcome: Ending
    finished_at: str
    counts: Counts
    failures: tuple[RecordFailure, ...] = ()
    previous: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRecord:
    """One record; `namespace` is where it is stored, `closing` is None while its sync runs."""

    namespace: str
    name: str
    intent: Intent
    closing: Closing | None = None
