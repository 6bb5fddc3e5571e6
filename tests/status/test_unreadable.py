"""How a kind reads that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime

from towline.errors import Reason
from towline.model import GroupKind, ObjectRef
from towline.status import compute, unreadable
from towline.status.compute import PassResult

WIDGET = GroupKind("example.com", "Widget")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_sentence_names_kind_cause_and_what_waits() -> None:
    told = unreadable.sentence(
        {WIDGET: "conversion webhook failed"}, [ObjectRef(*WIDGET, "shop", name) for name in "ab"]
    )
    assert "Widget.example.com: conversion webhook failed" in told
    assert "2 declared objects" in told


def test_a_cause_that_comes_late_in_a_long_sentence_is_told() -> None:
    told = unreadable.sentence(
        {WIDGET: "failed to list " * 35 + "conversion webhook failed: connection refused"}
    )
    assert "conversion webhook failed: connection refused" in told


def test_of_many_kinds_three_are_named_and_the_others_counted() -> None:
    told = unreadable.sentence({GroupKind("example.com", f"Kind{number}"): "away" for number in range(5)})
    assert "Kind2.example.com" in told
    assert "Kind3" not in told
    assert "and 2 more" in told


def test_there_is_nothing_to_say_where_every_kind_can_be_read() -> None:
    assert unreadable.sentence({}) == ""


def test_ready_is_unknown_while_nothing_but_a_kind_is_in_the_way() -> None:
    statuses = []
    for is_unread in (True, False):
        passed = PassResult(generation=1, reason=Reason.CLUSTER_UNAVAILABLE, is_unread=is_unread)
        told = compute.compute({}, passed, NOW)
        ready = {each["type"]: each for each in told["conditions"]}["Ready"]
        statuses.append((ready["status"], ready["reason"]))
    assert statuses == [("Unknown", "ClusterUnavailable"), ("False", "ClusterUnavailable")]
