from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from towline.api import labels
from towline.model import ChangedBy, Key, Manifest, ObjectRef, Origin, Person, Revision
from towline.plan import stamp
from towline.plan.manifest import declare

from tests.owner_stamps import STAMPS

IDENTITY = stamp.Identity(key=Key("shop", "app"), uid="uid-1")
ADA = Person(name="Ada", email="ada@example.com")
REVISION = Revision(
    sha="a1b2c3d" + "0" * 33,
    author=ADA,
    committer=ADA,
    authored_at="2026-01-01T00:00:00Z",
    committed_at="2026-01-01T00:00:00Z",
    subject="Roll out two",
)
LATER = replace(REVISION, sha="f" * 40, subject="Something else")


def manifest(kind: str = "ConfigMap", group: str = "", **body: Any) -> Manifest:
    version = f"{group}/v1" if group else "v1"
    metadata = {"name": "web", "namespace": "shop"} | body.pop("metadata", {})
    declared = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
    ref = ObjectRef(group, kind, "shop", "web")
    return declare(declared, ref, "d1", Origin(file="deploy/web.yaml", line=1))


def stamped(declared: Manifest, identity: stamp.Identity, revision: Revision, existing: Any = None) -> Any:
    """Stamp an object that a revision has changed, in the file that the manifest names."""
    return stamp.stamp(
        declared, identity, ChangedBy(revision=revision, origin=declared.origin), existing, stamps=STAMPS
    )


def live(sent: Any, manager: str = IDENTITY.manager) -> dict[str, Any]:
    """What the API server holds after an apply of `sent`."""
    notes = sent["metadata"]["annotations"]
    fields: Any = {"f:metadata": {"f:annotations": {f"f:{name}": {} for name in notes}}}
    entry = {"manager": manager, "operation": "Apply", "fieldsV1": fields}
    return {**sent, "metadata": {**sent["metadata"], "managedFields": [entry]}}


def notes(body: Any) -> dict[str, str]:
    found: dict[str, str] = body["metadata"]["annotations"]
    return found


def test_a_stamped_object_names_repository_commit_file_and_itself() -> None:
    body = stamped(manifest(data={"a": "1"}), IDENTITY, REVISION)

    assert body["metadata"]["labels"] == {"towline.dev/repository": "shop.app"}
    assert notes(body) == {
        "towline.dev/commit": REVISION.sha,
        "towline.dev/source": "deploy/web.yaml",
        "towline.dev/owner": STAMPS.owner("uid-1", manifest().ref),
        "towline.dev/digest": "d1",
    }
    assert body["data"] == {"a": "1"}


def test_declared_labels_and_annotations_stay_and_ours_win() -> None:
    declared = {
        "labels": {"team": "blue", "towline.dev/repository": "x.y"},
        "annotations": {"note": "hi", "towline.dev/commit": "mine"},
    }

    body = stamped(manifest(metadata=declared), IDENTITY, REVISION)

    assert body["metadata"]["labels"] == {"team": "blue", "towline.dev/repository": "shop.app"}
    assert notes(body)["note"] == "hi"
    assert notes(body)["towline.dev/commit"] == REVISION.sha


def test_the_manifest_itself_is_not_changed() -> None:
    declared = manifest(metadata={"labels": {"team": "blue"}})

    stamped(declared, IDENTITY, REVISION)

    assert declared.body["metadata"] == {"name": "web", "namespace": "shop", "labels": {"team": "blue"}}


@pytest.mark.parametrize("wrong", ["text", ["a"], 1, True])
def test_labels_or_annotations_of_the_wrong_type_are_left_for_the_server_to_refuse(wrong: object) -> None:
    body = stamped(manifest(metadata={"labels": wrong, "annotations": wrong}), IDENTITY, REVISION)

    assert body["metadata"]["labels"] == wrong
    assert body["metadata"]["annotations"] == wrong


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_workloads_say_in_their_rollout_history_who_changed_them(kind: str) -> None:
    body = stamped(manifest(kind, "apps"), IDENTITY, REVISION)

    assert notes(body)["kubernetes.io/change-cause"] == "a1b2c3d Roll out two (Ada)"


def test_other_kinds_have_no_change_cause() -> None:
    assert labels.CHANGE_CAUSE not in notes(stamped(manifest(), IDENTITY, REVISION))


def test_an_authors_own_change_cause_wins() -> None:
    declared = manifest(
        "Deployment", "apps", metadata={"annotations": {"kubernetes.io/change-cause": "because"}}
    )

    assert notes(stamped(declared, IDENTITY, REVISION))["kubernetes.io/change-cause"] == "because"


def test_a_change_cause_is_one_short_printable_line() -> None:
    nasty = replace(
        REVISION,
        subject="fix\x1b[31m\n\u202e" + "x" * 5000,
        author=Person(name="", email="someone\u0000@example.com"),
    )

    cause = stamp.cause(nasty)

    assert cause.startswith("a1b2c3d fix [31m x")
    assert cause.endswith("(someone @example.com)")
    assert cause.isprintable()
    assert len(cause) < 320


def test_a_path_that_is_no_utf8_is_still_text() -> None:
    odd = manifest()
    odd = replace(odd, origin=Origin(file="d\udcffploy.yaml", line=1))

    assert notes(stamped(odd, IDENTITY, REVISION))["towline.dev/source"] == "d\\xffploy.yaml"


def test_the_same_content_keeps_the_commit_that_brought_it() -> None:
    declared = manifest("Deployment", "apps")
    before = live(stamped(declared, IDENTITY, REVISION))
    moved = replace(declared, origin=Origin(file="elsewhere.yaml", line=9))

    body = stamped(moved, IDENTITY, LATER, before)

    assert notes(body) == notes(before)


def test_new_content_names_the_new_commit() -> None:
    before = live(stamped(manifest(), IDENTITY, REVISION))

    body = stamped(replace(manifest(), digest="d2"), IDENTITY, LATER, before)

    assert notes(body)["towline.dev/commit"] == LATER.sha


@pytest.mark.parametrize(
    "name", ["towline.dev/commit", "towline.dev/source", "towline.dev/digest", "towline.dev/owner"]
)
def test_a_stamp_that_somebody_changed_is_not_believed(name: str) -> None:
    before = live(stamped(manifest(), IDENTITY, REVISION))
    del before["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:annotations"][f"f:{name}"]

    body = stamped(manifest(), IDENTITY, LATER, before)

    assert notes(body)["towline.dev/commit"] == LATER.sha
    assert notes(body)["towline.dev/source"] == "deploy/web.yaml"


def test_the_stamp_of_another_manager_is_not_believed() -> None:
    before = live(stamped(manifest(), IDENTITY, REVISION), manager="towline:shop/other")

    assert notes(stamped(manifest(), IDENTITY, LATER, before))["towline.dev/commit"] == LATER.sha


def test_what_an_earlier_resource_left_is_stamped_anew() -> None:
    earlier = replace(IDENTITY, uid="uid-0")
    before = live(stamped(manifest(), earlier, REVISION))

    assert notes(stamped(manifest(), IDENTITY, LATER, before))["towline.dev/commit"] == LATER.sha


def test_string_data_of_another_kind_is_a_field_like_any_other() -> None:
    assert stamped(manifest(stringData={"a": "1"}), IDENTITY, REVISION)["stringData"] == {"a": "1"}
