from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from towline.api import condition, gitrepository
from towline.api.asked.suspending import SuspendState, Suspension
from towline.api.condition import Type
from towline.api.gitrepository import GitRepository
from towline.drift.deviations import Deviation
from towline.errors import Failure, Reason, Refusal
from towline.model import Action, Body, Change, GroupKind, ObjectRef, Person, Plan, Revision
from towline.status import compute
from towline.status.compute import ObjectCounts, PassResult

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
LATE = datetime(2026, 1, 2, tzinfo=UTC)
OLD, NEW = "1a2b3c4" + "0" * 33, "5d6e7f8" + "0" * 33
TWELVE = ObjectCounts(declared=12, synced=12, failed=0)


def revision(sha: str = OLD, **changed: Any) -> Revision:
    ada = Person(name="Ada", email="ada@example")
    known = Revision(
        sha=sha,
        author=ada,
        committer=ada,
        authored_at="2025-12-31T09:00:00Z",
        committed_at="2025-12-31T10:00:00Z",
        subject="raise the limits",
    )
    return replace(known, **changed)


def succeeded(sha: str = OLD) -> PassResult:
    return PassResult(
        generation=1,
        reason=Reason.SUCCEEDED,
        observed=sha,
        attempted=sha,
        applied=revision(sha),
        objects=TWELVE,
        failures=(),
        blocked=(),
        kinds={GroupKind("apps", "Deployment"), GroupKind("", "ConfigMap")},
        last_record="app-0a1b2c3d-00000001",
    )


def failed(reason: Reason = Reason.APPLY_FAILED, count: int = 1, **changed: Any) -> PassResult:
    failures = tuple(
        Failure(
            reason=Refusal.INVALID,
            message="spec.replicas: must be at least 0",
            object=f"Deployment.apps/shop/web-{index}",
            file="deploy/web.yaml",
            line=14 + index,
            commit=NEW,
        )
        for index in range(count)
    )
    known = PassResult(
        generation=1, reason=reason, observed=NEW, attempted=NEW, failures=failures, attempts=1
    )
    return replace(known, **changed)


def blocked(count: int) -> PassResult:
    changes = tuple(
        Change(
            action=Action.PRUNE,
            ref=ObjectRef("", "ConfigMap", "shop", f"settings-{index}"),
            reason="TooMany",
            message="12 of 20 objects would be deleted",
        )
        for index in range(count)
    )
    return failed(Reason.PRUNE_BLOCKED, failures=(), blocked=changes, token="sha256-abc", attempts=0)


def after(*passes: PassResult) -> Body:
    found: Body = {}
    for passed in passes:
        found = told(found, passed, EARLY)
    return found


def told(before: Body, passed: PassResult, now: datetime) -> Body:
    held = SuspendState(suspension=Suspension() if passed.reason is Reason.SUSPENDED else None)
    return compute.compute(before, passed, now, suspended=held)


def said_of(found: Body, kind: Type) -> tuple[str, str]:
    entry = condition.find(found, kind)
    return entry["status"], entry["reason"]


def message(found: Body, kind: Type = Type.READY) -> str:
    text: str = condition.find(found, kind)["message"]
    return text


def test_the_ref_that_was_followed_stays_until_another_head_is_found() -> None:
    found = replace(succeeded(), ref="refs/heads/main")
    assert after(found)["ref"] == "refs/heads/main"
    away = PassResult(generation=1, reason=Reason.GIT_UNAVAILABLE, message="gone")
    assert after(found, away)["ref"] == "refs/heads/main"
    assert "ref" not in after(found, succeeded())


def test_a_success_says_which_commit_by_whom_and_how_much() -> None:
    found = after(succeeded())
    assert message(found) == 'Applied 1a2b3c4 "raise the limits" by Ada: 12 objects'
    assert found["commit"] == {"observed": OLD, "attempted": OLD, "applied": OLD}
    assert found["applied"] == {
        "short": "1a2b3c4",
        "author": "Ada",
        "subject": "raise the limits",
        "committedAt": "2025-12-31T10:00:00Z",
        "appliedAt": "2026-01-01T00:00:00Z",
    }
    assert found["objects"] == {"declared": 12, "synced": 12, "failed": 0}
    assert found["lastRecord"] == "app-0a1b2c3d-00000001"
    assert found["kinds"] == [{"group": "", "kind": "ConfigMap"}, {"group": "apps", "kind": "Deployment"}]


def test_a_success_sets_all_seven_conditions() -> None:
    found = after(succeeded())
    assert said_of(found, Type.READY) == ("True", "Succeeded")
    assert said_of(found, Type.RECONCILING) == ("False", "Idle")
    assert said_of(found, Type.STALLED) == ("False", "Idle")
    assert said_of(found, Type.SYNCED) == ("True", "Succeeded")
    assert said_of(found, Type.HEALTHY) == ("Unknown", "NotAssessed")
    assert said_of(found, Type.DRIFTED) == ("Unknown", "NotAssessed")
    assert said_of(found, Type.SUSPENDED) == ("False", "Idle")


def test_a_pass_that_finds_nothing_new_leaves_a_status_that_equals_the_one_before() -> None:
    found = after(succeeded())
    quiet = PassResult(generation=1, reason=Reason.SUCCEEDED, observed=OLD)
    assert compute.compute(found, succeeded(), LATE) == found
    assert compute.compute(found, quiet, LATE) == found


def test_a_refused_object_is_named_with_file_line_and_commit() -> None:
    found = after(succeeded(), failed(count=3, objects=ObjectCounts(declared=12, synced=9, failed=3)))
    assert message(found) == (
        "5d6e7f8 not applied: deploy/web.yaml:14 Deployment shop/web-0: spec.replicas: must be at least 0 "
        "(and 2 more). 9 of 12 objects written; still at 1a2b3c4"
    )
    assert found["failures"][0] == {
        "object": "Deployment.apps/shop/web-0",
        "ref": {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web-0"},
        "reason": "Invalid",
        "message": "spec.replicas: must be at least 0",
        "file": "deploy/web.yaml",
        "line": 14,
        "commit": NEW,
    }


def test_a_failure_leaves_what_is_applied_and_waits_for_another_try() -> None:
    found = after(succeeded(), failed())
    assert found["commit"] == {"observed": NEW, "attempted": NEW, "applied": OLD}
    assert found["applied"]["short"] == "1a2b3c4"
    assert said_of(found, Type.READY) == ("False", "ApplyFailed")
    assert said_of(found, Type.SYNCED) == ("False", "ApplyFailed")
    assert said_of(found, Type.RECONCILING) == ("True", "ApplyFailed")
    assert said_of(found, Type.STALLED) == ("False", "Idle")


def test_tries_are_counted_without_moving_a_transition_time() -> None:
    before = after(failed(attempts=1))
    found = compute.compute(before, failed(attempts=2), LATE)
    assert "Tried 2 times" in message(found, Type.RECONCILING)
    assert (
        condition.find(found, Type.RECONCILING)["lastTransitionTime"]
        == condition.find(before, Type.RECONCILING)["lastTransitionTime"]
    )


def test_ten_failures_are_listed_and_all_are_counted() -> None:
    found = after(failed(count=25))
    assert len(found["failures"]) == 10
    assert found["failuresTotal"] == 25
    assert message(found).endswith("must be at least 0 (and 24 more)")


def test_a_long_message_is_cut_at_one_kibibyte() -> None:
    long = Failure(reason=Refusal.INVALID, message="ü" * 5000, object="ConfigMap/shop/settings")
    found = after(failed(failures=(long,)))
    assert len(found["failures"][0]["message"].encode()) <= 1024
    assert len(message(found).encode()) <= 1024


def test_text_by_others_stays_on_one_line() -> None:
    hostile = revision(subject="fix\x1b[31m\nlevel=error\u202e", author=Person(name="A\nda", email=""))
    forged = Failure(reason=Reason.BUILD_FAILED, message="a\nb", file="x\u202e\n.yaml", line=1)
    texts = [
        *after(replace(succeeded(), applied=hostile))["applied"].values(),
        message(after(replace(succeeded(), applied=hostile))),
        message(after(failed(failures=(forged,)))),
        *(str(value) for value in after(failed(failures=(forged,)))["failures"][0].values()),
    ]
    assert all(text.isprintable() for text in texts)


def test_an_author_without_a_name_is_known_by_address() -> None:
    nameless = revision(author=Person(name="", email="ada@example"))
    assert after(replace(succeeded(), applied=nameless))["applied"]["author"] == "ada@example"


def test_a_success_takes_failures_and_blocked_prunes_away() -> None:
    found = after(failed(count=3), blocked(12), PassResult(generation=1, reason=Reason.SUCCEEDED))
    assert not {"failures", "failuresTotal", "blocked"} & set(found)


def test_an_outage_keeps_what_was_known_of_the_commit() -> None:
    found = after(
        succeeded(), failed(count=3), PassResult(generation=1, reason=Reason.GIT_UNAVAILABLE, message="down")
    )
    assert found["failuresTotal"] == 3
    assert found["commit"]["attempted"] == NEW
    assert found["objects"]["declared"] == 12
    assert said_of(found, Type.READY) == ("False", "GitUnavailable")
    assert message(found) == "down"


def test_an_outage_does_not_unset_synced() -> None:
    found = after(succeeded(), PassResult(generation=1, reason=Reason.GIT_UNAVAILABLE, message="down"))
    assert said_of(found, Type.SYNCED) == ("True", "Idle")


def test_the_first_outage_cannot_say_whether_anything_is_synced() -> None:
    found = after(PassResult(generation=1, reason=Reason.GIT_UNAVAILABLE, message="down"))
    assert said_of(found, Type.SYNCED) == ("Unknown", "GitUnavailable")
    assert "commit" not in found


def test_blocked_prunes_are_listed_with_the_token_that_confirms_all_of_them() -> None:
    found = after(blocked(12))
    assert len(found["blocked"]["prunes"]) == 10
    assert found["blocked"]["prunes"][0] == {
        "object": "ConfigMap/shop/settings-0",
        "reason": "TooMany",
        "message": "12 of 20 objects would be deleted",
    }
    assert found["blocked"]["prunesTotal"] == 12
    assert found["blocked"]["confirm"] == "sha256-abc"
    assert said_of(found, Type.RECONCILING) == ("False", "Idle")
    assert said_of(found, Type.STALLED) == ("False", "Idle")


def test_a_bad_spec_stalls_until_it_changes() -> None:
    bad = PassResult(generation=2, reason=Reason.INVALID_URL, message="spec.url: must be https://host/path")
    found = after(succeeded(), bad)
    assert said_of(found, Type.STALLED) == ("True", "InvalidURL")
    assert said_of(found, Type.RECONCILING) == ("False", "Idle")
    assert found["observedGeneration"] == 2
    assert {entry["observedGeneration"] for entry in found["conditions"]} == {2}


def test_a_suspended_resource_stays_as_ready_as_it_was_and_keeps_its_commit() -> None:
    found = after(succeeded(), PassResult(generation=2, reason=Reason.SUSPENDED))
    assert said_of(found, Type.SUSPENDED) == ("True", "Suspended")
    assert said_of(found, Type.READY) == ("True", "Succeeded")
    assert said_of(found, Type.SYNCED) == ("True", "Succeeded")
    assert found["commit"]["applied"] == OLD
    said = "Suspended since 2026-01-01T00:00:00Z, at 1a2b3c4: nothing is fetched or written"
    assert message(found, Type.SUSPENDED) == said
    later = told(found, PassResult(generation=2, reason=Reason.SUSPENDED), LATE)
    assert message(later, Type.SUSPENDED) == said


def test_a_suspended_resource_says_what_waits_for_a_confirmation() -> None:
    found = after(succeeded(), blocked(12), PassResult(generation=2, reason=Reason.SUSPENDED))
    assert message(found, Type.SUSPENDED).endswith("written; 12 deletions wait for your confirmation")


def test_ready_names_drift_that_is_left_alone() -> None:
    field = Deviation(
        object="ConfigMap/team/drift", field="/data/level", want="info", have="debug", by="kubectl-edit"
    )
    found = after(replace(succeeded(), drift=(field,)))
    assert message(found) == (
        'Applied 1a2b3c4 "raise the limits" by Ada: 12 objects; '
        'drift: ConfigMap team/drift data.level is "debug", Git says "info" (kubectl-edit)'
    )


def test_a_suspension_leaves_a_failure_as_it_was_and_tries_nothing() -> None:
    found = after(succeeded(), failed(), PassResult(generation=2, reason=Reason.SUSPENDED))
    assert said_of(found, Type.READY) == ("False", "ApplyFailed")
    assert said_of(found, Type.RECONCILING) == ("False", "Idle")


def test_what_was_suspended_from_its_first_moment_is_neither_ready_nor_not() -> None:
    found = after(PassResult(generation=1, reason=Reason.SUSPENDED))
    assert said_of(found, Type.READY) == ("Unknown", "Suspended")
    assert said_of(found, Type.DRIFTED) == ("Unknown", "NotAssessed")


def test_a_suspension_ends_with_the_next_pass() -> None:
    found = after(succeeded(), PassResult(generation=2, reason=Reason.SUSPENDED), succeeded(NEW))
    assert said_of(found, Type.SUSPENDED) == ("False", "Idle")


def test_a_plan_without_refusals_is_ready_and_not_synced() -> None:
    planned = PassResult(generation=1, reason=Reason.PLANNED, observed=OLD, attempted=OLD)
    found = after(planned)
    assert said_of(found, Type.READY) == ("True", "Planned")
    assert said_of(found, Type.SYNCED) == ("False", "Planned")


def test_a_plan_that_would_be_refused_is_not_ready() -> None:
    found = after(replace(failed(), reason=Reason.PLANNED))
    assert said_of(found, Type.READY) == ("False", "Planned")
    assert said_of(found, Type.SYNCED) == ("False", "Planned")


def test_applied_at_moves_only_with_the_applied_commit() -> None:
    first = after(succeeded())
    same = compute.compute(first, replace(succeeded(), generation=2), LATE)
    moved = compute.compute(first, succeeded(NEW), LATE)
    returned = compute.compute(moved, succeeded(OLD), LATE)
    assert same["applied"]["appliedAt"] == "2026-01-01T00:00:00Z"
    assert moved["applied"]["appliedAt"] == "2026-01-02T00:00:00Z"
    assert returned["applied"]["appliedAt"] == "2026-01-02T00:00:00Z"


def test_kinds_are_never_forgotten() -> None:
    found = after(succeeded(), replace(succeeded(), kinds={GroupKind("batch", "Job")}))
    assert [kind["kind"] for kind in found["kinds"]] == ["ConfigMap", "Deployment", "Job"]


def stored(said: Body) -> GitRepository:
    metadata = {"namespace": "shop", "name": "app", "uid": "1", "generation": 1}
    return gitrepository.identify({"metadata": metadata, "status": said})


def test_the_early_write_names_the_kinds_before_their_objects_exist() -> None:
    before = after(succeeded())
    found = compute.progress(stored(before), revision(NEW), Plan(), {GroupKind("batch", "Job")}, LATE)
    assert {"group": "batch", "kind": "Job"} in found["kinds"]
    assert said_of(found, Type.READY) == ("Unknown", "Progressing")
    assert said_of(found, Type.RECONCILING) == ("True", "Progressing")
    assert said_of(found, Type.SYNCED) == ("False", "Progressing")
    assert message(found) == 'Applying 5d6e7f8 "raise the limits" by Ada'
    assert found["commit"] == {"observed": NEW, "attempted": NEW, "applied": OLD}


def test_the_early_write_names_what_is_blocked_before_the_creates_beside_it_exist() -> None:
    waiting = Change(
        action=Action.PRUNE, ref=ObjectRef("", "ConfigMap", "shop", "old"), reason="PruneBlocked"
    )
    decided = Plan(blocked=(waiting,), token="0123456789ab")
    found = compute.progress(stored(after(succeeded())), revision(NEW), decided, (), LATE)
    assert found["blocked"]["prunesTotal"] == 1
    assert found["blocked"]["confirm"] == "0123456789ab"
    again = compute.progress(stored(found), revision(NEW), Plan(), (), LATE)
    assert again["blocked"] == found["blocked"]


def test_fields_of_other_writers_of_the_status_stay() -> None:
    before = {"drift": [{"object": "ConfigMap/shop/settings"}], "objects": {"healthy": 3}}
    found = compute.compute(before, succeeded(), EARLY)
    assert found["drift"] == before["drift"]
    assert found["objects"] == {"healthy": 3, "declared": 12, "synced": 12, "failed": 0}
