"""Every reason of the contract, and every situation of a repository, has an explanation that names what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
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
from towline.model import Action, Change, Health, ObjectRef, Person, Revision, State
from towline.read.explanation import cause, repository_explanation
from towline.read.explanation.cause import Explanation, FoundCause
from towline.read.explanation.health_causes import UnreadyObject
from towline.read.explanation.known_syncs import KnownSyncs
from towline.status import compute, reasons
from towline.status.compute import PassResult
from towline.status.reasons import Party

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW = "a" * 40, "b" * 40
WEB = ObjectRef("apps", "Deployment", "shop", "web")
SETTINGS = ObjectRef("", "ConfigMap", "shop", "settings")
IMAGE = "/spec/template/spec/containers/0/image"
DEPLOYMENT = {
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {"name": "web", "image": "web:2", "envFrom": [{"configMapRef": {"name": "settings"}}]}
                ],
                "volumes": [{"secret": {"secretName": "tls"}}],
            }
        }
    },
}


def revision(sha: str, author: str) -> Revision:
    who = Person(name=author, email=f"{author.lower()}@example.com")
    return Revision(
        sha=sha,
        author=who,
        committer=who,
        authored_at="2026-01-01T00:00:00Z",
        committed_at="2026-01-01T00:00:00Z",
        subject="Change the shop",
    )


def record(sequence: int, sha: str, *changes: ChangeEntry, outcome: Ending = Ending.SUCCEEDED) -> SyncRecord:
    """A record of a commit: those of OLD are by Ada, all others by Bob."""
    return SyncRecord(
        namespace="team",
        name=f"shop-{sequence:08d}",
        intent=Intent(
            subject=RecordedRepository(namespace="team", name="shop", uid="uid"),
            sequence=sequence,
            previous="",
            part=Part(),
            trigger=Trigger.COMMIT,
            source="",
            target=sha,
            commits=(revision(sha, "Ada" if sha == OLD else "Bob"),),
            commits_total=1,
            changes=changes,
            flags=(),
            operator="towline",
            started_at="2026-01-01T00:00:00Z",
            digest_version=5,
        ),
        closing=Closing(outcome=outcome, finished_at="2026-01-01T00:00:09Z", counts=Counts()),
    )


def entry(ref: ObjectRef, action: str, sha: str, *paths: str, line: int = 7) -> ChangeEntry:
    fields = tuple(FieldChange(path=path, old="web:1", new="web:2") for path in paths)
    return ChangeEntry(
        object=str(ref), action=action, file=f"{ref.name}.yaml", line=line, commit=sha, fields=fields
    )


SYNCS = KnownSyncs(records=(record(2, NEW), record(1, OLD)))


def stored(status: dict[str, Any] | Any, **metadata: Any) -> tuple[GitRepository, dict[str, Any]]:
    named = {"namespace": "team", "name": "shop", "uid": "uid", "generation": 1, **metadata}
    body = {"metadata": named, "spec": {"url": "https://git.example.com/shop"}, "status": status}
    return gitrepository.identify(body), body


def explained(
    passed: PassResult, *unready: UnreadyObject, syncs: KnownSyncs = SYNCS, healthy: str = "", **metadata: Any
) -> Explanation:
    status = compute.compute({}, passed, NOW)
    if healthy:
        status = {**status, "commit": {**status.get("commit", {}), "healthy": healthy}}
    repository, body = stored(status, **metadata)
    return repository_explanation.explain(repository, body, unready, syncs)


def result(reason: Reason, **given: Any) -> PassResult:
    return PassResult(generation=1, reason=reason, observed=NEW, attempted=NEW, **given)


def only(found: Explanation) -> FoundCause:
    (each,) = found.causes
    return each


@pytest.mark.parametrize("reason", list(Refusal))
def test_each_refusal_is_told_with_object_field_file_line_commit_and_author(reason: Refusal) -> None:
    failure = Failure(
        reason=reason,
        message="spec.replicas: is refused",
        object=str(WEB),
        file="deploy/web.yaml",
        line=12,
        commit=NEW,
    )
    found = explained(result(Reason.APPLY_FAILED, failures=(failure,)))
    assert found.since == "2026-01-01T00:00:00Z"
    assert "deploy/web.yaml:12 Deployment shop/web: spec.replicas: is refused" in found.sentence
    each = only(found)
    assert replace(each, evidence="") == FoundCause(
        object="Deployment.apps/shop/web",
        pointer="/spec/replicas",
        file="deploy/web.yaml",
        line=12,
        commit=NEW,
        author="Bob",
        reason=str(reason),
    )
    assert each.evidence.startswith("spec.replicas: is refused")
    assert not found.is_well


@pytest.mark.parametrize(
    ("reason", "ways"),
    [
        (Refusal.IMMUTABLE_FIELD, ("Rename it", "towline.dev/force: Enabled")),
        (Refusal.NAMESPACE_NOT_FOUND, ("Declare Namespace shop", "create it")),
        (Refusal.QUOTA_EXCEEDED, ("Raise the quota", "ask for less")),
        (Refusal.OWNED_BY_ANOTHER, ("one of them only",)),
    ],
)
def test_a_refusal_says_what_helps(reason: Refusal, ways: Sequence[str]) -> None:
    failure = Failure(reason=reason, message="refused", object=str(WEB), commit=NEW)
    evidence = only(explained(result(Reason.APPLY_FAILED, failures=(failure,)))).evidence
    assert [way for way in ways if way not in evidence] == []


def test_every_refusal_of_a_commit_is_a_cause() -> None:
    failures = tuple(
        Failure(reason=Reason.BUILD_FAILED, message="bad", file=f"{n}.yaml", line=n, commit=NEW)
        for n in (1, 2, 3)
    )
    found = explained(result(Reason.BUILD_FAILED, failures=failures))
    assert [(each.file, each.line, each.author) for each in found.causes] == [
        ("1.yaml", 1, "Bob"),
        ("2.yaml", 2, "Bob"),
        ("3.yaml", 3, "Bob"),
    ]


IN_TIME = frozenset(
    {
        Reason.GIT_UNAVAILABLE,
        Reason.GIT_TIMEOUT,
        Reason.DISK_FULL,
        Reason.CLUSTER_UNAVAILABLE,
        Reason.INTERNAL_ERROR,
        Reason.PRUNE_FAILED,
    }
)
WITH_OBJECTS = {Reason.PRUNE_BLOCKED, Reason.UNHEALTHY, Reason.PROGRESSING, Reason.SUSPENDED}


@pytest.mark.parametrize("reason", sorted(set(Reason) - WITH_OBJECTS - {Reason.SUCCEEDED, Reason.PLANNED}))
def test_each_reason_of_ready_blames_a_field_of_the_spec_or_a_commit_or_nothing(reason: Reason) -> None:
    found = explained(result(reason, message="it is so"))
    assert found.sentence.startswith("it is so")
    if reason in IN_TIME:
        assert found.causes == ()
        assert cause.UNEXPLAINED in found.sentence
        return
    each = only(found) if found.causes else FoundCause()
    parties = reasons.TABLE[reason].parties
    if reason is Reason.REF_NOT_FOUND:
        assert (each.pointer, each.commit) == ("/spec/ref", "")
    elif Party.COMMIT in parties:
        assert (each.commit, each.author) == (NEW, "Bob")
    elif reason is not Reason.INVALID_SPEC:
        assert each.pointer.startswith("/spec/")
        assert each.commit == ""


def test_where_the_spec_or_a_server_is_to_blame_what_the_status_still_lists_of_a_commit_is_not() -> None:
    failure = Failure(reason=Refusal.INVALID, message="bad", object=str(WEB), commit=NEW)
    before = compute.compute({}, result(Reason.APPLY_FAILED, failures=(failure,)), NOW)
    for reason, pointers in ((Reason.REF_NOT_FOUND, ["/spec/ref"]), (Reason.GIT_UNAVAILABLE, [])):
        status = compute.compute(before, result(reason, message="it is so"), NOW)
        assert status["failures"]
        repository, body = stored(status)
        found = repository_explanation.explain(repository, body, (), SYNCS)
        assert [each.pointer for each in found.causes] == pointers


def test_commits_that_are_not_signed_are_told_each_with_its_author() -> None:
    failures = tuple(
        Failure(reason=Reason.VERIFICATION_FAILED, message=f"commit {sha[:7]} is not signed", commit=sha)
        for sha in (NEW, OLD)
    )
    found = explained(result(Reason.VERIFICATION_FAILED, message="it is so", failures=failures))
    assert found.sentence == "it is so"
    assert [(each.pointer, each.commit, each.author, each.evidence) for each in found.causes] == [
        ("/spec/verify", NEW, "Bob", "commit bbbbbbb is not signed"),
        ("/spec/verify", OLD, "Ada", "commit aaaaaaa is not signed"),
    ]


def test_keys_that_cannot_be_used_are_blamed_on_the_field_that_names_them() -> None:
    status = compute.compute({}, result(Reason.VERIFICATION_FAILED, message="it is so"), NOW)
    _, body = stored(status)
    body["spec"]["verify"] = {"secretRef": {"name": "gone"}}
    found = repository_explanation.explain(gitrepository.identify(body), body, (), SYNCS)
    assert only(found).pointer == "/spec/verify"
    moved = {"accept": "x", "pins": []}
    body["status"] = {**status, "movedPins": moved}
    found = repository_explanation.explain(gitrepository.identify(body), body, (), SYNCS)
    assert only(found).pointer == "/spec/remotes"


@pytest.mark.parametrize(
    ("reason", "message", "pointer"),
    [
        (Reason.AUTH_CONFIG_INVALID, "spec.decryption: Secret team/age does not exist", "/spec/decryption"),
        (
            Reason.AUTH_CONFIG_INVALID,
            "spec.substitute.from[0]: ConfigMap team/vars has no key a",
            "/spec/substitute/from/0",
        ),
        (Reason.AUTH_CONFIG_INVALID, "spec.remotes: Secret token does not exist", "/spec/remotes"),
        (Reason.AUTH_CONFIG_INVALID, 'Secret team/x has only "foo"', "/spec/secretRef"),
        (Reason.TLS_VERIFY_FAILED, "spec.remotes: not signed by a known CA", "/spec/remotes"),
        (Reason.ACCESS_DENIED, "commit aaaaaaa (spec.ref.commit) is not in the history", "/spec/ref/commit"),
        (Reason.ACCESS_DENIED, "not found or no access: check spec.url", "/spec/url"),
        (Reason.REF_NOT_FOUND, "spec.helm.chart: web has no version 9", "/spec/helm/chart"),
        (Reason.REF_NOT_FOUND, "the remote has no branch mian", "/spec/ref"),
    ],
)
def test_a_reason_that_may_be_about_several_fields_blames_the_one_that_its_message_names(
    reason: Reason, message: str, pointer: str
) -> None:
    assert only(explained(result(reason, message=message))).pointer == pointer


def test_a_commit_that_is_applied_is_not_blamed_for_a_path_that_the_spec_has_moved_to() -> None:
    found = only(explained(result(Reason.PATH_NOT_FOUND, message="it is so", applied=revision(NEW, "Bob"))))
    assert (found.pointer, found.commit, found.author) == ("/spec/path", "", "")


def test_an_invalid_spec_names_its_field() -> None:
    found = explained(result(Reason.INVALID_SPEC, message="spec.interval: must be a duration"))
    assert only(found).pointer == "/spec/interval"
    assert only(found).object == "GitRepository.towline.dev/team/shop"


def test_what_is_ready_and_as_in_git_has_no_cause() -> None:
    found = explained(result(Reason.SUCCEEDED, applied=revision(NEW, "Bob")))
    assert found.is_well
    assert found.causes == ()
    assert "is ready and as in Git" in found.sentence


def test_drift_names_who_wrote_and_who_wrote_what_git_says() -> None:
    drift = Deviation(
        object=str(SETTINGS),
        field="/data/level",
        file="settings.yaml",
        line=4,
        commit=OLD,
        want="info",
        have="debug",
        by="kubectl-edit",
        since="2026-01-01T08:00:00Z",
    )
    found = explained(result(Reason.SUCCEEDED, applied=revision(NEW, "Bob"), drift=(drift,)))
    each = only(found)
    assert (each.pointer, each.author, each.commit) == ("/data/level", "Ada", OLD)
    assert (each.file, each.line) == ("settings.yaml", 4)
    for told in ('"debug"', '"info"', "kubectl-edit", "2026-01-01T08:00:00Z"):
        assert told in each.evidence
    assert not found.is_well


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (Refusal.CONTESTED, "another field manager keeps changing it"),
        (Refusal.OVERRIDDEN_BY_ADMISSION, "admission sets another value"),
        (Refusal.FORBIDDEN, "the repair is refused (Forbidden)"),
    ],
)
def test_drift_that_is_not_repaired_says_why(reason: Refusal, why: str) -> None:
    drift = Deviation(object=str(SETTINGS), field="/data/a", reason=reason)
    each = only(explained(result(Reason.SUCCEEDED, applied=revision(NEW, "Bob"), drift=(drift,))))
    assert each.reason == reason
    assert why in each.evidence


def test_a_deleted_object_is_told_as_gone() -> None:
    drift = Deviation(object=str(SETTINGS), since="2026-01-01T08:00:00Z")
    each = only(explained(result(Reason.SUCCEEDED, applied=revision(NEW, "Bob"), drift=(drift,))))
    assert each.evidence.startswith("it is gone since 2026-01-01T08:00:00Z")


def test_a_deletion_that_waits_names_the_commit_that_no_longer_declares_the_object() -> None:
    claim = ObjectRef("", "PersistentVolumeClaim", "shop", "uploads")
    waits = Change(
        action=Action.PRUNE, ref=claim, reason=Reason.PRUNE_BLOCKED, message="deleting it loses data"
    )
    syncs = KnownSyncs(records=(record(2, NEW), record(1, OLD, entry(claim, "create", OLD))))
    each = only(
        explained(result(Reason.PRUNE_BLOCKED, blocked=(waits,), message="Waiting for you"), syncs=syncs)
    )
    assert (each.object, each.commit, each.author) == (str(claim), NEW, "Bob")
    assert (each.file, each.line) == ("uploads.yaml", 7)
    assert "no longer declares it: deleting it loses data" in each.evidence


def unready(state: State = State.IN_PROGRESS, said: str = "", **given: Any) -> UnreadyObject:
    return UnreadyObject(
        ref=WEB, health=Health(state, "0 of 1 replicas exist"), said=said, body=DEPLOYMENT, **given
    )


SITUATIONS = [
    ("cannot pull web:2 (ImagePullBackOff)", IMAGE),
    ("container web: CrashLoopBackOff: OOMKilled, exit code 137 (image web:2)", IMAGE),
    ("container web: CreateContainerConfigError (image web:2)", IMAGE),
    ("0/3 nodes are available: insufficient memory", "/spec/replicas"),
    ("", "/spec/replicas"),
]


@pytest.mark.parametrize(("said", "pointer"), SITUATIONS)
@pytest.mark.parametrize("reason", [Reason.UNHEALTHY, Reason.PROGRESSING])
def test_an_unready_object_is_blamed_on_the_change_after_which_it_is(
    said: str, pointer: str, reason: Reason
) -> None:
    changed = entry(WEB, "update", NEW, "/spec/replicas", IMAGE, line=9)
    syncs = KnownSyncs(records=(record(2, NEW, changed), record(1, OLD, entry(WEB, "create", OLD))))
    passed = result(reason, applied=revision(NEW, "Bob"), message="Not ready")
    each = only(explained(passed, unready(said=said), syncs=syncs, healthy=OLD))
    assert (each.object, each.pointer, each.file, each.line) == (str(WEB), pointer, "web.yaml", 9)
    assert (each.commit, each.author) == (NEW, "Bob")
    assert (said or "0 of 1 replicas exist") in each.evidence
    assert "(was web:1)" in each.evidence


@pytest.mark.parametrize("read", [SETTINGS, ObjectRef("", "Secret", "shop", "tls")])
def test_where_the_object_did_not_change_what_its_pods_read_is_blamed(read: ObjectRef) -> None:
    changed = entry(read, "update", NEW, "/data/level")
    syncs = KnownSyncs(records=(record(2, NEW, changed), record(1, OLD, entry(WEB, "create", OLD))))
    passed = result(Reason.UNHEALTHY, applied=revision(NEW, "Bob"), message="Not ready")
    each = only(explained(passed, unready(State.FAILED, "exit code 1"), syncs=syncs, healthy=OLD))
    assert (each.object, each.pointer, each.author) == (str(read), "/data/level", "Bob")
    assert "Deployment shop/web reads it: exit code 1" in each.evidence


def test_what_was_ready_with_the_very_commit_that_is_applied_is_explained_by_no_change() -> None:
    syncs = KnownSyncs(records=(record(2, NEW, entry(WEB, "update", NEW, IMAGE)),))
    passed = result(Reason.UNHEALTHY, applied=revision(NEW, "Bob"), message="Not ready: web")
    found = explained(passed, unready(State.FAILED), syncs=syncs, healthy=NEW)
    assert found.causes == ()
    assert cause.UNEXPLAINED in found.sentence
    assert f"with {NEW[:7]}, which is applied, all objects were ready" in found.sentence


def test_without_records_the_annotations_of_the_object_name_the_commit() -> None:
    passed = result(Reason.UNHEALTHY, applied=revision(NEW, "Bob"), message="Not ready")
    found = explained(
        passed,
        unready(commit=NEW, source="web.yaml"),
        syncs=KnownSyncs(revisions={NEW: revision(NEW, "Bob")}),
    )
    assert (only(found).commit, only(found).file, only(found).author) == (NEW, "web.yaml", "Bob")


def test_a_deletion_that_is_stuck_names_each_finalizer_and_who_should_remove_it() -> None:
    found = explained(
        result(Reason.SUCCEEDED),
        deletionTimestamp="2026-01-02T00:00:00Z",
        finalizers=["towline.dev/finalizer", "example.com/backup"],
    )
    own, other = found.causes
    assert "the Towline operator removes when its objects are deleted or released" in own.evidence
    assert "the controller of example.com should remove" in other.evidence
    assert (own.reason, own.pointer) == ("Terminating", "/metadata/finalizers/0")
    assert found.since == "2026-01-02T00:00:00Z"
    assert "is being deleted since 2026-01-02T00:00:00Z" in found.sentence


def test_a_repository_that_no_operator_has_looked_at_says_so() -> None:
    repository, body = stored({}, creationTimestamp="2026-01-01T00:00:00Z")
    found = repository_explanation.explain(repository, body, (), SYNCS)
    assert "the operator has not looked at it yet" in found.sentence
    assert (found.causes, found.since) == ((), "2026-01-01T00:00:00Z")


def test_a_sentence_names_the_commit_that_a_closer_look_found() -> None:
    found = Explanation(sentence=f"{NEW[:7]} not applied: bad", causes=(FoundCause(commit=NEW),))
    closer = (FoundCause(commit=OLD, author="Ada"),)
    told = repository_explanation.retold(found, closer)
    assert told.causes == closer
    assert told.sentence == f"{NEW[:7]} not applied: bad. It came with {OLD[:7]} by Ada"
    assert (
        repository_explanation.retold(found, (FoundCause(commit=NEW, author="Bob"),)).sentence
        == found.sentence
    )


def test_a_newer_spec_than_the_status_is_told_with_who_wrote_it() -> None:
    wrote = {"manager": "kubectl-edit", "time": "2026-01-01T09:00:00Z"}
    found = explained(
        result(Reason.SUCCEEDED, applied=revision(NEW, "Bob")), generation=2, managedFields=[wrote]
    )
    assert "its spec is newer than its status" in found.sentence
    assert (only(found).author, only(found).pointer) == ("kubectl-edit", "/spec")
