from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from towline.records import retention
from towline.records.retention import Retention, Stored

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FEW = Retention(commits=3, drifts=2, age=timedelta(days=10))


def stored(sequence: int, days: float = 0) -> Stored:
    return Stored(
        namespace="shop",
        name=f"app-{sequence}",
        repository="0b6a0c3e",
        uid=f"uid {sequence}",
        sequence=sequence,
        created_at=NOW - timedelta(days=days),
    )


def gone(records: list[Stored], drifts: list[Stored] | None = None) -> list[int]:
    return [record.sequence for record in retention.expired(records, drifts or [], FEW, NOW)]


def test_the_oldest_records_beyond_the_limit_go() -> None:
    assert gone([stored(sequence) for sequence in (2, 5, 1, 4, 3)]) == [1, 2]


def test_a_flood_of_repairs_pushes_no_commit_out() -> None:
    commits = [stored(sequence) for sequence in (1, 2, 3)]
    drifts = [stored(sequence) for sequence in range(4, 10)]
    assert gone(commits + drifts, drifts) == [4, 5, 6, 7]


def test_old_records_go_and_the_newest_stays_however_old_it_is() -> None:
    assert gone([stored(1, days=30), stored(2, days=11), stored(3, days=10)]) == [1, 2]
    assert gone([stored(1, days=900)]) == []


def test_while_no_clock_is_believed_none_goes_for_its_age_and_those_beyond_the_limit_go() -> None:
    records = [stored(sequence, days=900) for sequence in range(1, 6)]
    assert [each.sequence for each in retention.expired(records, [], FEW, None)] == [1, 2]


def test_the_defaults_are_those_of_the_contract() -> None:
    assert Retention() == Retention(commits=500, drifts=200, age=timedelta(days=400))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=20))
def test_nothing_within_the_limits_goes(drawn: list[tuple[bool, int]]) -> None:
    records = [stored(sequence, days) for sequence, (_, days) in enumerate(drawn, start=1)]
    drifts = [record for record, (drift, _) in zip(records, drawn, strict=True) if drift]
    left = {record.sequence for record in records} - set(gone(records, drifts))
    assert not records or len(records) in left
    for group, limit in ((drifts, 2), ([record for record in records if record not in drifts], 3)):
        for record in group[-limit:]:
            assert record.sequence in left or record.created_at < NOW - timedelta(days=10)
        assert len(left & {record.sequence for record in group}) <= limit + 1


def test_of_repositories_that_are_gone_all_records_go_by_their_age() -> None:
    records = [stored(1, days=900), stored(2, days=11), stored(3, days=9)]
    living = "0b6a0c3e-5f3b-4a52-9c8e-3f1d2b7a9e10"
    assert [each.sequence for each in retention.orphaned(records, {"another"}, FEW, NOW)] == [1, 2]
    assert retention.orphaned(records, {living}, FEW, NOW) == ()
