from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.live import judge
from towline.live.judge import EventMeaning, Shift
from towline.model import CURRENT, Health, Live, ObjectRef, Stamp, State

SEEN = Live(
    ref=ObjectRef("apps", "Deployment", "shop", "web"),
    uid="u1",
    resource_version="10",
    generation=3,
    label="shop.app",
    owner="r1",
    digest="d1",
    commit="c1",
    source="web.yaml",
    manager="towline:shop/app",
    fields=b'{"f:spec":{"f:replicas":{}}}',
    entry_time="2026-01-01T00:00:00Z",
    terminating=False,
    prune_disabled=False,
)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, EventMeaning.NOISE),
        ({"generation": 4}, EventMeaning.DOUBTFUL),
        ({"generation": -1}, EventMeaning.DOUBTFUL),
        ({"uid": "u2"}, EventMeaning.RECREATED),
        ({"uid": "u2", "fields": b""}, EventMeaning.RECREATED),
        ({"terminating": True}, EventMeaning.TERMINATING),
        ({"label": "shop.other"}, EventMeaning.RELABELLED),
        ({"fields": b"{}"}, EventMeaning.CHANGED),
        ({"fields": b"", "manager": "", "entry_time": ""}, EventMeaning.CHANGED),
        ({"entry_time": "2026-01-01T00:00:01Z"}, EventMeaning.CHANGED),
        ({"owner": ""}, EventMeaning.CHANGED),
        ({"digest": "d2"}, EventMeaning.CHANGED),
        ({"prune_disabled": True}, EventMeaning.CHANGED),
    ],
)
def test_an_event_means_what_changed_in_it(change: dict[str, Any], verdict: EventMeaning) -> None:
    after = SEEN._replace(resource_version="11", **change)
    assert judge.judge(SEEN, after) is verdict


def test_the_same_resource_version_is_our_own_echo() -> None:
    assert judge.judge(SEEN, SEEN) is EventMeaning.ECHO


def test_another_state_under_the_same_resource_version_is_no_echo() -> None:
    assert judge.judge(SEEN, SEEN._replace(digest="older")) is EventMeaning.CHANGED
    assert judge.judge(SEEN, SEEN._replace(uid="u2")) is EventMeaning.RECREATED
    assert judge.judge(SEEN, SEEN._replace(generation=2)) is EventMeaning.DOUBTFUL


def test_a_deletion_is_told_from_an_object_that_was_never_ours() -> None:
    assert judge.judge(SEEN, None) is EventMeaning.GONE
    assert judge.judge(None, SEEN) is EventMeaning.APPEARED
    assert judge.judge(None, None) is EventMeaning.NOISE


def test_a_status_write_wakes_nobody_and_a_lost_field_does() -> None:
    assert not judge.judge(SEEN, SEEN._replace(resource_version="11")).matters
    assert judge.judge(SEEN, SEEN._replace(resource_version="11", fields=b"{}")).matters


@settings(max_examples=50)
@given(st.sampled_from(["uid", "owner", "digest", "label", "manager", "entry_time"]), st.text())
def test_no_change_of_ownership_passes_for_noise(field: str, value: str) -> None:
    change: dict[str, Any] = {field: value + "!"}
    assert judge.judge(SEEN, SEEN._replace(resource_version="11", **change)).matters


WAITS = Health(State.IN_PROGRESS, "1 of 3 replicas are available")


@pytest.mark.parametrize(
    ("before", "after", "shift"),
    [
        (CURRENT, CURRENT, Shift.NONE),
        (CURRENT, WAITS, Shift.STATE),
        (WAITS, WAITS._replace(message="2 of 3 replicas are available"), Shift.WORDS),
        (WAITS, CURRENT, Shift.STATE),
    ],
)
def test_health_moves_beside_what_else_an_event_means(before: Health, after: Health, shift: Shift) -> None:
    seen, told = SEEN._replace(health=before), SEEN._replace(health=after, resource_version="11")
    assert judge.shift(seen, told) is shift
    assert judge.judge(seen, told) is EventMeaning.NOISE
    assert judge.shift(seen, told._replace(generation=4)) is shift


def test_what_comes_or_goes_has_no_health_that_could_move() -> None:
    assert judge.shift(None, SEEN) is Shift.NONE
    assert judge.shift(SEEN, None) is Shift.NONE


def test_only_what_metadata_explains_is_beyond_doubt() -> None:
    assert {each for each in EventMeaning if not each.doubtful} == {
        EventMeaning.ECHO,
        EventMeaning.NOISE,
        EventMeaning.GONE,
        EventMeaning.RECREATED,
        EventMeaning.TERMINATING,
    }


@pytest.mark.parametrize("left", [Stamp.NONE, Stamp.WRONG])
def test_a_stamp_that_goes_while_the_object_is_watched_was_removed_until_a_valid_one_is_back(
    left: Stamp,
) -> None:
    stamped, robbed = SEEN._replace(stamp=Stamp.VALID), SEEN._replace(stamp=left, resource_version="11")
    seen = judge.stripped(stamped, robbed)
    assert seen == robbed._replace(stamp=Stamp.REMOVED)
    assert judge.stripped(seen, robbed) == seen
    assert judge.stripped(seen, stamped) == stamped
    assert judge.judge(stamped, robbed) is EventMeaning.CHANGED


def test_an_object_that_never_had_a_stamp_here_is_from_before_stamps() -> None:
    before = SEEN._replace(stamp=Stamp.NONE)
    assert judge.stripped(None, before) == before
    assert judge.stripped(before, before) == before
    assert judge.stripped(SEEN._replace(stamp=Stamp.VALID), before._replace(uid="u2")) == before._replace(
        uid="u2"
    )
