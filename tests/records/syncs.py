"""What the tests of records are about: small syncs of one repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from towline.api.syncrecord import (
    ChangeEntry,
    Ending,
    FieldChange,
    Flag,
    RecordedRepository,
    SyncRecord,
    Trigger,
)
from towline.errors import Failure
from towline.fields.mask import Mask
from towline.model import (
    Action,
    Change,
    Live,
    Manifest,
    ObjectRef,
    Origin,
    Outcome,
    Person,
    Result,
    Revision,
)
from towline.records import closing, newest, opening
from towline.records.closing import Ended
from towline.records.newest import NewestSync
from towline.records.opening import Place

MASK = Mask(b"k" * 32)
SHA = "1" * 40
UID = "0b6a0c3e-5f3b-4a52-9c8e-3f1d2b7a9e10"
STARTED = "2026-01-01T00:00:00Z"
FINISHED = "2026-01-01T00:00:09Z"
ADA = Person(name="Ada", email="ada@example.com")


def ref(name: str, kind: str = "ConfigMap") -> ObjectRef:
    return ObjectRef("", kind, "shop", name)


def revision(sha: str = SHA, subject: str = "Change things") -> Revision:
    return Revision(
        sha=sha, author=ADA, committer=ADA, authored_at=STARTED, committed_at=STARTED, subject=subject
    )


def live(name: str, digest: str = "old", kind: str = "ConfigMap") -> Live:
    return Live(
        ref=ref(name, kind),
        uid=f"uid of {name}",
        resource_version="1",
        generation=-1,
        label="shop.app",
        owner="",
        digest=digest,
        commit="2" * 40,
        source="old.yaml",
        manager="",
        fields=b"",
        entry_time="",
        terminating=False,
        prune_disabled=False,
    )


def change(name: str, action: Action = Action.CREATE, kind: str = "ConfigMap") -> Change:
    if action in {Action.PRUNE, Action.RELEASE}:
        return Change(action=action, ref=ref(name, kind), live=live(name, kind=kind))
    manifest = Manifest(
        ref=ref(name, kind),
        api_version="v1",
        content=b"{}",
        digest=f"new {name}",
        origin=Origin(file="app/all.yaml", line=7),
    )
    return Change(action=action, ref=ref(name, kind), manifest=manifest)


def entries(
    changes: Iterable[Change], fields: Mapping[ObjectRef, tuple[FieldChange, ...]] | None = None
) -> tuple[ChangeEntry, ...]:
    changes = tuple(changes)
    places = {change.ref: place(change) for change in changes}
    return opening.entries(changes, fields or {}, places, MASK)


def place(change: Change) -> Place:
    if change.manifest:
        return Place(SHA, change.manifest.origin.file, change.manifest.origin.line)
    return Place(change.live.commit, change.live.source, 0) if change.live else Place(SHA, "", 0)


def sync(**more: Any) -> opening.RecordDraft:
    fields: dict[str, Any] = {
        "namespace": "shop",
        "subject": RecordedRepository(
            namespace="shop", name="app", uid=UID, url="https://git.example/app", path="."
        ),
        "trigger": Trigger.COMMIT,
        "source": "",
        "target": SHA,
        "ref": "refs/heads/main",
        "author": ADA,
        "commits": (revision(),),
        "commits_total": 1,
        "flags": (),
        "operator": "towline/0 test",
        "started_at": STARTED,
    }
    return opening.RecordDraft(**(fields | more))


def done(*changes: Change) -> tuple[Outcome, ...]:
    return tuple(Outcome(change=each, result=Result.DONE) for each in changes)


def failed(each: Change, reason: str = "Invalid", message: str = "no") -> Outcome:
    failure = Failure(reason=reason, message=message, object=str(each.ref))
    return Outcome(change=each, result=Result.FAILED, failures=(failure,))


def ended(ending: Ending = Ending.SUCCEEDED, **more: Any) -> Ended:
    return Ended(ending=ending, finished_at=FINISHED, **more)


def completed(count: int = 1, after: NewestSync | None = None, **more: Any) -> tuple[SyncRecord, ...]:
    """Make the records of one sync that creates `count` objects, closed."""
    changes = [change(f"object-{number}") for number in range(count)]
    records = opening.opening(sync(**more), entries(changes), after)
    return closing.close(records, ended(outcomes=done(*changes)))


def history(*counts: int, **more: Any) -> tuple[SyncRecord, ...]:
    """Make the records of several syncs, one after the other."""
    records: list[SyncRecord] = []
    last: NewestSync | None = None
    for count in counts:
        made = completed(count, last, **more)
        records += made
        last = newest.of(made)
    return tuple(records)


def late(record_: SyncRecord) -> bool:
    return Flag.LATE in record_.intent.flags
