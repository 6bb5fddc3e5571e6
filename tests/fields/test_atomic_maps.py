"""Maps that are ours as a whole have no member that we do not declare."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from towline.fields.atomic_maps import surplus

OPEN: dict[str, Any] = {"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:type": {}, "f:selector": {}}}


def service(**selector: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"a": "1"}}, "spec": {"type": "ClusterIP", "selector": selector}}


@pytest.mark.parametrize(
    ("live", "named"),
    [
        (service(app="web"), ()),
        (service(app="other"), ()),
        (service(), ()),
        (service(app="web", more="theirs"), ("/spec/selector",)),
    ],
    ids=["the same", "another value", "a lost member", "one more"],
)
def test_a_member_more_of_a_whole_map_is_named(live: dict[str, Any], named: tuple[str, ...]) -> None:
    assert surplus(service(app="web"), live, orjson.dumps(OPEN)) == named


@pytest.mark.parametrize(
    ("live", "named"),
    [(service(app="web", colour="theirs"), ()), (service(app="web", more="theirs"), ("/spec/selector",))],
    ids=["another value", "one more"],
)
def test_a_member_more_of_a_map_that_somebody_took_over_is_named(
    live: dict[str, Any], named: tuple[str, ...]
) -> None:
    ours = orjson.dumps({"f:spec": {"f:type": {}}})
    theirs: dict[str, Any] = {"f:spec": {"f:selector": {}}}
    assert surplus(service(app="web", colour="ours"), live, ours, [theirs]) == named
    assert surplus(service(app="web", colour="ours"), live, ours) == ()


def test_what_others_add_to_a_map_of_which_we_hold_members_is_theirs() -> None:
    live = {
        "metadata": {"labels": {"a": "1", "b": "2"}},
        "spec": {"type": "ClusterIP", "clusterIP": "10.0.0.1"},
    }
    assert surplus(service(), live, orjson.dumps(OPEN)) == ()


def test_what_others_add_to_a_map_that_is_declared_empty_is_theirs() -> None:
    declared: dict[str, Any] = {"spec": {"emptyDir": {}}}
    live: dict[str, Any] = {"spec": {"emptyDir": {"medium": "Memory"}}}
    assert surplus(declared, live, b'{"f:spec":{"f:emptyDir":{}}}') == ()


def test_a_member_deep_inside_a_whole_map_is_named() -> None:
    declared = {"spec": {"selector": {"matchLabels": {"app": "web"}}}}
    live = {"spec": {"selector": {"matchLabels": {"app": "web", "more": "theirs"}}}}
    assert surplus(declared, live, b'{"f:spec":{"f:selector":{}}}') == ("/spec/selector",)


def test_an_object_without_an_entry_has_no_map_of_ours() -> None:
    assert surplus(service(app="web"), service(app="web", more="theirs"), b"") == ()
