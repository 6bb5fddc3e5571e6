"""Open the records of one sync, before its first write: what is about to happen, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from towline import text
from towline.api import checkpoint, pins, recordbody, value_sources
from towline.api.checkpoint import Checkpoint
from towline.api.pins import Pin
from towline.api.signed import verification
from towline.api.signed.verification import Verification
from towline.api.syncrecord import (
    ChangeEntry,
    FieldChange,
    Flag,
    Intent,
    Part,
    RecordedRepository,
    SyncRecord,
    Trigger,
)
from towline.api.value_sources import ValuesCommit
from towline.fields.mask import Mask
from towline.model import Change, ObjectRef, Person, Revision
from towline.records import chain, sizes
from towline.records.newest import NewestSync

PART_BYTES = 384 * 1024
PART_CHANGES = 1000
ENTRY_BYTES = 64 * 1024
ENTRY_FIELDS = 100
"""Limits of one record and one entry; with the outcome a record stays below 512 KiB."""

COMMITS = 250
TRAILERS = 16 * 1024
REF_BYTES = 1024
USER_BYTES = 256


class Place(NamedTuple):
    """A commit, and a file and line (1-based, 0 where it is not known) in it."""

    commit: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDraft:
    """What is known of a sync before it starts.

    `namespace` is that of its records. `source` and `target` are the shas that it leads from and to, empty
    where there is none; `ref` is the full name of the ref that led to the target; `author` wrote what the target
    brings; `pins` are what its remote parts were resolved to, `sources` the commits that values came from. `commits`
    are newest first; `commits_total` counts them all. `started_at` is RFC 3339 in UTC. `requested_by` is who asked for
    the sync, as their annotation claims; `checkpoint` is what is signed of the records before; `verification` is what
    became of the signatures of the target.
    """

    namespace: str
    subject: RecordedRepository
    trigger: Trigger
    source: str
    target: str
    commits: tuple[Revision, ...]
    commits_total: int
    flags: tuple[Flag, ...]
    operator: str
    started_at: str
    ref: str = ""
    author: Person | None = None
    pins: tuple[Pin, ...] = ()
    sources: tuple[ValuesCommit, ...] = ()
    requested_by: str = ""
    checkpoint: Checkpoint | None = None
    verification: Verification | None = None


def name(subject: RecordedRepository, sequence: int) -> str:
    """Return the name of a record; a repository name that leaves no room for the rest is cut and hashed."""
    end = f"-{subject.uid[:8]}-{sequence:08d}"
    if len(subject.name) + len(end) <= 253:
        return subject.name + end
    hashed = hashlib.sha256(subject.name.encode()).hexdigest()[:16]
    return f"{subject.name[:200].rstrip('.-')}-{hashed}{end}"


def entries(
    changes: Iterable[Change],
    fields: Mapping[ObjectRef, tuple[FieldChange, ...]],
    places: Mapping[ObjectRef, Place],
    mask: Mask,
) -> tuple[ChangeEntry, ...]:
    """Return the entries for planned changes.

    A change of very many fields takes several entries in a row. An object that is removed has the commit and
    file that declared it last.

    Args:
        changes: the writes of a plan.
        fields: the changed fields of each object that exists (`fields.diff`).
        places: the commit that made each object what it becomes, with file and line there.
        mask: makes the digests of Secrets unguessable.
    """
    return tuple(
        entry
        for change in changes
        for entry in _split(_entry(change, places[change.ref], mask), fields.get(change.ref, ()))
    )


def _entry(change: Change, place: Place, mask: Mask) -> ChangeEntry:
    """Describe one change; annotations of a live object may be longer than a record takes."""
    said = change.manifest or change.live
    digest = said.digest if said else ""
    return ChangeEntry(
        object=str(change.ref),
        action=str(change.action),
        file=sizes.fit(place.file, 4096),
        line=place.line,
        commit=sizes.fit(place.commit, 64),
        digest=sizes.fit(mask.digest(digest, change.ref), 128),
    )


def _split(entry: ChangeEntry, fields: Sequence[FieldChange]) -> Iterator[ChangeEntry]:
    if not fields:
        yield entry
        return
    fitted = (replace(field, path=sizes.fit(field.path, 4096)) for field in fields)
    for pack in sizes.packs(fitted, _field_size, ENTRY_BYTES, ENTRY_FIELDS):
        yield replace(entry, fields=tuple(pack))


def _field_size(field: FieldChange) -> int:
    return sizes.size(recordbody.field_body(field))


def _change_size(change: ChangeEntry) -> int:
    return sizes.size(recordbody.change_body(change))


def opening(
    sync: RecordDraft, changes: Sequence[ChangeEntry], tip: NewestSync | None
) -> tuple[SyncRecord, ...]:
    """Return the records to open before the first write: one, or several where the changes need more.

    Args:
        sync: why, and from where to where.
        changes: what is about to be written (`entries`); none where a revision failed without a plan.
        tip: the newest sync of this repository, if any; it must be closed.
    """
    if tip and not tip.digest:
        raise ValueError(f"{tip.name} is still open")
    commits = sizes.with_few_trailers(map(sizes.commit, sync.commits[:COMMITS]), TRAILERS)
    told = sum(sizes.size(recordbody.commit_body(commit)) for commit in commits)
    signed = (checkpoint.body(sync.checkpoint),) if sync.checkpoint else ()
    if sync.verification:
        signed = (*signed, verification.body(sync.verification))
    parts = (*pins.body(sync.pins), *value_sources.body(sync.sources), *signed)
    room = PART_BYTES - told - sum(map(sizes.size, parts))
    packs = sizes.packs(changes, _change_size, PART_BYTES, PART_CHANGES, first=room)
    drafts = []
    for index, pack in enumerate(packs):
        intent = Intent(
            subject=sync.subject,
            sequence=(tip.sequence if tip else 0) + index + 1,
            previous=tip.digest if tip else "",
            part=Part(of=len(packs), number=index + 1),
            trigger=sync.trigger,
            source=sync.source,
            target=sync.target,
            commits=commits if index == 0 else commits[:1],
            commits_total=sync.commits_total,
            changes=tuple(pack),
            flags=sync.flags,
            operator=sync.operator,
            started_at=sync.started_at,
            digest_version=chain.VERSION,
            ref=text.printable(sync.ref, REF_BYTES),
            author=sizes.person(sync.author) if sync.author else None,
            pins=sync.pins,
            sources=sync.sources,
            requested_by=text.printable(sync.requested_by, USER_BYTES),
            checkpoint=sync.checkpoint if index == 0 else None,
            verification=sync.verification if index == 0 else None,
        )
        drafts.append(
            SyncRecord(namespace=sync.namespace, name=name(sync.subject, intent.sequence), intent=intent)
        )
    return _chained(drafts)


def late(records: Sequence[SyncRecord]) -> tuple[SyncRecord, ...]:
    """Return records, which the cluster refuses for now, with the flag Late."""
    flags = {record.name: (*record.intent.flags, Flag.LATE) for record in records}
    return _chained(
        [replace(record, intent=replace(record.intent, flags=flags[record.name])) for record in records]
    )


def _chained(drafts: Iterable[SyncRecord]) -> tuple[SyncRecord, ...]:
    """Chain each part to the one before it; the first keeps its predecessor."""
    chained: list[SyncRecord] = []
    for draft in drafts:
        before = chain.opened(recordbody.to_body(chained[-1])) if chained else draft.intent.previous
        chained.append(replace(draft, intent=replace(draft.intent, previous=before)))
    return tuple(chained)
