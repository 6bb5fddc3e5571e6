from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from towline.api import gitrepository, labels
from towline.api.syncrecord import (
    ChangeEntry,
    Closing,
    Counts,
    Ending,
    FieldChange,
    Intent,
    Part,
    RecordedRepository,
    SyncRecord,
    Trigger,
)
from towline.drift.deviations import Deviation
from towline.errors import Failure, Reason, Refusal
from towline.model import CURRENT, Health, Key, ObjectRef, Person, Revision, State
from towline.read.explanation import cause, object_explanation
from towline.read.explanation.health_causes import UnreadyObject
from towline.read.explanation.known_syncs import KnownSyncs
from towline.read.explanation.object_explanation import Owner
from towline.status import compute
from towline.status.compute import PassResult

OLD, NEW = "a" * 40, "b" * 40
WEB = ObjectRef("apps", "Deployment", "shop", "web")
KEY = Key("team", "shop")
WHO = Person(name="Bob", email="bob@example.com")
REVISION = Revision(
    sha=NEW,
    author=WHO,
    committer=WHO,
    authored_at="2026-01-01T00:00:00Z",
    committed_at="2026-01-01T00:00:00Z",
    subject="Change the shop",
)


def record(sequence: int, sha: str, *changes: ChangeEntry) -> SyncRecord:
    return SyncRecord(
        namespace="team",
        name=f"shop-{sequence}",
        intent=Intent(
            subject=RecordedRepository(namespace="team", name="shop", uid="uid"),
            sequence=sequence,
            previous="",
            part=Part(),
            trigger=Trigger.COMMIT,
            source="",
            target=sha,
            commits=(replace(REVISION, sha=sha),),
            commits_total=1,
            changes=changes,
            flags=(),
            operator="towline",
            started_at="2026-01-01T00:00:00Z",
            digest_version=5,
        ),
        closing=Closing(outcome=Ending.SUCCEEDED, finished_at="2026-01-01T00:00:09Z", counts=Counts()),
    )


def entry(action: str, sha: str) -> ChangeEntry:
    fields = (FieldChange(path="/spec/replicas", old=1, new=2),) if action == "update" else ()
    return ChangeEntry(object=str(WEB), action=action, file="web.yaml", line=5, commit=sha, fields=fields)


def owner(*records: SyncRecord, reason: Reason = Reason.SUCCEEDED, healthy: str = "", **given: Any) -> Owner:
    passed = PassResult(generation=1, reason=reason, observed=NEW, attempted=NEW, applied=REVISION, **given)
    status = compute.compute({}, passed, datetime(2026, 1, 1, tzinfo=UTC))
    metadata = {"namespace": KEY.namespace, "name": KEY.name, "uid": "uid", "generation": 1}
    body = {
        "metadata": metadata,
        "status": {**status, "commit": {**status["commit"], "healthy": healthy}},
    }
    return Owner(repository=gitrepository.identify(body), syncs=KnownSyncs(records=tuple(reversed(records))))


def live(health: Health = CURRENT, said: str = "", *, label: bool = True, **metadata: Any) -> UnreadyObject:
    marks = {labels.REPOSITORY_LABEL: labels.repository_label(KEY)} if label else {}
    named = {"name": "web", "namespace": "shop", "labels": marks, **metadata}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": named}
    return UnreadyObject(ref=WEB, health=health, said=said, body=body)


REFUSED = Failure(
    reason=Refusal.IMMUTABLE_FIELD,
    message="spec.selector: field is immutable",
    object=str(WEB),
    file="web.yaml",
    line=9,
    commit=NEW,
)


def test_an_object_that_is_ready_and_as_declared_needs_no_explanation() -> None:
    found = object_explanation.present(live(), owner(record(1, NEW, entry("create", NEW))))
    assert found.is_well
    assert found.sentence == "Deployment shop/web is ready and as in Git, by GitRepository team/shop"


def test_an_object_whose_change_is_refused_says_which_and_by_whom() -> None:
    known = owner(record(1, NEW), reason=Reason.APPLY_FAILED, failures=(REFUSED,))
    found = object_explanation.present(live(), known)
    assert found.sentence.startswith(
        f"{NEW[:7]} by Bob: web.yaml:9 Deployment shop/web: ImmutableField: spec.selector"
    )
    assert "Rename it" in found.sentence
    assert [each.reason for each in found.causes] == ["ImmutableField"]
    other = replace(REFUSED, object="Service/shop/web")
    assert object_explanation.present(live(), owner(reason=Reason.APPLY_FAILED, failures=(other,))).is_well


def test_an_object_that_was_changed_in_the_cluster_names_field_and_manager() -> None:
    drift = Deviation(object=str(WEB), field="/spec/replicas", want=2, have=5, by="kubectl-scale", commit=NEW)
    found = object_explanation.present(live(), owner(record(1, NEW), drift=(drift,)))
    (each,) = found.causes
    assert (each.pointer, each.author) == ("/spec/replicas", "Bob")
    assert "spec.replicas is 5 (kubectl-scale), Git says 2" in found.sentence


def test_an_object_that_is_not_ready_names_the_change_after_which_it_is() -> None:
    known = owner(record(1, OLD, entry("create", OLD)), record(2, NEW, entry("update", NEW)), healthy=OLD)
    found = object_explanation.present(live(Health(State.FAILED, "crashes")), known)
    (each,) = found.causes
    assert (each.pointer, each.line, each.commit, each.author) == ("/spec/replicas", 5, NEW, "Bob")
    assert (
        found.sentence == f"{NEW[:7]} by Bob: web.yaml:5 Deployment shop/web spec.replicas: Failed: crashes"
    )


def test_an_object_that_was_ready_with_the_applied_commit_is_explained_by_no_change() -> None:
    known = owner(record(1, NEW, entry("create", NEW)), healthy=NEW)
    found = object_explanation.present(live(Health(State.FAILED, "the node is gone")), known)
    assert found.causes == ()
    assert found.sentence.startswith(
        "Deployment shop/web is not ready: the node is gone. No change explains this"
    )
    assert not found.is_well


def test_an_object_that_is_being_deleted_names_its_finalizer_and_the_commit_that_dropped_it() -> None:
    going = live(
        Health(State.TERMINATING), deletionTimestamp="2026-01-02T00:00:00Z", finalizers=["example.com/backup"]
    )
    known = owner(record(1, OLD, entry("create", OLD)), record(2, NEW, entry("prune", OLD)))
    found = object_explanation.present(going, known)
    held, dropped = found.causes
    assert "waits for the finalizer example.com/backup" in held.evidence
    assert (dropped.reason, dropped.commit, dropped.author) == ("Removed", NEW, "Bob")
    assert found.since == "2026-01-02T00:00:00Z"


def test_an_object_of_nobody_says_who_writes_it() -> None:
    entries = [{"manager": "kubectl-create", "operation": "Update"}]
    found = object_explanation.present(live(label=False, managedFields=entries), None)
    assert found.sentence == (
        "Deployment shop/web does not belong to a GitRepository, and is written by kubectl-create"
    )
    assert found.is_well
    failed = object_explanation.present(live(Health(State.FAILED, "crashes"), label=False), None)
    assert failed.sentence.endswith(f"it is not ready: crashes. {cause.UNEXPLAINED}")
    assert not failed.is_well
    assert found.causes == ()


def test_an_object_of_a_repository_that_is_gone_names_it() -> None:
    found = object_explanation.present(live(), None)
    assert "belongs to GitRepository team/shop, which you may not read or is gone" in found.sentence
    assert not found.is_well


def test_the_owner_is_found_by_the_label_or_by_the_status_that_names_the_object() -> None:
    by_label = owner()
    assert object_explanation.owner_of(live(), [by_label]) is by_label
    refused = owner(reason=Reason.APPLY_FAILED, failures=(replace(REFUSED, reason=Refusal.NOT_OURS),))
    assert object_explanation.owner_of(live(label=False), [owner(), refused]) is refused
    assert object_explanation.owner_of(live(label=False), [by_label]) is None


def test_only_repositories_with_objects_of_the_kind_or_that_name_it_are_asked() -> None:
    known = owner(kinds=(WEB.group_kind,)).repository
    assert object_explanation.may_own(known, WEB)
    assert not object_explanation.may_own(known, WEB._replace(kind="StatefulSet"))
    refused = owner(reason=Reason.APPLY_FAILED, failures=(REFUSED,)).repository
    assert object_explanation.may_own(refused, WEB)
    assert object_explanation.names(refused, WEB)
    assert not object_explanation.names(known, WEB)
    assert not object_explanation.may_own(refused, WEB._replace(name="other"))


def test_an_object_that_is_not_there_because_it_is_refused_says_so() -> None:
    known = owner(
        record(1, NEW), reason=Reason.APPLY_FAILED, failures=(replace(REFUSED, reason=Refusal.INVALID),)
    )
    found = object_explanation.absent(WEB, [known])
    assert found.sentence.startswith(f"Deployment shop/web does not exist: {NEW[:7]} by Bob: web.yaml:9")
    assert found.causes[0].reason == "Invalid"


def test_an_object_that_was_pruned_names_the_commit_that_no_longer_declares_it() -> None:
    known = owner(record(1, OLD, entry("create", OLD)), record(2, NEW, entry("prune", OLD)))
    found = object_explanation.absent(WEB, [known])
    (each,) = found.causes
    assert (each.commit, each.author, each.reason) == (NEW, "Bob", "Removed")
    assert "no longer declares it, so shop-2 deleted it" in found.sentence
    assert found.since == "2026-01-01T00:00:09Z"


def test_an_object_that_came_back_is_not_told_as_pruned() -> None:
    known = owner(record(1, NEW, entry("prune", OLD)), record(2, NEW, entry("create", NEW)))
    assert object_explanation.absent(WEB, [known]).causes == ()


def test_an_object_that_somebody_deleted_is_told_as_drift() -> None:
    drift = Deviation(object=str(WEB), since="2026-01-01T08:00:00Z", commit=NEW)
    found = object_explanation.absent(WEB, [owner(record(1, NEW, entry("create", NEW)), drift=(drift,))])
    assert "it is gone since 2026-01-01T08:00:00Z" in found.sentence


def test_an_object_that_nobody_ever_declared_is_explained_by_no_change() -> None:
    found = object_explanation.absent(WEB, [owner(record(1, NEW))])
    assert found.causes == ()
    assert found.sentence == (
        "Deployment shop/web does not exist. No change explains this: no status and no record of team/shop "
        "names it, so Git does not declare it"
    )
    assert "that you may read" in object_explanation.absent(WEB, []).sentence
