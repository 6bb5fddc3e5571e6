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
        {"op": "remove", "path": "/metadata/annotations/towline.dev~1owner"},
        {"op": "remove", "path": "/metadata/annotations/towline.dev~1commit"},
        {"op": "replace", "path": "/metadata/managedFields", "value": [THEIRS]},
    )


def test_where_no_other_entry_is_left_the_list_is_emptied_as_the_server_wants_it() -> None:
    assert release_patch.operations(live("", OURS), IDENTITY)[-1]["value"] == [{}]


def test_other_entries_of_our_manager_stay() -> None:
    assert release_patch.operations(live("", STATUS, OURS), IDENTITY)[-1]["value"] == [STATUS]


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
