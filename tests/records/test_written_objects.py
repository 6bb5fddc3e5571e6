"""What the records tell of the objects of a repository."""

from __future__ import annotations

from typing import Any

import pytest
from towline.records.written_objects import RecordedWrites

UID = "0b6a0c3e"


def record(
    sequence: int, *changes: tuple[str, str], outcome: str = "Succeeded", uid: str = UID, **status: Any
) -> dict[str, Any]:
    """A closed record of these changes, each by action and object."""
    counts = {"pruned": sum(action == "prune" for action, _ in changes)}
    return {
        "spec": {
            "repository": {"uid": uid},
            "sequence": sequence,
            "changes": [{"object": name, "action": action} for action, name in changes],
        },
        "status": {"outcome": outcome, "counts": counts, **status},
    }


def named(*records: dict[str, Any]) -> frozenset[str]:
    told = RecordedWrites()
    told.extend(records)
    told.settle()
    return told.evidence.named.get(UID, frozenset())


@pytest.mark.parametrize("action", ["create", "update", "adopt", "repair", "replace"])
def test_what_was_written_is_named_until_it_is_removed(action: str) -> None:
    assert named(record(1, (action, "a"))) == {"a"}
    assert named(record(1, (action, "a")), record(2, ("prune", "a"))) == set()
    assert named(record(1, (action, "a")), record(2, ("prune", "a")), record(3, (action, "a"))) == {"a"}


@pytest.mark.parametrize("outcome", ["Planned", "Failed"])
def test_what_was_only_planned_is_not_named(outcome: str) -> None:
    assert named(record(1, ("create", "a"), outcome=outcome)) == set()


def test_what_was_refused_is_as_it_was() -> None:
    refused = [{"change": 0, "reason": "Forbidden", "message": "no"}]
    assert named(record(1, ("create", "a"), ("create", "b"), outcome="Partial", failures=refused)) == {"b"}
    first = record(1, ("create", "a"))
    assert named(first, record(2, ("prune", "a"), outcome="Partial", failures=refused)) == {"a"}


def test_a_removal_that_a_sync_did_not_come_to_leaves_its_object_named() -> None:
    first = record(1, ("create", "a"))
    assert named(first, record(2, ("prune", "a"), outcome="Superseded", counts={"pruned": 0})) == {"a"}
    cut = record(2, ("prune", "a"))
    del cut["status"]
    assert named(first, cut) == {"a"}


def test_an_object_that_a_finalizer_keeps_counts_as_removed() -> None:
    assert named(record(1, ("create", "a")), record(2, ("prune", "a"), counts={"deleting": 1})) == set()


def test_the_records_of_each_resource_of_a_name_stand_for_themselves() -> None:
    told = RecordedWrites()
    told.extend([record(1, ("create", "a")), record(1, ("prune", "a"), uid="later")])
    told.settle()
    assert told.evidence.named == {UID: {"a"}, "later": frozenset()}


@pytest.mark.parametrize(("sequences", "whole"), [([1, 2, 3], True), ([2, 3], False), ([1, 3], False)])
def test_records_are_whole_if_none_is_missing(sequences: list[int], whole: bool) -> None:  # noqa: FBT001
    told = RecordedWrites()
    told.extend([record(number) for number in sequences])
    told.settle()
    assert (UID in told.evidence.whole) is whole
