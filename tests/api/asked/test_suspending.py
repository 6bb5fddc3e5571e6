"""What suspends a GitRepository, until when, and what an annotation that cannot be read may not do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.api import gitrepository, labels
from towline.api.asked import suspending
from towline.api.asked.suspending import SuspendNote, SuspensionSource
from towline.api.gitrepository import GitRepository, Removal
from towline.status import suspension

NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
BEFORE, AFTER = datetime(2026, 12, 24, 11, tzinfo=UTC), datetime(2026, 12, 24, 13, tzinfo=UTC)
UNTIL = "until=2026-12-24T12:00:00Z"


def repository(
    note: str | None = None, at: datetime = BEFORE, status: Any = None, **spec: Any
) -> GitRepository:
    annotations = {} if note is None else {labels.SUSPEND: note}
    metadata = {"namespace": "shop", "name": "app", "uid": "1", "annotations": annotations}
    raw = {"metadata": metadata, "spec": {"url": "https://git.example/app.git", **spec}, "status": status}
    return gitrepository.identify(raw, at)


def written(repository_of: GitRepository, spec_at: datetime, note_at: datetime) -> GitRepository:
    """The same repository, as its managedFields say when its suspension was written."""
    annotation: dict[str, Any] = {"f:metadata": {"f:annotations": {".": {}, f"f:{labels.SUSPEND}": {}}}}
    fields: dict[str, tuple[datetime, dict[str, Any]]] = {
        "kubectl-patch": (spec_at, {"f:spec": {"f:suspend": {}, "f:url": {}}}),
        "towline-cli": (note_at, annotation),
    }
    managed = [
        {"manager": name, "operation": "Update", "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "fieldsV1": tree}
        for name, (at, tree) in fields.items()
    ]
    metadata = {"namespace": "shop", "name": "app", "uid": "1", "managedFields": managed}
    raw = {
        "metadata": {**metadata, "annotations": dict(repository_of.annotations)},
        "spec": dict(repository_of.raw_spec),
        "status": dict(repository_of.status),
    }
    return gitrepository.identify(raw, repository_of.read_at)


def then(before: GitRepository) -> dict[str, Any]:
    """The status that a pass writes for it."""
    return {"suspension": suspension.body(before.suspend_state, before.status)}


@pytest.mark.parametrize(
    ("value", "until", "reason", "by"),
    [
        (f"{UNTIL}, reason=release freeze, by=ada", NOON, "release freeze", "ada"),
        ("until=2026-12-24T13:00:00+01:00", NOON, "", ""),
        ("until=2026-12-24t12:00:00z", NOON, "", ""),
        ("until=2026-12-24 12:00 +00:00", NOON, "", ""),
        ("until=2026-12-24T12:00", NOON, "", ""),
        ("until=2026-12-24T12:00:00.5Z", NOON.replace(microsecond=500000), "", ""),
        ("until=2026-12-24", datetime(2026, 12, 24, tzinfo=UTC), "", ""),
        ("reason=one, two and a=b", None, "one, two and a=b", ""),
        (' By = ada ,Reason="a, until=never, \\"b\\"" ', None, 'a, until=never, "b"', "ada"),
        ('by="ada"\n', None, "", "ada"),
        ("by=system:serviceaccount:ci:bot,reason=", None, "", "system:serviceaccount:ci:bot"),
    ],
)
def test_the_annotation_is_read_as_a_person_writes_it(
    value: str, until: datetime | None, reason: str, by: str
) -> None:
    assert suspending.parse(value) == SuspendNote(until=until, reason=reason, by=by)


UNREADABLE = [
    "",
    "  ",
    "true",
    "tomorrow",
    "until=",
    "until=tomorrow",
    "until=2026-13-01T00:00:00Z",
    "until=2026-12-24T25:00:00Z",
    "until=9999-12-31T23:59:59-23:59",
    "until=2026-12-24T12:00:00Z, until=2027-01-01",
    "untill=2026-12-24T12:00:00Z",
    "reason=freeze, untill=2026-12-24T12:00:00Z",
    'reason="freeze',
    'reason="a" b, by=ada',
    "reason=x,\u00a0by\u00a0=eve,by=ada, b=c",
]


@pytest.mark.parametrize("value", UNREADABLE)
def test_an_annotation_that_cannot_be_read_neither_suspends_nor_ends_a_suspension(value: str) -> None:
    free = repository(value)
    assert not free.is_suspended
    assert free.suspend_state.problem
    assert repository(value, suspend=True).is_suspended
    held = repository(value, status=then(repository(UNTIL)), at=AFTER)
    assert held.is_suspended
    assert held.suspend_state.problem
    again = repository(value, status=then(held), at=AFTER)
    assert again.is_suspended
    assert not repository(None, status=then(again), at=AFTER).is_suspended


def test_an_unreadable_annotation_does_not_hold_what_only_the_spec_had_asked_for() -> None:
    assert not repository("until=soon", status=then(repository(suspend=True))).is_suspended


@pytest.mark.parametrize("spec", [{}, {"suspend": True}], ids=["alone", "next to spec.suspend"])
def test_a_suspension_ends_at_its_time(spec: Any) -> None:
    held = repository(UNTIL, **spec)
    assert held.is_suspended
    assert held.suspend_state.suspension
    assert held.suspend_state.suspension.source is SuspensionSource.ANNOTATION
    over = repository(UNTIL, at=NOON, status=then(held), **spec)
    assert not over.is_suspended
    assert not repository(UNTIL, at=AFTER, status=then(over), **spec).is_suspended


def test_a_time_that_is_moved_suspends_again() -> None:
    over = repository(UNTIL, at=AFTER, status=then(repository(UNTIL, suspend=True)), suspend=True)
    later = repository("until=2026-12-24T18:00:00Z", at=AFTER, status=then(over), suspend=True)
    assert later.is_suspended


def test_an_annotation_that_was_left_behind_does_not_end_a_later_suspension() -> None:
    over = repository(UNTIL, at=AFTER, status=then(repository(UNTIL)))
    assert not over.is_suspended
    later = repository(UNTIL, at=AFTER, status=then(over), suspend=True)
    assert later.is_suspended
    assert "had passed" in later.suspend_state.problem
    resumed = repository(UNTIL, at=AFTER, status=then(later), suspend=False)
    assert not resumed.is_suspended


def test_without_a_time_a_suspension_lasts_until_a_person_ends_it() -> None:
    assert repository("reason=freeze", at=AFTER).is_suspended


@pytest.mark.parametrize(
    ("note", "at", "spec"),
    [(UNTIL, BEFORE, {}), ("by=ada", AFTER, {}), (UNTIL, AFTER, {"suspend": True})],
)
def test_deleting_what_is_suspended_or_says_so_releases_the_objects(
    note: str, at: datetime, spec: Any
) -> None:
    assert gitrepository.removal(repository(note, at, **spec)) is Removal.NONE
    assert gitrepository.removal(repository(UNTIL, AFTER)) is Removal.CREATED


@given(st.text(), st.text(), st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001  UTC is added
def test_what_is_written_is_read_back(reason: str, by: str, until: datetime) -> None:
    note = SuspendNote(until=until.replace(tzinfo=UTC, microsecond=0), reason=reason, by=by)
    value = suspending.written(note)
    found = suspending.parse(value)
    assert found.until == note.until
    assert suspending.written(found) == value


@given(st.text(alphabet='untilreasoby=, "\\Z0T:-'))
def test_no_value_breaks_the_reader(value: str) -> None:
    repository(value).suspend_state  # noqa: B018  it is read


def test_a_suspension_that_came_and_went_while_no_operator_ran_has_ended() -> None:
    unseen = repository(UNTIL, AFTER, suspend=True)
    found = written(unseen, BEFORE, BEFORE)
    assert (found.is_suspended, found.suspend_state.ended, found.suspend_state.problem) == (False, NOON, "")
    seen = repository(UNTIL, AFTER, status={"suspension": {"source": "Spec"}}, suspend=True)
    assert not written(seen, BEFORE, BEFORE).is_suspended
    held = repository(UNTIL, BEFORE, suspend=True)
    assert written(held, BEFORE, BEFORE).is_suspended


def test_its_end_is_remembered_whoever_writes_to_the_repository_later() -> None:
    first = written(repository(UNTIL, AFTER, suspend=True), BEFORE, BEFORE)
    later = repository(UNTIL, AFTER, then(first), suspend=True)
    assert not written(later, AFTER, AFTER).is_suspended


@pytest.mark.parametrize(("spec_at", "note_at"), [(BEFORE, AFTER), (AFTER, BEFORE), (AFTER, AFTER)])
def test_a_time_that_was_over_when_it_was_written_ends_nothing(spec_at: datetime, note_at: datetime) -> None:
    found = written(repository(UNTIL, AFTER, suspend=True), spec_at, note_at)
    assert found.is_suspended
    assert "had passed when it was read first" in found.suspend_state.problem
