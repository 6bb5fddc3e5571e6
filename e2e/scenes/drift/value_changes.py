"""Others change or remove a declared value, by every kind of write."""

from __future__ import annotations

from dataclasses import replace

from e2e.harness.cluster import Object
from e2e.scenes.drift.other_writers import Thing, changed, patch_of, pointer, refused, without


def a_put(thing: Thing) -> None:
    thing.put(_theirs(thing))


def a_merge_patch(thing: Thing) -> None:
    thing.merge(patch_of(_theirs(thing), thing.kind.path))


def a_strategic_patch(thing: Thing) -> None:
    thing.strategic(thing.kind.part(thing.kind.theirs))


def a_json_patch(thing: Thing) -> None:
    step = {"op": "replace", "path": pointer(thing.kind.path), "value": thing.kind.theirs}
    thing.json_patch(step)


def a_forced_apply(thing: Thing) -> None:
    thing.apply(thing.kind.part(thing.kind.theirs))


def an_update_under_our_name(thing: Thing) -> None:
    thing.merge(patch_of(_theirs(thing), thing.kind.path), manager=thing.ours)


def a_change_and_its_undoing(thing: Thing) -> None:
    before = thing.read()
    thing.merge(patch_of(changed(before, thing.kind.path, thing.kind.theirs), thing.kind.path))
    thing.merge(patch_of(before, thing.kind.path))


def a_removal_by_merge_patch(thing: Thing) -> None:
    thing.merge(patch_of(changed(thing.read(), thing.kind.optional, None), thing.kind.optional))


def a_removal_by_json_patch(thing: Thing) -> None:
    thing.json_patch({"op": "remove", "path": pointer(thing.kind.optional)})


def a_removal_by_put(thing: Thing) -> None:
    thing.put(without(thing.read(), thing.kind.optional))


def an_apply_of_less_under_our_name(thing: Thing) -> None:
    thing.apply(without(thing.declared(), thing.kind.optional), manager=thing.ours)


def an_apply_of_another_value_under_our_name(thing: Thing) -> None:
    thing.apply(changed(thing.declared(), thing.kind.path, thing.kind.theirs), manager=thing.ours)


def a_write_through_another_version(thing: Thing) -> None:
    version = {"v1": "v2", "v2": "v1"}[thing.kind.api_version.rpartition("/")[2]]
    group = thing.kind.api_version.partition("/")[0]
    replace(thing, kind=replace(thing.kind, api_version=f"{group}/{version}")).merge(
        patch_of(_theirs(thing), thing.kind.path)
    )


def an_unforced_apply(thing: Thing) -> None:
    refused(409, lambda: thing.apply(thing.kind.part(thing.kind.theirs), force=False))


def a_strategic_patch_that_is_refused(thing: Thing) -> None:
    refused(415, lambda: a_strategic_patch(thing))


def a_put_of_the_same(thing: Thing) -> None:
    thing.put(thing.read())


def our_own_apply_again(thing: Thing) -> None:
    thing.apply(thing.declared(), manager=thing.ours)


def _theirs(thing: Thing) -> Object:
    return changed(thing.read(), thing.kind.path, thing.kind.theirs)
