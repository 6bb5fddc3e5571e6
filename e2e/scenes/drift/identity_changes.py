"""Others take our marks off an object, delete it, make it anew, or forge who owns its fields."""

from __future__ import annotations

from kubernetes.dynamic.exceptions import ConflictError

from e2e.harness.cluster import Object
from e2e.harness.waiting import eventually
from e2e.scenes.drift.end_state import BOOKKEEPING
from e2e.scenes.drift.other_writers import Thing, changed, pointer

LABEL = "towline.dev/repository"
HELD = "example.com/hold"


def our_label_removed(thing: Thing) -> None:
    thing.merge({"metadata": {"labels": {LABEL: None}}})


def our_label_changed(thing: Thing) -> None:
    thing.merge({"metadata": {"labels": {LABEL: "some.body"}}})


def our_digest_removed(thing: Thing) -> None:
    thing.merge({"metadata": {"annotations": {"towline.dev/digest": None}}})


def our_owner_changed(thing: Thing) -> None:
    thing.merge({"metadata": {"annotations": {"towline.dev/owner": "nobody"}}})


def a_deletion(thing: Thing) -> None:
    thing.delete()


def a_deletion_that_waited(thing: Thing) -> None:
    thing.merge({"metadata": {"finalizers": [HELD]}})
    thing.delete()
    thing.merge({"metadata": {"finalizers": None}})


def a_deletion_and_a_copy(thing: Thing) -> None:
    _made_anew(thing, _bare(thing.read()))


def a_deletion_and_another_object(thing: Thing) -> None:
    _made_anew(thing, changed(thing.body, thing.kind.path, thing.kind.theirs))


def managed_fields_cleared(thing: Thing) -> None:
    thing.merge({"metadata": {"managedFields": [{}]}})


def managed_fields_emptied(thing: Thing) -> None:
    thing.merge({"metadata": {"managedFields": []}})


def managed_fields_kept_in_the_same_write(thing: Thing) -> None:
    thing.put(changed(thing.read(), thing.kind.path, thing.kind.theirs))


def managed_fields_forged_by_a_second_write(thing: Thing) -> None:
    """Change a value, then write the old entries back, before anybody comes between."""
    entries = thing.read()["metadata"]["managedFields"]
    value = {"op": "replace", "path": pointer(thing.kind.path), "value": thing.kind.theirs}

    def forged() -> bool:
        version = thing.json_patch(value)["metadata"]["resourceVersion"]
        same = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
        return thing.attempted(same, {"op": "replace", "path": "/metadata/managedFields", "value": entries})

    eventually(forged, message="a forgery")


def _made_anew(thing: Thing, body: Object) -> None:
    """Delete it and create another one before we do."""

    def made() -> bool:
        thing.delete()
        try:
            thing.create(body)
        except ConflictError:
            return False
        return True

    eventually(made, message="another object")


def _bare(body: Object) -> Object:
    metadata = {name: value for name, value in body["metadata"].items() if name not in BOOKKEEPING}
    return {**{name: value for name, value in body.items() if name != "status"}, "metadata": metadata}
