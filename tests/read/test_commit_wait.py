"""Waiting for a commit ends when it has arrived, and as soon as no waiting helps."""

from __future__ import annotations

from typing import Any

import pytest
from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
from towline.api.syncrecord import (
    Closing,
    Counts,
    Ending,
    Flag,
    Intent,
    Part,
    RecordedRepository,
    SyncRecord,
    Trigger,
)
from towline.model import Person, Revision
from towline.read import commit_wait
from towline.read.commit_wait import Goal, Outlook
from towline.read.git.commit_kin import Kin

OLD, AWAITED, NEW = "1" * 40, "2" * 40, "3" * 40
ADA = Person(name="Ada", email="ada@example.com")


def repository(reason: str = "Succeeded", status: str = "True", **more: Any) -> GitRepository:
    conditions = [{"type": "Ready", "status": status, "reason": reason, "message": f"because of {reason}"}]
    given = {"observedGeneration": 1, "conditions": conditions, **more.pop("said", {})}
    metadata = {"namespace": "shop", "name": "shop", "uid": "u", "generation": 1, **more.pop("metadata", {})}
    return gitrepository.identify({"metadata": metadata, "spec": more.pop("spec", {}), "status": given})


def outlook(of: GitRepository, goal: Goal = Goal.APPLIED, *, reached: Kin = Kin.UNKNOWN) -> Outlook:
    return commit_wait.judge(of, AWAITED[:8], goal, reached=reached).outlook


def test_a_commit_that_is_applied_need_not_be_healthy() -> None:
    found = repository(said={"commit": {"applied": AWAITED, "healthy": OLD}})
    assert outlook(found) is Outlook.REACHED
    assert outlook(found, Goal.HEALTHY) is Outlook.OPEN


def test_a_commit_that_came_with_a_newer_one_has_arrived() -> None:
    found = repository(said={"commit": {"applied": NEW}})
    assert outlook(found) is Outlook.OPEN
    assert outlook(found, reached=Kin.PART) is Outlook.REACHED


REFUSED, DENIED = {"reason": "ImmutableField"}, {"reason": "AdmissionDenied"}


@pytest.mark.parametrize(
    ("reason", "said", "expected"),
    [
        ("BuildFailed", {"commit": {"attempted": AWAITED}}, Outlook.HOPELESS),
        ("BuildFailed", {"commit": {"attempted": OLD}}, Outlook.OPEN),
        ("PruneBlocked", {"commit": {"attempted": AWAITED}}, Outlook.HOPELESS),
        ("InvalidSpec", {}, Outlook.HOPELESS),
        ("AccessDenied", {}, Outlook.OPEN),
        ("GitUnavailable", {"commit": {"attempted": AWAITED}}, Outlook.OPEN),
        ("Unhealthy", {"commit": {"attempted": AWAITED}}, Outlook.OPEN),
        (
            "ApplyFailed",
            {"commit": {"attempted": AWAITED}, "failures": [REFUSED], "failuresTotal": 1},
            Outlook.HOPELESS,
        ),
        (
            "ApplyFailed",
            {"commit": {"attempted": OLD}, "failures": [REFUSED], "failuresTotal": 1},
            Outlook.OPEN,
        ),
        (
            "ApplyFailed",
            {"commit": {"attempted": AWAITED}, "failures": [REFUSED, DENIED], "failuresTotal": 2},
            Outlook.OPEN,
        ),
        (
            "ApplyFailed",
            {"commit": {"attempted": AWAITED}, "failures": [REFUSED], "failuresTotal": 99},
            Outlook.OPEN,
        ),
        ("SomethingNew", {"commit": {"attempted": AWAITED}}, Outlook.OPEN),
    ],
)
def test_a_failure_ends_the_wait_where_time_cannot_end_it(
    reason: str, said: dict[str, Any], expected: Outlook
) -> None:
    found = commit_wait.judge(repository(reason, "False", said=said), AWAITED, Goal.APPLIED)
    assert found.outlook is expected
    assert found.sentence.partition(" (whether")[0] == f"because of {reason}"
    assert expected is Outlook.OPEN or found.sentence == f"because of {reason}"


@pytest.mark.parametrize(
    "refusal", ["NotOurs", "ManagedByAnotherTool", "OwnedByAnother", "SelfManagementRefused"]
)
def test_a_refusal_that_only_a_person_ends_ends_the_wait_whatever_else_is_refused(refusal: str) -> None:
    said = {
        "commit": {"attempted": AWAITED, "observed": AWAITED, "applied": OLD},
        "failures": [DENIED, {"reason": refusal}],
        "failuresTotal": 99,
    }
    assert outlook(repository("ApplyFailed", "False", said=said)) is Outlook.HOPELESS


@pytest.mark.parametrize(("adopt", "expected"), [("IfNoConflict", Outlook.HOPELESS), ("Any", Outlook.OPEN)])
def test_a_conflict_with_another_field_manager_ends_the_wait_where_no_attempt_insists(
    adopt: str, expected: Outlook
) -> None:
    conflict = {"reason": "Conflict", "message": 'conflict with "kubectl" using apps/v1: .spec.replicas'}
    said = {"commit": {"attempted": AWAITED}, "failures": [conflict], "failuresTotal": 1}
    assert outlook(repository("ApplyFailed", "False", said=said, spec={"adopt": adopt})) is expected


def test_a_commit_whose_signature_is_refused_before_it_is_tried_ends_the_wait() -> None:
    said = {"commit": {"observed": AWAITED, "attempted": OLD, "applied": OLD}}
    assert outlook(repository("VerificationFailed", "False", said=said)) is Outlook.HOPELESS


def test_a_commit_that_a_newer_one_overtook_is_said_to_be_superseded() -> None:
    said = {"commit": {"observed": NEW, "attempted": NEW, "applied": OLD}}
    failed = repository("BuildFailed", "False", said=said)
    found = commit_wait.judge(failed, AWAITED, Goal.APPLIED, tried=Kin.PART)
    assert (found.outlook, found.sentence) == (
        Outlook.HOPELESS,
        "2222222 was superseded by 3333333 before it was applied. because of BuildFailed",
    )
    running = repository("Progressing", "Unknown", said=said)
    found = commit_wait.judge(running, AWAITED, Goal.APPLIED, tried=Kin.PART)
    assert (found.outlook, "superseded by 3333333" in found.sentence) == (Outlook.OPEN, True)


@pytest.mark.parametrize(
    ("kin", "told"),
    [(Kin.APART, "merged into what is followed?"), (Kin.UNKNOWN, "in a clone"), (Kin.AHEAD, "Succeeded")],
)
def test_why_a_wait_goes_on_is_told(kin: Kin, told: str) -> None:
    said = {"commit": {"observed": NEW, "attempted": NEW, "applied": NEW}}
    found = commit_wait.judge(repository(said=said), AWAITED, Goal.APPLIED, reached=kin, tried=kin)
    assert found.outlook is Outlook.OPEN
    assert found.sentence.endswith(told) or told in found.sentence


def test_a_suspension_that_the_status_does_not_tell_yet_ends_the_wait() -> None:
    found = commit_wait.judge(repository(spec={"suspend": True}), AWAITED, Goal.APPLIED)
    assert (found.outlook, "towline resume shop -n shop" in found.sentence) == (Outlook.HOPELESS, True)


def test_a_failure_of_an_older_spec_does_not_end_the_wait() -> None:
    assert outlook(repository("InvalidSpec", "False", metadata={"generation": 2})) is Outlook.OPEN


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, "Is being deleted"),
        ({"spec": {"mode": "Observe"}}, "Under mode: Observe nothing is applied"),
        (
            {
                "said": {
                    "conditions": [{"type": "Suspended", "status": "True", "message": "Suspended until noon"}]
                }
            },
            "Suspended",
        ),
    ],
)
def test_a_repository_that_does_nothing_ends_the_wait(more: dict[str, Any], told: str) -> None:
    found = commit_wait.judge(repository(**more), AWAITED, Goal.APPLIED)
    assert found.outlook is Outlook.HOPELESS
    assert found.sentence.startswith(told)


def revision(sha: str, *, taken_back: bool = False) -> Revision:
    return Revision(
        sha=sha, author=ADA, committer=ADA, authored_at="", committed_at="", subject="", taken_back=taken_back
    )


def record(
    target: str, *commits: Revision, ending: Ending = Ending.SUCCEEDED, flags: tuple[Flag, ...] = ()
) -> SyncRecord:
    intent = Intent(
        subject=RecordedRepository(namespace="shop", name="shop", uid="u"),
        sequence=1,
        previous="",
        part=Part(),
        trigger=Trigger.COMMIT,
        source="",
        target=target,
        commits=commits,
        commits_total=len(commits),
        changes=(),
        flags=flags,
        operator="",
        started_at="",
        digest_version=1,
    )
    closing = Closing(outcome=ending, finished_at="", counts=Counts())
    return SyncRecord(namespace="shop", name="r", intent=intent, closing=closing)


def test_records_tell_that_a_commit_came_with_a_newer_one() -> None:
    together = record(NEW, revision(NEW), revision(AWAITED))
    assert commit_wait.contains([together], AWAITED[:8], NEW)
    assert commit_wait.contains(
        [record(NEW, revision(NEW)), record(AWAITED, revision(AWAITED))], AWAITED, NEW
    )
    superseded = record(AWAITED, revision(AWAITED), ending=Ending.SUPERSEDED)
    assert commit_wait.contains([record(NEW, revision(NEW)), superseded], AWAITED, NEW)


def test_a_commit_that_was_taken_back_or_only_tried_later_is_not_there() -> None:
    assert not commit_wait.contains(
        [record(NEW, revision(NEW), revision(AWAITED, taken_back=True))], AWAITED, NEW
    )
    later = record(AWAITED, revision(AWAITED), ending=Ending.FAILED)
    assert not commit_wait.contains([later, record(NEW, revision(NEW))], AWAITED, NEW)
    rewritten = record(NEW, revision(NEW), flags=(Flag.HISTORY_REWRITTEN,))
    assert not commit_wait.contains([rewritten, record(AWAITED, revision(AWAITED))], AWAITED, NEW)


def test_commits_that_changed_nothing_after_the_newest_record_lose_none_before() -> None:
    applied = record(AWAITED, revision(AWAITED))
    assert commit_wait.contains([applied], AWAITED[:8], NEW, is_newest=True)
    assert not commit_wait.contains([applied], AWAITED[:8], NEW), "a newer one may have been applied since"
    failed = record(AWAITED, revision(AWAITED), ending=Ending.FAILED)
    assert not commit_wait.contains([failed], AWAITED[:8], NEW, is_newest=True)


def test_records_tell_which_commits_a_failed_sync_was_to_bring() -> None:
    failed = record(NEW, revision(NEW), revision(AWAITED), ending=Ending.FAILED)
    assert commit_wait.is_tried([failed], AWAITED[:8], NEW, OLD)
    assert not commit_wait.is_tried([failed], AWAITED[:8], OLD, OLD)
    silent = record(NEW, revision(NEW), revision(OLD), revision(AWAITED), ending=Ending.FAILED)
    assert not commit_wait.is_tried([silent], AWAITED[:8], NEW, OLD), "it may have been applied in silence"
