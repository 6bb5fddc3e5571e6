from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from towline.api import recordbody
from towline.api.syncrecord import Ending, FieldChange
from towline.errors import Failure
from towline.model import Action
from towline.records import closing, newest, opening
from towline.records.newest import NewestSync

from tests.records import syncs
from tests.records.syncs import SHA, change, done, ended, entries, failed, sync

BROKEN = Failure(reason="BuildFailed", message="not YAML", file="a.yaml", line=3)
REFUSED = Failure(reason="Invalid", message="used: 5", object="ConfigMap/shop/a")


def told_of(ending: Ending, failures: Iterable[Failure] = ()) -> NewestSync:
    """Make the tip of a sync that lists no changes."""
    records = opening.opening(sync(), (), None)
    return newest.of(closing.close(records, ended(ending, failures=tuple(failures))))


def test_the_tip_of_a_sync_in_parts_is_its_last_record() -> None:
    records = syncs.completed(1200)
    found = newest.of(records)
    assert (found.name, found.sequence, found.ending) == (records[1].name, 2, Ending.SUCCEEDED)
    assert records[1].closing
    assert found.digest == records[1].closing.digest


def test_a_sync_with_one_open_part_is_open() -> None:
    records = opening.opening(sync(), entries(change(f"o{number}") for number in range(1200)), None)
    first, second = closing.close(records, ended())
    assert newest.of((first, records[1])).ending is None
    assert newest.of((replace(first, closing=None), second)).digest == ""


def test_a_revision_that_fails_in_the_same_way_is_not_told_again() -> None:
    told = told_of(Ending.FAILED, [BROKEN, REFUSED])
    assert newest.same_failure(told, SHA, [BROKEN, REFUSED])
    assert newest.same_failure(told, SHA, [REFUSED, BROKEN])


def test_a_revision_that_is_refused_is_the_same_failure_whatever_numbers_the_server_names() -> None:
    told = told_of(Ending.FAILED, [BROKEN, REFUSED])
    assert newest.same_failure(told, SHA, [BROKEN, replace(REFUSED, message="used: 6")])
    assert newest.tells(told, replace(REFUSED, message="used: 6"))
    assert not newest.same_failure(told, SHA, [BROKEN, replace(REFUSED, reason="Forbidden")])
    assert not newest.same_failure(told, SHA, [BROKEN, replace(REFUSED, object="ConfigMap/shop/b")])


def test_a_refused_change_is_the_same_failure_whatever_numbers_the_server_names() -> None:
    one = change("a")
    records = opening.opening(sync(), entries([one]), None)
    told = newest.of(closing.close(records, ended(Ending.FAILED, outcomes=(failed(one, message="used: 4"),))))
    assert newest.same_failure(told, SHA, [REFUSED])
    assert not newest.same_failure(told, SHA, [replace(REFUSED, reason="Forbidden")])
    assert not newest.same_failure(told, SHA, [replace(REFUSED, object="ConfigMap/shop/b")])


def test_a_revision_that_meets_other_errors_of_the_server_at_each_try_is_told_once() -> None:
    one = replace(REFUSED, reason="ServerError")
    other = replace(one, object="ConfigMap/shop/b")
    told = told_of(Ending.FAILED, [one])
    assert newest.same_failure(told, SHA, [other])
    assert newest.same_failure(told_of(Ending.FAILED, [BROKEN, one]), SHA, [BROKEN])
    assert newest.same_failure(told_of(Ending.FAILED, [BROKEN]), SHA, [other])
    assert not newest.same_failure(told, SHA, [REFUSED, other])


@pytest.mark.parametrize(
    ("told", "sha", "failures"),
    [
        (None, SHA, [BROKEN]),
        (told_of(Ending.PARTIAL, [BROKEN]), SHA, [BROKEN]),
        (told_of(Ending.FAILED, [BROKEN]), "f" * 40, [BROKEN]),
        (told_of(Ending.FAILED, [BROKEN]), SHA, [replace(BROKEN, line=4)]),
        (told_of(Ending.FAILED, [BROKEN]), SHA, [replace(BROKEN, reason="SymlinkRefused")]),
        (told_of(Ending.FAILED, [BROKEN]), SHA, [BROKEN, REFUSED]),
        (told_of(Ending.FAILED, [BROKEN, REFUSED]), SHA, [BROKEN]),
    ],
)
def test_a_failure_that_differs_is_told(told: NewestSync | None, sha: str, failures: list[Failure]) -> None:
    assert not newest.same_failure(told, sha, failures)


def test_a_thousand_faults_are_recognised_although_half_of_them_were_listed() -> None:
    faults = [replace(BROKEN, message="ö" * 900, line=line) for line in range(1, 1001)]
    assert newest.same_failure(told_of(Ending.FAILED, faults), SHA, faults)


def test_a_plan_that_was_recorded_is_recognised_and_another_is_not() -> None:
    plan = entries(change(f"o{number}") for number in range(1200))
    other = entries([change("o0", Action.UPDATE), *(change(f"o{number}") for number in range(1, 1200))])
    records = opening.opening(sync(), plan, None)
    planned = newest.of(closing.close(records, ended(Ending.PLANNED)))
    assert newest.same_plan(planned, plan)
    assert not newest.same_plan(planned, other)
    assert not newest.same_plan(None, plan)


def test_a_plan_is_the_same_whichever_commit_file_and_line_declare_it() -> None:
    plan = entries([change("a")])
    planned = newest.of(closing.close(opening.opening(sync(), plan, None), ended(Ending.PLANNED)))
    assert newest.same_plan(planned, [replace(plan[0], commit="f" * 40, file="b.yaml", line=9)])
    assert not newest.same_plan(planned, [replace(plan[0], digest="other")])


def test_a_plan_is_recognised_after_a_restart() -> None:
    values: list[Any] = [None, "", 0, False, 1.0, 1.5, "1", [], {}, {"a": [None, ""]}]
    fields = tuple(
        FieldChange(path=f"/spec/{number}", old=value, new=[value]) for number, value in enumerate(values)
    )
    one = change("a", Action.UPDATE)
    plan = entries([one], {one.ref: fields})
    closed = closing.close(opening.opening(sync(), plan, None), ended(Ending.PLANNED))
    stored = [recordbody.from_body(json.loads(json.dumps(recordbody.to_body(each)))) for each in closed]
    assert newest.same_plan(newest.of(stored), plan)


def test_a_plan_with_other_refusals_is_another_plan() -> None:
    one = change("a")
    plan = entries([one])
    records = opening.opening(sync(), plan, None)
    planned = newest.of(closing.close(records, ended(Ending.PLANNED, outcomes=(failed(one),))))
    assert newest.same_plan(planned, plan, [replace(REFUSED, message="used: 6")])
    assert not newest.same_plan(planned, plan)
    assert not newest.same_plan(planned, plan, [replace(REFUSED, reason="Forbidden")])


def test_a_plan_that_was_carried_out_is_planned_anew_under_observe() -> None:
    one = change("a")
    records = opening.opening(sync(), entries([one]), None)
    carried_out = newest.of(closing.close(records, ended(outcomes=done(one))))
    assert not newest.same_plan(carried_out, entries([one]))


@pytest.mark.parametrize("ending", [Ending.FAILED, Ending.PARTIAL])
def test_a_refusal_that_was_told_of_this_revision_is_recognised(ending: Ending) -> None:
    told = told_of(ending, [REFUSED])
    assert newest.refuses(told, SHA)
    assert newest.tells(told, REFUSED)
    assert not newest.tells(told, replace(REFUSED, reason="Forbidden"))
    assert not newest.tells(told, replace(REFUSED, object="ConfigMap/shop/b"))


def test_another_revision_and_a_sync_that_went_well_tell_of_no_refusal() -> None:
    assert not newest.refuses(None, SHA)
    assert not newest.refuses(told_of(Ending.FAILED, [REFUSED]), "f" * 40)
    assert not newest.refuses(told_of(Ending.SUCCEEDED), SHA)
    assert not newest.tells(None, REFUSED)
