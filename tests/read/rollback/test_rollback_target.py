"""Which sync a rollback goes back to, and what the records say that it would change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from towline.api.syncrecord import Ending, FieldChange, SyncRecord, Trigger
from towline.model import Action, Change
from towline.read.rollback import rollback_target
from towline.read.rollback.rollback_target import NoTargetError, UndoneChange, UndoneField
from towline.records import closing, newest, opening

from tests.records import syncs

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40


def record(
    before: Sequence[SyncRecord],
    target: str,
    *changes: tuple[Change, tuple[FieldChange, ...]],
    ending: Ending = Ending.SUCCEEDED,
    **more: Any,
) -> SyncRecord:
    """One more sync after those before."""
    fields = {change.ref: some for change, some in changes}
    entries = syncs.entries([change for change, _ in changes], fields)
    tip = newest.of((before[-1],)) if before else None
    (made,) = closing.close(
        opening.opening(syncs.sync(target=target, **more), entries, tip), syncs.ended(ending)
    )
    return made


def update(name: str, old: Any, new: Any) -> tuple[Change, tuple[FieldChange, ...]]:
    return syncs.change(name, Action.UPDATE), (FieldChange(path="/data/x", old=old, new=new),)


def one(name: str, action: Action) -> tuple[Change, tuple[FieldChange, ...]]:
    return syncs.change(name, action), ()


def history() -> list[SyncRecord]:
    made: list[SyncRecord] = []
    made.append(record(made, ONE, one("settings", Action.CREATE), one("old", Action.CREATE)))
    made.append(record(made, TWO, update("settings", "one", "two"), one("added", Action.CREATE)))
    made.append(record(made, TWO, update("settings", "drifted", "two"), trigger=Trigger.DRIFT))
    made.append(record(made, "4" * 40, ending=Ending.FAILED))
    made.append(record(made, THREE, update("settings", "two", "three"), one("old", Action.PRUNE)))
    return made


def test_it_goes_back_to_the_newest_sync_that_succeeded_with_another_commit() -> None:
    made = history()
    assert rollback_target.choose(made, THREE, "").intent.target == TWO
    assert rollback_target.choose(made, "5" * 40, "").intent.target == THREE


def test_a_record_or_a_commit_may_be_named() -> None:
    made = history()
    assert rollback_target.choose(made, THREE, made[0].name) is made[0]
    assert rollback_target.choose(made, THREE, "1111111") is made[0]
    assert rollback_target.choose(made, THREE, "2222") is made[2]


@pytest.mark.parametrize(
    ("head", "wanted", "why"),
    [
        (THREE, "4444444", "neither a SyncRecord of it nor a commit"),
        (THREE, "111", "neither a SyncRecord"),
        (THREE, "33333", "there is nothing to undo"),
        (THREE, 3, "is Failed"),
    ],
)
def test_what_is_no_sync_to_go_back_to_is_refused_with_the_reason(
    head: str, wanted: str | int, why: str
) -> None:
    made = history()
    name = made[wanted].name if isinstance(wanted, int) else wanted
    with pytest.raises(NoTargetError, match=why):
        rollback_target.choose(made, head, name)


def test_without_an_earlier_commit_there_is_nothing_to_go_back_to() -> None:
    with pytest.raises(NoTargetError, match="no earlier commit was applied"):
        rollback_target.choose(history()[:1], ONE, "")


def test_what_was_done_since_is_undone_object_by_object() -> None:
    made = history()
    settings, old, added = (f"ConfigMap/shop/{name}" for name in ("settings", "old", "added"))
    assert rollback_target.undone(made, made[0]) == (
        UndoneChange(object=added, action="delete"),
        UndoneChange(object=old, action="create"),
        UndoneChange(
            object=settings,
            action="update",
            fields=(UndoneField(path="/data/x", now="three", then="one"),),
        ),
    )
    assert rollback_target.undone(made, made[-1]) == ()


def test_what_was_taken_back_since_is_no_change() -> None:
    made: list[SyncRecord] = []
    made.append(record(made, ONE, one("settings", Action.CREATE)))
    made.append(record(made, TWO, update("settings", "one", "two"), one("brief", Action.CREATE)))
    made.append(record(made, THREE, update("settings", "two", "one"), one("brief", Action.PRUNE)))
    assert rollback_target.undone(made, made[0]) == ()


def test_files_that_declare_what_was_changed_are_known() -> None:
    made = history()
    assert rollback_target.files(made, made[0]) == ("app/all.yaml", "old.yaml")


def test_only_a_branch_can_be_reverted() -> None:
    assert rollback_target.branch_of({"ref": "refs/heads/main"}) == "main"
    assert rollback_target.branch_of({"ref": "refs/tags/v1"}) == ""
    assert rollback_target.branch_of({}) == ""
