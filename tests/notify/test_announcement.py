"""What people are told of a status, and what not: nothing twice, nothing of a pause, everything in one wording."""

from __future__ import annotations

from typing import Any

import pytest
from towline.drift.deviations import Deviation
from towline.model import Ignored, Manifest, ObjectRef, Origin
from towline.notify import announcement
from towline.notify.announcement import Weight


def said(reason: str, message: str = "", ready: str = "False", **more: Any) -> dict[str, Any]:
    return {
        "conditions": [{"type": "Ready", "status": ready, "reason": reason, "message": message}],
        **more,
    }


SYNCED = said("Succeeded", "1111111 is applied", "True", lastRecord="app-1")
FAILED = said("BuildFailed", "a.yaml:3: duplicate key", lastRecord="app-1")


def told(
    before: dict[str, Any], after: dict[str, Any], *, is_suspended: bool = False
) -> list[tuple[str, ...]]:
    found = announcement.announcements(before, after, is_suspended=is_suspended)
    return [(each.event, each.weight, each.reason, each.message) for each in found]


def test_a_sync_is_told_once_in_the_words_of_the_status() -> None:
    assert told({}, SYNCED) == [("synced", Weight.NORMAL, "Succeeded", "1111111 is applied")]
    assert told(SYNCED, SYNCED) == []


def test_a_record_of_a_sync_that_left_the_status_as_it_was_is_told() -> None:
    assert told(SYNCED, {**SYNCED, "lastRecord": "app-2"}) == told({}, SYNCED)


@pytest.mark.parametrize(
    ("before", "after"),
    [(SYNCED, FAILED), (said("BuildFailed", "another", lastRecord="app-1"), FAILED), ({}, FAILED)],
)
def test_a_failure_that_was_not_there_before_is_a_warning(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert told(before, after) == [
        ("not ready", Weight.WARNING, "BuildFailed", "a.yaml:3: duplicate key"),
    ]


def test_a_pause_warns_nobody() -> None:
    assert told(SYNCED, said("Suspended", lastRecord="app-1"), is_suspended=True) == []


def test_a_plan_under_observe_is_told_as_such_though_its_record_is_new() -> None:
    planned = said("Planned", "2 changes", "False", lastRecord="app-2")
    assert told(SYNCED, planned) == [("planned", Weight.NORMAL, "Planned", "2 changes")]


def test_new_drift_is_told_before_the_end_of_the_pass() -> None:
    drift = [{"object": "ConfigMap/shop/a", "field": "/data/x", "file": "a.yaml"}]
    drifted = {**FAILED, "drift": drift, "driftTotal": 1}
    assert [each[:3] for each in told(SYNCED, drifted)] == [
        ("drifted", Weight.WARNING, "Drifted"),
        ("not ready", Weight.WARNING, "BuildFailed"),
    ]
    assert [each[0] for each in told(drifted, {**SYNCED, "drift": drift, "driftTotal": 1})] == []


def test_a_status_says_its_figures() -> None:
    figures = announcement.figures({**SYNCED, "objects": {"declared": 5, "healthy": 4, "drifted": 1}})
    assert (figures.reason, figures.is_ready) == ("Succeeded", True)
    assert (figures.declared, figures.healthy, figures.drifted) == (5, 4, 1)
    assert announcement.figures(FAILED).is_ready is False


def test_repairs_name_three_objects_count_the_others_and_name_each_rival_once() -> None:
    refs = [ObjectRef("", "ConfigMap", "shop", name) for name in "abcde"]
    news = announcement.repaired(refs, ["kubectl-edit", "", "kubectl-edit"], "app-7")
    named = ", ".join(ref.display for ref in refs[:3])
    assert news.message == f"Restored {named} and 2 more, changed by kubectl-edit"
    assert news.details == {"objects": 5, "record": "app-7"}


def test_differences_to_what_was_shown_are_named_up_to_five() -> None:
    news = announcement.differs("app-3", [f"d{number}" for number in range(7)])
    assert news.message == "Differs from what SyncRecord app-3 showed: d0; d1; d2; d3; d4; and 2 more"
    assert news.details["total"] == 7


def declaring(name: str, *fields: str) -> Manifest:
    ref = ObjectRef("apps", "Deployment", "shop", name)
    left_out = tuple(Ignored(7, field, "a controller") for field in fields)
    return Manifest(
        ref=ref,
        api_version="apps/v1",
        content=b"{}",
        digest="d",
        origin=Origin("web.yaml", 1),
        left_out=left_out,
    )


def test_fields_that_are_left_to_their_controllers_are_told_with_their_lines() -> None:
    news = announcement.ignored([declaring("web", "/a"), declaring("other")], [])
    assert news is not None
    assert (news.weight, news.reason) == (Weight.NORMAL, "FieldsIgnored")
    told = "web.yaml:7 /a of Deployment shop/web, which a controller writes"
    assert news.message == f"Not applied: {told}. Remove these lines from Git"


def test_such_fields_are_told_once_and_many_are_counted() -> None:
    before = [declaring("web", "/a")]
    assert announcement.ignored(before, before) is None
    news = announcement.ignored([declaring("web", *(f"/{each}" for each in "abcdefgh"))], before)
    assert news is not None
    assert "/a of" not in news.message
    assert news.message.endswith("; and 2 more. Remove these lines from Git")


def test_drift_that_others_set_back_is_told_with_its_values_and_many_are_counted() -> None:
    assert announcement.set_back(()) is None
    ended = [
        Deviation(object="ConfigMap/shop/a", field=f"/data/{name}", want="1", by="kubectl-patch")
        for name in "abcd"
    ]
    news = announcement.set_back(ended)
    assert news is not None
    assert (news.event, news.weight, news.reason) == ("drift ended", "Normal", "DriftEnded")
    assert news.message == (
        'As Git declares, set back by others: ConfigMap shop/a data.a is "1" again (kubectl-patch); '
        'ConfigMap shop/a data.b is "1" again (kubectl-patch); '
        'ConfigMap shop/a data.c is "1" again (kubectl-patch); and 1 more'
    )


HOLDS = "ConfigMap shop/web is being deleted, and waits for finalizer example.com/hold (set by backup)"


@pytest.mark.parametrize(
    ("total", "why", "said"),
    [
        (1, (HOLDS,), f"Deleted after 1m, although 1 object of it is not gone: {HOLDS}. They go"),
        (5, (HOLDS,), f"although 5 objects of it are not gone: {HOLDS}; and 4 more. They go"),
        (5, (), "although 5 objects of it are not gone: 5 more. They go"),
    ],
)
def test_what_a_deletion_does_not_wait_for_any_longer_is_told_with_what_to_do(
    total: int, why: tuple[str, ...], said: str
) -> None:
    news = announcement.undeleted(total, why, 60.0)
    assert (news.reason, news.weight) == ("DeletionIncomplete", Weight.WARNING)
    assert said in news.message
    assert "remove the finalizers by hand" in news.message


def test_both_ends_of_a_suspension_are_told_and_so_is_an_annotation_that_cannot_be_read() -> None:
    free, held = suspended("False", "spec.suspend is not set"), suspended("True", "Suspended since then")
    longer = suspended("True", "Suspended since then until later")
    assert heard(free, held) == [("suspended", Weight.NORMAL, "Suspended", "Suspended since then")]
    assert heard(held, held) == []
    assert [each[2:] for each in heard(held, longer)] == [("Suspended", "Suspended since then until later")]
    resumed = "No longer suspended, as it was since 2026-01-01T00:00:00Z. spec.suspend is not set"
    assert heard(longer, free) == [("resumed", Weight.NORMAL, "Resumed", resumed)]
    wrong = {**free, "suspension": {"problem": "until=soon is not a time"}}
    ((_, weight, reason, message),) = heard(free, wrong)
    assert (weight, reason) == (Weight.WARNING, "SuspendAnnotationInvalid")
    assert message == "The annotation towline.dev/suspend does not count: until=soon is not a time"
    assert heard(wrong, wrong) == []


def test_a_suspension_that_was_over_before_anybody_looked_is_told_once() -> None:
    free = suspended("False", "spec.suspend is not set")
    over = suspended("False", "The suspension ended at its time, 2026-01-01T00:00:00Z")
    ended = "The suspension ended at its time, 2026-01-01T00:00:00Z"
    told = f"No longer suspended, as it was while Towline did not run. {ended}"
    assert heard(free, over, has_ended=True) == [("resumed", Weight.NORMAL, "Resumed", told)]
    assert heard(over, over, has_ended=True) == []
    assert heard(over, free) == []


def suspended(truth: str, message: str) -> dict[str, Any]:
    entry = {
        "type": "Suspended",
        "status": truth,
        "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    return {**SYNCED, "conditions": [*SYNCED["conditions"], entry]}


def heard(before: dict[str, Any], after: dict[str, Any], *, has_ended: bool = False) -> list[tuple[str, ...]]:
    found = announcement.suspensions(before, after, has_ended=has_ended)
    return [(each.event, each.weight, each.reason, each.message) for each in found]


def test_a_look_is_told_where_the_annotation_names_who_asked() -> None:
    looked = {**SYNCED, "lastHandledReconcile": "now, by=ada"}
    assert told(SYNCED, looked) == [
        ("looked as asked", Weight.NORMAL, "Requested", "Looked, as ada asked (as claimed)")
    ]
    assert told(looked, looked) == []
    assert told(SYNCED, {**SYNCED, "lastHandledReconcile": "now"}) == []
