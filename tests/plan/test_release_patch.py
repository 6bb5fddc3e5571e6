from __future__ import annotations

from typing import Any

import pytest
from towline.model import Key
from towline.plan import release_patch, stamp

IDENTITY = stamp.Identity(key=Key("shop", "app"), uid="uid-1")
OURS = {
    "manager": "towline:shop/app",
    "operation": "Apply",
    "fieldsV1": {"f:metadata": {"f:annotations": {"f:kubernetes.io/change-cause": {}}}},
}
STATUS = OURS | {"subresource": "status"}
THEIRS = {"manager": "kubectl", "operation": "Update", "fieldsV1": {}}


def live(cause: str = "", *entries: dict[str, Any]) -> dict[str, Any]:
    notes = {"towline.dev/commit": "a1b2c3d000", "towline.dev/owner": "x", "note": "theirs"}
    return {
        "metadata": {
            "resourceVersion": "7",
            "labels": {"towline.dev/repository": "shop.app", "team": "blue"},
            "annotations": notes | ({"kubernetes.io/change-cause": cause} if cause else {}),
            "managedFields": list(entries),
        }
    }


def test_a_release_takes_off_what_is_ours_from_exactly_the_version_that_was_read() -> None:
    assert release_patch.operations(live("", OURS, THEIRS), IDENTITY) == (
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "remove", "path": "/metadata/labels/towline.dev~1repository"},
        {"op": "remove", "path": "/metadata/annotations/towline.dev~1commit"},
        {"op": "remove", "path": "/metadata/annotations/towline.dev~1owner"},
        {"op": "replace", "path": "/metadata/managedFields", "value": [THEIRS]},
    )


def test_where_no_other_entry_is_left_the_list_is_emptied_as_the_server_wants_it() -> None:
    assert release_patch.operations(live("", OURS), IDENTITY)[-1]["value"] == [{}]


def test_every_entry_of_our_manager_goes_and_those_of_others_stay() -> None:
    updated, another = OURS | {"operation": "Update"}, OURS | {"manager": "towline:shop/other"}
    found = release_patch.operations(live("", STATUS, OURS, updated, another, THEIRS), IDENTITY)
    assert found[-1]["value"] == [another, THEIRS]


def removed(body: dict[str, Any]) -> list[str]:
    patch = release_patch.operations(body, IDENTITY)
    return [each["path"].rpartition("~1")[2] for each in patch if each["op"] == "remove"]


def test_what_was_asked_for_by_annotations_of_ours_goes_too() -> None:
    body = live("", OURS)
    body["metadata"]["annotations"] |= {"towline.dev/prune": "Disabled", "towline.dev/next": "1"}
    body["metadata"]["labels"] |= {"towline.dev/next": "1"}
    assert removed(body) == ["repository", "next", "commit", "owner", "prune", "next"]


def test_what_people_ask_of_a_released_gitrepository_stays() -> None:
    body = live("", OURS) | {"kind": "GitRepository"}
    body["metadata"]["annotations"] |= {"towline.dev/confirm-prune": "t", "towline.dev/reconcile": "now"}
    assert removed(body) == ["repository", "commit", "owner"]


@pytest.mark.parametrize(
    ("cause", "entries", "goes"),
    [
        ("a1b2c3d Change things (Ada)", (OURS,), True),
        ("because I say so", (OURS,), False),
        ("a1b2c3d Change things (Ada)", (THEIRS,), False),
    ],
)
def test_a_change_cause_goes_only_if_we_wrote_it(
    cause: str, entries: tuple[dict[str, Any], ...], *, goes: bool
) -> None:
    paths = [each["path"] for each in release_patch.operations(live(cause, *entries), IDENTITY)]

    assert ("/metadata/annotations/kubernetes.io~1change-cause" in paths) == goes
