"""Turn SyncRecords from values into the JSON of the API server and the data folder, and back."""

from __future__ import annotations

from typing import Any

from towline.api import checkpoint, pins, value_sources
from towline.api.signed import verification
from towline.api.syncrecord import (
    API_VERSION,
    KIND,
    ChangeEntry,
    Closing,
    Counts,
    Ending,
    FieldChange,
    Flag,
    Intent,
    Part,
    RecordedRepository,
    RecordFailure,
    SyncRecord,
    Trigger,
)
from towline.model import Body, Person, Revision, Trailer


def to_body(record: SyncRecord) -> dict[str, Any]:
    """Return the record as JSON for the API server, without empty fields."""
    body: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"namespace": record.namespace, "name": record.name},
        "spec": spec_body(record.intent),
    }
    if record.closing:
        body["status"] = status_body(record.closing)
    return body


def spec_body(intent: Intent) -> dict[str, Any]:
    """Return the `spec` of a record."""
    part, subject = intent.part, intent.subject
    return _present(
        repository=_present(
            namespace=subject.namespace,
            name=subject.name,
            uid=subject.uid,
            url=subject.url,
            path=subject.path,
        ),
        sequence=intent.sequence,
        previous=intent.previous,
        part={"of": part.of, "number": part.number} if part.of > 1 else None,
        trigger=str(intent.trigger),
        requestedBy={"user": intent.requested_by, "claimed": True} if intent.requested_by else None,
        **{"from": intent.source},
        to=intent.target,
        ref=intent.ref,
        author=_person_body(intent.author) if intent.author else None,
        pins=pins.body(intent.pins),
        sources=value_sources.body(intent.sources),
        checkpoint=checkpoint.body(intent.checkpoint) if intent.checkpoint else None,
        verification=verification.body(intent.verification) if intent.verification else None,
        commits=[commit_body(revision) for revision in intent.commits],
        commitsTotal=intent.commits_total,
        changes=[change_body(change) for change in intent.changes],
        flags=[str(flag) for flag in intent.flags],
        operator=intent.operator,
        startedAt=intent.started_at,
        digestVersion=intent.digest_version,
    )


def status_body(closing: Closing) -> dict[str, Any]:
    """Return the `status` of a record."""
    counts = closing.counts
    return _present(
        outcome=str(closing.outcome),
        finishedAt=closing.finished_at,
        counts={
            "changed": counts.changed,
            "created": counts.created,
            "updated": counts.updated,
            "adopted": counts.adopted,
            "repaired": counts.repaired,
            "pruned": counts.pruned,
            "released": counts.released,
            **({"deleting": counts.deleting} if counts.deleting else {}),  # records before it have none
            "failed": counts.failed,
            "blocked": counts.blocked,
        },
        failures=[_failure_body(failure) for failure in closing.failures],
        previous=closing.previous,
        digest=closing.digest,
    )


def change_body(change: ChangeEntry) -> dict[str, Any]:
    """Return one entry of `spec.changes`."""
    return _present(
        object=change.object,
        action=change.action,
        file=change.file,
        line=change.line,
        commit=change.commit,
        digest=change.digest,
        fields=[field_body(field) for field in change.fields],
    )


def field_body(field: FieldChange) -> dict[str, Any]:
    """Return one entry of a change's `fields`."""
    values = {"old": field.old, "new": field.new, "by": field.by or None, "at": field.at or None}
    return {"path": field.path} | {name: value for name, value in values.items() if value is not None}


def from_body(body: Body) -> SyncRecord:
    """Parse a record that the API server holds.

    Raises:
        KeyError: a field that the schema requires is absent.
        ValueError: a value is not one of those that the schema lists.
    """
    metadata, status = body["metadata"], body.get("status")
    return SyncRecord(
        namespace=metadata["namespace"],
        name=metadata["name"],
        intent=_intent(body["spec"]),
        closing=_closing(status) if status else None,
    )


def _intent(spec: Body) -> Intent:
    return Intent(
        subject=RecordedRepository(**spec["repository"]),
        sequence=spec["sequence"],
        previous=spec.get("previous", ""),
        part=Part(**spec.get("part", {})),
        trigger=Trigger(spec["trigger"]),
        requested_by=(spec.get("requestedBy") or {}).get("user", ""),
        source=spec.get("from", ""),
        target=spec.get("to", ""),
        ref=spec.get("ref", ""),
        author=Person(**spec["author"]) if "author" in spec else None,
        pins=pins.parse(spec),
        sources=value_sources.parse(spec),
        checkpoint=checkpoint.parse(spec["checkpoint"]) if "checkpoint" in spec else None,
        verification=verification.parse(spec),
        commits=tuple(_revision(commit) for commit in spec.get("commits", ())),
        commits_total=spec.get("commitsTotal", 0),
        changes=tuple(_change(change) for change in spec.get("changes", ())),
        flags=tuple(Flag(flag) for flag in spec.get("flags", ())),
        operator=spec["operator"],
        started_at=spec["startedAt"],
        digest_version=spec["digestVersion"],
    )


def _closing(status: Body) -> Closing:
    counts = {name: number for name, number in status["counts"].items() if name != "changed"}
    return Closing(
        outcome=Ending(status["outcome"]),
        finished_at=status["finishedAt"],
        counts=Counts(**counts),
        failures=tuple(
            RecordFailure(change=item.get("change", -1), reason=item["reason"], message=item["message"])
            for item in status.get("failures", ())
        ),
        previous=status.get("previous", ""),
        digest=status["digest"],
    )


def _change(change: Body) -> ChangeEntry:
    fields = tuple(
        FieldChange(
            path=field["path"],
            old=field.get("old"),
            new=field.get("new"),
            by=field.get("by", ""),
            at=field.get("at", ""),
        )
        for field in change.get("fields", ())
    )
    return ChangeEntry(**{**change, "fields": fields})


def _person_body(person: Person) -> dict[str, str]:
    return {"name": person.name, "email": person.email}


def commit_body(revision: Revision) -> dict[str, Any]:
    """Return one entry of `spec.commits`."""
    return _present(
        sha=revision.sha,
        short=revision.short,
        author=_person_body(revision.author),
        committer=_person_body(revision.committer),
        authoredAt=revision.authored_at,
        committedAt=revision.committed_at,
        subject=revision.subject,
        pullRequest=revision.pull_request,
        mergedBy=revision.merged_by,
        takenBack=revision.taken_back,
        trailers=[{"name": each.name, "value": each.value} for each in revision.trailers],
    )


def _revision(commit: Body) -> Revision:
    return Revision(
        sha=commit["sha"],
        author=Person(**commit["author"]),
        committer=Person(**commit["committer"]),
        authored_at=commit["authoredAt"],
        committed_at=commit["committedAt"],
        subject=commit.get("subject", ""),
        pull_request=commit.get("pullRequest", ""),
        merged_by=commit.get("mergedBy", ""),
        taken_back=commit.get("takenBack", False),
        trailers=tuple(Trailer(each["name"], each["value"]) for each in commit.get("trailers", ())),
    )


def _failure_body(failure: RecordFailure) -> dict[str, Any]:
    index = {"change": failure.change} if failure.change >= 0 else {}
    return index | {"reason": failure.reason, "message": failure.message}


def _present(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not empty; the schema has no defaults, so an absent one never changes its meaning."""
    return {name: value for name, value in fields.items() if value}
