"""What others left behind in fields of ours, and what stays theirs."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.fields import coowners

OURS = "towline:shop/web"
HELD: dict[str, Any] = {"f:data": {"f:a": {}, "f:b": {}}, "f:metadata": {"f:labels": {"f:app": {}}}}


def entry(manager: str, fields: dict[str, Any], operation: str = "Update", **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def applied(fields: dict[str, Any] = HELD) -> dict[str, Any]:
    return entry(OURS, fields, "Apply")


def folded(*others: dict[str, Any], ours: dict[str, Any] = HELD) -> list[dict[str, Any]]:
    """Return what becomes of the entries of others."""
    found = coowners.folded([applied(ours), *others], OURS)
    assert found is not None
    assert found[0] == applied(ours)
    return [dict(one) for one in found[1:]]


def untouched(*others: dict[str, Any]) -> bool:
    return coowners.folded([applied(), *others], OURS) is None


@pytest.mark.parametrize("manager", ["kubectl-create", "before-first-apply", "somebody", OURS])
def test_the_remains_of_an_update_lose_what_we_apply_and_keep_the_rest(manager: str) -> None:
    theirs: dict[str, Any] = {"f:data": {".": {}, "f:a": {}, "f:z": {}}, "f:type": {}}
    (left,) = folded(entry(manager, theirs))
    assert left["fieldsV1"] == {"f:data": {".": {}, "f:z": {}}, "f:type": {}}


def test_remains_that_hold_nothing_of_their_own_vanish() -> None:
    assert folded(entry("kubectl-create", {"f:data": {".": {}, "f:a": {}}})) == []


def test_what_the_api_server_fills_in_is_taken_out_of_remains_and_of_nothing_else() -> None:
    theirs: dict[str, Any] = {
        "f:spec": {"f:policy": {}, "f:probe": {".": {}, "f:seconds": {}}, "f:theirs": {}}
    }
    rival = entry("rival", theirs, "Apply")
    filled = [("f:spec", "f:policy"), ("f:spec", "f:probe", "f:seconds")]
    found = coowners.folded([applied(), entry("kubectl-create", theirs), rival], OURS, filled)
    assert found == (applied(), entry("kubectl-create", {"f:spec": {"f:theirs": {}}}), rival)


@pytest.mark.parametrize("manager", ["kubectl", "kustomize-controller", "argocd-controller", "helm"])
def test_the_last_apply_of_a_known_tool_is_remains_too(manager: str) -> None:
    assert folded(entry(manager, {"f:data": {"f:a": {}}}, "Apply")) == []


@pytest.mark.parametrize(
    "other",
    [
        entry("operator-of-somebody", {"f:data": {"f:a": {}}}, "Apply"),
        entry("towline:shop/other", {"f:data": {"f:a": {}}}, "Apply"),
        entry("kubelet", {"f:data": {"f:a": {}}}, subresource="status"),
        entry("somebody", {"f:data": {"f:z": {}}}),
    ],
    ids=["rival", "another repository", "status", "other fields"],
)
def test_rivals_subresources_and_other_fields_are_left_alone(other: dict[str, Any]) -> None:
    assert untouched(other)
    assert not coowners.is_shared([applied(), other], OURS)


def test_items_of_lists_are_told_apart_by_their_keys() -> None:
    ours: dict[str, Any] = {"f:containers": {'k:{"name":"a"}': {".": {}, "f:image": {}, "f:name": {}}}}
    theirs: dict[str, Any] = {
        "f:containers": {
            ".": {},
            'k:{"name":"a"}': {".": {}, "f:image": {}, "f:name": {}, "f:tty": {}},
            'k:{"name":"b"}': {".": {}, "f:image": {}},
        }
    }
    (left,) = folded(entry("kubectl-create", theirs), ours=ours)
    assert left["fieldsV1"] == {
        "f:containers": {".": {}, 'k:{"name":"a"}': {"f:tty": {}}, 'k:{"name":"b"}': {".": {}, "f:image": {}}}
    }


def test_a_whole_and_a_part_of_it_are_not_the_same_field() -> None:
    whole: dict[str, Any] = {"f:emptyDir": {}}
    part: dict[str, Any] = {"f:emptyDir": {"f:medium": {}}}
    assert coowners.folded([applied(whole), entry("x", part)], OURS) is None
    assert coowners.folded([applied(part), entry("x", whole)], OURS) is None
    assert folded(entry("x", {"f:emptyDir": {".": {}}}), ours=whole) == []


def test_an_object_that_we_do_not_apply_is_not_looked_at() -> None:
    assert coowners.folded([entry("kubectl-create", HELD)], OURS) is None
    assert coowners.folded([], OURS) is None


def test_entries_that_are_nested_without_end_stay_as_they_are() -> None:
    nested = orjson.loads(1000 * b'{"f:a":' + b"{}" + 1000 * b"}")
    assert coowners.folded([applied(nested), entry("forger", nested)], OURS) is None


trees: st.SearchStrategy[Any] = st.recursive(
    st.just({}), lambda below: st.dictionaries(st.sampled_from(["f:a", "f:b", "."]), below, max_size=3)
)


@given(ours=trees, theirs=trees)
def test_folding_ends_what_is_shared_and_folding_again_changes_nothing(ours: Any, theirs: Any) -> None:
    entries = [applied(ours), entry("kubectl-create", theirs)]
    left = coowners.folded(entries, OURS)
    if left is not None:
        assert coowners.is_shared(entries, OURS)
        assert not coowners.is_shared(left, OURS)
