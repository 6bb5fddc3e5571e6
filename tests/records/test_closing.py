from __future__ import annotations

import json
from dataclasses import replace

from towline.api import recordbody
from towline.api.syncrecord import Ending, FieldChange
from towline.errors import Failure
from towline.model import Action, Outcome, Result
from towline.records import chain, closing, opening

from tests.records import syncs
from tests.records.syncs import FINISHED, MASK, change, done, ended, entries, failed, sync


def test_every_kind_of_change_is_counted_and_changed_is_their_sum() -> None:
    actions = (
        Action.CREATE,
        Action.UPDATE,
        Action.REPLACE,
        Action.ADOPT,
        Action.REPAIR,
        Action.PRUNE,
        Action.RELEASE,
    )
    changes = [change(action, action) for action in actions]
    records = opening.opening(sync(), entries(changes), None)
    [closed] = closing.close(records, ended(outcomes=done(*changes), blocked=3))
    assert closed.closing
    assert recordbody.status_body(closed.closing)["counts"] == {
        "changed": 5,
        "created": 1,
        "updated": 2,
        "adopted": 1,
        "repaired": 1,
        "pruned": 1,
        "released": 1,
        "failed": 0,
        "blocked": 3,
    }


def test_an_object_that_stays_because_it_is_not_ours_any_more_is_not_counted_as_pruned() -> None:
    gone, taken = change("a", Action.PRUNE), change("b", Action.PRUNE)
    records = opening.opening(sync(), entries([gone, taken]), None)
    left = replace(taken, action=Action.SKIP, reason="NotOurs", message="is no longer ours")
    [closed] = closing.close(records, ended(outcomes=done(gone, left)))
    assert closed.closing
    assert (closed.closing.counts.pruned, closed.closing.counts.failed) == (1, 0)
    assert [(each.change, each.reason, each.message) for each in closed.closing.failures] == [
        (1, "NotOurs", "is no longer ours")
    ]


def test_an_object_that_is_not_gone_yet_counts_as_deleting_and_says_what_keeps_it() -> None:
    gone, kept = change("a", Action.PRUNE), change("b", Action.PRUNE)
    records = opening.opening(sync(), entries([gone, kept]), None)
    held = Outcome(change=kept, result=Result.DONE, kept="is being deleted, and waits for finalizer x")
    [closed] = closing.close(records, ended(outcomes=(*done(gone), held)))
    assert closed.closing
    told = recordbody.status_body(closed.closing)
    assert (told["counts"]["pruned"], told["counts"]["deleting"], told["counts"]["failed"]) == (1, 1, 0)
    assert [(each["change"], each["reason"]) for each in told["failures"]] == [(1, "Terminating")]
    assert recordbody.from_body(recordbody.to_body(closed)) == closed


def test_an_object_that_somebody_made_or_removed_meanwhile_is_counted_as_what_was_done_to_it() -> None:
    met, vanished = change("a"), change("b", Action.UPDATE)
    records = opening.opening(sync(), entries([met, vanished]), None)
    outcomes = done(replace(met, action=Action.ADOPT), replace(vanished, action=Action.CREATE))
    [closed] = closing.close(records, ended(outcomes=outcomes))
    assert closed.closing
    counts = closed.closing.counts
    assert (counts.adopted, counts.created, counts.updated) == (1, 1, 0)


def test_a_plan_under_observe_counts_what_would_be_done() -> None:
    changes = [change("a"), change("b", Action.PRUNE)]
    records = opening.opening(sync(), entries(changes), None)
    [closed] = closing.close(records, ended(Ending.PLANNED))
    assert closed.closing
    assert (closed.closing.counts.created, closed.closing.counts.pruned) == (1, 1)


def test_a_refused_change_is_named_by_its_index_and_what_was_not_tried_is_not_counted() -> None:
    first, second, third = change("a"), change("b"), change("c")
    records = opening.opening(sync(), entries([first, second, third]), None)
    outcomes = (*done(first), failed(second), Outcome(change=third, result=Result.NOT_TRIED))
    [closed] = closing.close(records, ended(Ending.PARTIAL, outcomes=outcomes))
    assert closed.closing
    status = recordbody.status_body(closed.closing)
    assert status["failures"] == [{"change": 1, "reason": "Invalid", "message": "no"}]
    assert (status["counts"]["created"], status["counts"]["failed"]) == (1, 1)


def test_a_fault_of_the_revision_names_file_and_line_or_the_object() -> None:
    faults = (
        Failure(reason="BuildFailed", message="not YAML", file="a.yaml", line=3),
        Failure(reason="PathNotFound", message="no such folder", file="app"),
        Failure(reason="NotOurs", message="exists", object="ConfigMap/shop/a", file="b.yaml", line=4),
    )
    [closed] = closing.close(opening.opening(sync(), (), None), ended(Ending.FAILED, failures=faults))
    assert closed.closing
    assert recordbody.status_body(closed.closing)["failures"] == [
        {"reason": "BuildFailed", "message": "a.yaml:3: not YAML"},
        {"reason": "PathNotFound", "message": "app: no such folder"},
        {"reason": "NotOurs", "message": "ConfigMap/shop/a: exists"},
    ]
    assert closed.closing.counts.failed == 3


def test_a_digest_seals_spec_and_status() -> None:
    [closed] = syncs.completed()
    body = recordbody.to_body(closed)
    assert closed.closing
    assert body["status"]["digest"] == chain.digest(body)


def test_each_part_counts_its_own_changes_and_is_sealed_over_the_part_before() -> None:
    first, second, third = syncs.completed(2200)
    assert first.closing
    assert second.closing
    assert third.closing
    assert [part.closing.counts.created for part in (first, second, third) if part.closing] == [
        1000,
        1000,
        200,
    ]
    assert (first.closing.previous, second.closing.previous) == ("", first.closing.digest)
    assert third.closing.previous == second.closing.digest


def test_an_object_with_entries_in_several_parts_counts_once() -> None:
    fields = tuple(FieldChange(path=f"/data/k{number}", old="x" * 2000, new=None) for number in range(900))
    one = change("a", Action.UPDATE)
    records = opening.opening(sync(), entries([one], {one.ref: fields}), None)
    assert len(records) > 1
    closed = closing.close(records, ended(outcomes=done(one)))
    assert sum(part.closing.counts.updated for part in closed if part.closing) == 1
    refused = closing.close(records, ended(Ending.FAILED, outcomes=(failed(one),)))
    assert sum(len(part.closing.failures) for part in refused if part.closing) == 1


def test_a_record_full_of_refusals_stays_below_half_a_mebibyte() -> None:
    changes = [change("n" * 200 + str(number)) for number in range(500)]
    records = opening.opening(sync(), entries(changes), None)
    outcomes = tuple(failed(each, message="ß" * 5000) for each in changes)
    for part in closing.close(records, ended(Ending.FAILED, outcomes=outcomes)):
        assert part.closing
        assert len(part.closing.failures) == part.closing.counts.failed
        assert len(json.dumps(recordbody.to_body(part), ensure_ascii=False).encode()) < 512 * 1024


def test_a_thousand_faults_are_counted_and_the_first_500_are_listed() -> None:
    faults = tuple(
        Failure(reason="BuildFailed", message="x", file=f"{number}.yaml") for number in range(1000)
    )
    [closed] = closing.close(opening.opening(sync(), (), None), ended(Ending.FAILED, failures=faults))
    assert closed.closing
    assert (closed.closing.counts.failed, len(closed.closing.failures)) == (1000, 500)


def test_an_interrupted_sync_counts_what_the_cluster_shows_of_it() -> None:
    changes = [
        change("created"),
        change("not-created"),
        change("updated", Action.UPDATE),
        change("not-updated", Action.UPDATE),
        change("repaired", Action.REPAIR),
        change("pruned", Action.PRUNE),
        change("not-pruned", Action.PRUNE),
        change("secret", kind="Secret"),
    ]
    found = [
        syncs.live("created", "new created"),
        syncs.live("updated", "new updated"),
        syncs.live("not-updated"),
        syncs.live("repaired", "new repaired"),
        syncs.live("not-pruned"),
        syncs.live("secret", "new secret", "Secret"),
    ]
    records = opening.opening(sync(), entries(changes), None)
    [closed] = closing.interrupted(records, {each.ref: each for each in found}, MASK, FINISHED)
    assert closed.closing
    counts = closed.closing.counts
    assert closed.closing.outcome is Ending.INTERRUPTED
    assert (counts.created, counts.updated, counts.repaired, counts.pruned) == (2, 1, 0, 1)
    assert closed.closing.digest == chain.digest(recordbody.to_body(closed))


def test_parts_that_were_closed_before_the_process_died_stay_as_they_are() -> None:
    records = opening.opening(sync(), entries(change(f"o{number}") for number in range(1200)), None)
    first, _ = closing.close(records, ended())
    again, second = closing.interrupted((first, records[1]), {}, MASK, FINISHED)
    assert again == first
    assert first.closing
    assert second.closing
    assert (second.closing.outcome, second.closing.previous) == (Ending.INTERRUPTED, first.closing.digest)


def test_an_object_with_several_faults_counts_once_and_names_each() -> None:
    one = change("a")
    faults = tuple(
        Failure(reason="UnknownField", message=name, object=str(one.ref)) for name in ("replcas", "colour")
    )
    outcome = Outcome(change=one, result=Result.FAILED, failures=faults)
    [written] = closing.close(opening.opening(sync(), entries([one]), None), ended(outcomes=(outcome,)))
    [planned] = closing.close(opening.opening(sync(), (), None), ended(Ending.FAILED, failures=faults))
    for closed in (written.closing, planned.closing):
        assert closed
        assert closed.counts.failed == 1
        assert [failure.message.removeprefix(f"{one.ref}: ") for failure in closed.failures] == [
            "replcas",
            "colour",
        ]
