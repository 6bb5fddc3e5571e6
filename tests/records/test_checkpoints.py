"""Checkpoints: what was signed of records tells what was cut off, exchanged or deleted."""

from __future__ import annotations

import base64
import copy
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from towline.api import checkpoint, recordbody
from towline.api.syncrecord import SyncRecord
from towline.records import checkpoints, newest, signed_chain, signing
from towline.records.checkpoints import EVERY, Checkpoints
from towline.records.newest import NewestSync
from towline.records.signing import CheckpointKey

from tests.records import syncs
from tests.records.syncs import UID

KEY = CheckpointKey(b"k" * 32)
OTHER = CheckpointKey(b"o" * 32)
RECORDS = syncs.history(1, 1, 1, 1)
BODIES = [recordbody.to_body(made) for made in RECORDS]


def last(made: SyncRecord) -> NewestSync:
    return newest.of((made,))


def signs() -> Checkpoints:
    return Checkpoints(KEY, lambda: datetime(2026, 6, 1, tzinfo=UTC))


def after(made: SyncRecord, status: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a status says after a record was closed."""
    known = signs()
    known.closed(UID, last(made))
    return dict(known.newest(UID, status or {}) or {})


def said(bodies: list[Any], *told: Any, key: CheckpointKey = KEY) -> list[str]:
    found = signed_chain.verify(bodies, told, {key.public})
    return [f"{problem.record[-8:]}: {problem.message}" for problem in found.problems]


def test_an_untouched_history_agrees_with_what_was_signed_of_it() -> None:
    found = signed_chain.verify(BODIES, [after(each) for each in RECORDS], {KEY.public})
    assert (found.problems, found.checked, found.unchecked) == ((), 4, 0)


def test_records_that_were_cut_off_the_end_are_missed() -> None:
    assert said(BODIES[:2], after(RECORDS[3])) == [
        "00000002: the records 3 to 4 after it are missing: they were signed at 2026-06-01T00:00:00Z"
    ]
    (all_gone,) = said([], after(RECORDS[3]))
    assert "the records 1 to 4" in all_gone


def test_records_that_were_cut_off_the_front_are_missed_unless_retention_signed_for_them() -> None:
    assert said(BODIES[2:], after(RECORDS[3])) == ["00000003: the records 1 to 2 before it are missing"]
    known = signs()
    known.fold(UID, last(RECORDS[3]), (), {1, 2})
    assert said(BODIES[2:], known.newest(UID, {})) == []


def test_a_gap_is_well_where_retention_signed_for_all_of_it() -> None:
    known = signs()
    known.fold(UID, last(RECORDS[3]), (range(3, 4),), {1})
    kept = [BODIES[1], BODIES[3]]
    assert said(kept, known.newest(UID, {})) == []
    assert said([BODIES[3]], known.newest(UID, {})) == ["00000004: the records 1 to 3 before it are missing"]


def test_another_history_of_the_same_repository_is_not_what_was_signed() -> None:
    others = [recordbody.to_body(made) for made in syncs.history(2, 2, 2, 2)]
    assert "00000004: it is not the record that was signed at 2026-06-01T00:00:00Z" in said(
        others, after(RECORDS[3])
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 3},
        {"digest": "sha256:00"},
        {"time": "2020-01-01T00:00:00Z"},
        {"trimmed": "1-4"},
        {"uid": "another"},
        {"signature": base64.b64encode(b"x" * 64).decode()},
        {"signature": "no base64"},
    ],
)
def test_a_forged_checkpoint_is_named(changes: dict[str, Any]) -> None:
    assert said(BODIES, {**after(RECORDS[3]), **changes})[0].endswith("is forged: nobody signed it")


def test_a_checkpoint_of_another_key_is_not_checked_and_counted() -> None:
    found = signed_chain.verify(BODIES, [after(RECORDS[3])], {OTHER.public})
    assert (found.problems, found.checked, found.unchecked) == ((), 0, 1)


@pytest.mark.parametrize("told", [{}, None, [], {"uid": "a"}, {**after(RECORDS[0]), "trimmed": "x"}])
def test_what_is_no_checkpoint_is_named(told: Any) -> None:
    assert [each for each in said(BODIES, told) if "cannot be read" in each]


def test_a_forged_checkpoint_in_a_record_is_named_with_the_record() -> None:
    bodies = copy.deepcopy(BODIES)
    bodies[1]["spec"]["checkpoint"] = {**after(RECORDS[0]), "sequence": 2}
    assert "00000002: its checkpoint is forged: nobody signed it" in said(bodies)


def test_a_key_must_be_base64_of_32_bytes() -> None:
    for key in ("", "!", base64.b64encode(b"short").decode()):
        with pytest.raises(ValueError, match="base64 of 32 bytes"):
            signed_chain.verify(BODIES, (), {key})


def test_the_first_record_of_a_process_holds_one_and_then_each_hundredth() -> None:
    known = signs()
    tip = last(RECORDS[0])
    assert known.for_record(UID, None) is None
    first = known.for_record(UID, tip)
    assert first
    assert (first.sequence, first.digest) == (1, tip.digest)
    held = []
    for sequence in range(2, 2 * EVERY + 3):
        tip = replace(tip, sequence=sequence)
        known.closed(UID, tip)
        if made := known.for_record(UID, tip):
            held.append(made.sequence)
    assert held == [EVERY, 2 * EVERY]


def test_a_record_that_could_not_be_opened_leaves_its_checkpoint_to_the_next() -> None:
    known, tip = signs(), last(RECORDS[0])
    known.fold(UID, tip, (), {1})
    tried, again = known.for_record(UID, tip), known.for_record(UID, tip)
    assert tried == again is not None
    known.closed(UID, replace(tip, sequence=2))
    assert known.for_record(UID, replace(tip, sequence=2)) is None


def test_each_hundredth_and_the_last_before_a_stop_go_to_the_log() -> None:
    known, tip = signs(), last(RECORDS[0])
    with capture_logs() as logs:
        for sequence in range(1, EVERY + 2):
            known.closed(UID, replace(tip, sequence=sequence))
        known.stop()
        known.stop()
    assert [(line["event"], line["sequence"]) for line in logs] == [
        ("checkpoint", EVERY),
        ("checkpoint", EVERY + 1),
    ]
    assert {line["publicKey"] for line in logs} == {KEY.public}
    assert all(signing.is_signed(checkpoint.parse(line), KEY.public) for line in logs)


def test_what_retention_deleted_stays_signed_after_a_restart() -> None:
    known = signs()
    known.fold(UID, last(RECORDS[2]), (), {1})
    status = {"checkpoint": known.newest(UID, {})}
    again = after(RECORDS[3], status)
    assert (again["sequence"], again["trimmed"]) == (4, "1")
    assert signs().trimmed(status, UID) == (range(1, 2),)


def test_a_status_that_somebody_else_wrote_says_nothing_about_retention() -> None:
    known = Checkpoints(OTHER, lambda: datetime(2026, 6, 1, tzinfo=UTC))
    known.fold(UID, last(RECORDS[2]), (), {1})
    status = {"checkpoint": known.newest(UID, {})}
    assert signs().trimmed(status, UID) == ()
    assert after(RECORDS[3], status).get("trimmed") is None
    for told in (None, "x", {"uid": UID}, {**after(RECORDS[0]), "uid": "another"}):
        assert signs().trimmed({"checkpoint": told}, UID) == ()


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 40))))
def test_ranges_say_exactly_what_they_are_made_of(drawn: list[tuple[int, int]]) -> None:
    made = [range(start, start + length) for start, length in drawn]
    written = checkpoint.ranges(made)
    spans = checkpoint.spans(written)
    assert {number for span in spans for number in span} == {number for span in made for number in span}
    assert checkpoint.ranges(spans) == written
    assert all(older.stop < newer.start for older, newer in pairwise(spans))


def test_what_was_deleted_in_years_costs_no_more_than_what_was_deleted_in_a_day() -> None:
    known = signs()
    known.fold(UID, last(RECORDS[3]), (range(1, 10**12),), {10**12 + 1})
    assert (known.newest(UID, {}) or {})["trimmed"] == "1-999999999999,1000000000001"


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    made = checkpoint.parse(after(RECORDS[3]))
    assert checkpoint.parse(checkpoint.body(made)) == made
    assert checkpoints.EVERY == 100
