"""Which entry of managedFields is whose, and what it holds."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from towline.fields import managed

OURS = "towline:shop/web"


def entry(manager: str, operation: str = "Apply", **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": {"f:data": {}}, **more}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(entry(OURS, "Update"), id="an update in our name"),
        pytest.param(entry(OURS, subresource="scale"), id="an apply of a subresource"),
        pytest.param(entry("towline:shop/api"), id="an apply of another repository"),
    ],
)
def test_what_we_apply_is_told_from_all_else(other: dict[str, Any]) -> None:
    own = entry(OURS)
    assert managed.applied([other, own], OURS) is own
    assert managed.applied([other], OURS) == {}


def test_others_are_other_managers_that_wrote_the_object_itself() -> None:
    theirs = entry("kubectl", "Update")
    entries = [entry(OURS), entry(OURS, "Update"), theirs, entry("kubelet", "Update", subresource="status")]
    assert managed.others(entries, OURS) == (theirs,)


def test_an_object_without_entries_holds_nothing() -> None:
    bodies: list[dict[str, Any]] = [{}, {"metadata": {}}, {"metadata": {"managedFields": None}}]
    for body in bodies:
        assert managed.encoded(managed.applied(managed.entries(body), OURS)) == b""


@pytest.mark.parametrize(("depth", "holds"), [(200, True), (300, False)])
def test_an_entry_that_is_nested_deeper_than_any_manifest_holds_nothing(depth: int, *, holds: bool) -> None:
    nested = orjson.loads(depth * b'{"f:a":' + b"{}" + depth * b"}")
    assert bool(managed.encoded(entry(OURS, fieldsV1=nested))) is holds


def test_each_finalizer_is_named_with_the_manager_that_set_it_as_far_as_one_says_so() -> None:
    held: dict[str, Any] = {"f:metadata": {"f:finalizers": {".": {}, 'v:"example.com/hold"': {}}}}
    body: dict[str, Any] = {
        "metadata": {
            "finalizers": ["example.com/hold", "kubernetes.io/pvc-protection"],
            "managedFields": [entry(OURS), entry("backup", "Update", fieldsV1=held)],
        }
    }
    assert managed.finalizers(body) == {"example.com/hold": "backup", "kubernetes.io/pvc-protection": ""}
    assert managed.finalizers({"metadata": {}}) == {}
