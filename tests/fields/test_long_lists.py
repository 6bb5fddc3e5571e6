"""Thousands of items in one list cost what they weigh: twice as many take twice the work, not four times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from towline.api.ignoring import Rule
from towline.fields import additions, controller_fields, edited_items, managed, server_paths
from towline.model import Manifest, ObjectRef, Origin
from towline.plan import ignore_fields
from towline.plan.manifest import declare

from tests.growth import Work, calls

OURS = "towline:shop/app"


def entry(manager: str, names: range, *fields: str, operation: str = "Update") -> dict[str, Any]:
    items: dict[str, Any] = {
        step(name): {".": {}, **{f"f:{field}": {} for field in ("name", *fields)}} for name in names
    }
    tree = {"f:spec": {"f:list": items}}
    return {"manager": manager, "operation": operation, "time": "t", "fieldsV1": tree}


def step(name: int) -> str:
    return "k:" + orjson.dumps({"name": f"n{name}"}).decode()


def body(names: range, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    items = [{"name": f"n{name}", "value": "x", **more} for name in names]
    return {"metadata": {"managedFields": list(entries)}, "spec": {"list": items}}


def added_fields(count: int) -> Work:
    names = range(count)
    live = body(names, entry(OURS, names, operation="Apply"), entry("kubectl-edit", names, "tty"), tty=True)
    return lambda: additions.additions(live, OURS)


def filled_fields(count: int) -> Work:
    names = range(count)
    live = body(names, entry(OURS, names, operation="Apply"), entry("kubectl-edit", names, "tty"), tty=True)
    found = additions.additions(live, OURS)
    return lambda: additions.filled_in(found, live)


def renamed_items(count: int) -> Work:
    new = range(count, 2 * count)
    live = body(new, entry(OURS, range(0), operation="Apply"), entry("kubectl-edit", new))
    return lambda: edited_items.left(body(range(count)), live, OURS)


def claimed_items(count: int) -> Work:
    new = range(count, 2 * count)
    live = body(new, entry(OURS, range(0), operation="Apply"), entry("kubectl-edit", new))
    found = edited_items.left(body(range(count)), live, OURS)
    return lambda: edited_items.claimed(live, found, OURS)


def kept_items(count: int) -> Work:
    names = range(count)
    live = body(names, entry(OURS, names, operation="Apply"), entry("kubectl-edit", names))
    return lambda: edited_items.left(body(names), live, OURS)


def many_managers(count: int) -> Work:
    names = range(count)
    entries = (entry(f"kubectl-{name}", range(name, name + 1)) for name in names)
    live = body(names, entry(OURS, range(0), operation="Apply"), *entries)
    return lambda: edited_items.left(body(names), live, OURS)


def forged_keys(count: int) -> Work:
    """Return what finds additions by steps of which each has a key of its own name."""
    names = range(count)
    items: dict[str, Any] = {
        "k:" + orjson.dumps({f"key{name}": name}).decode(): {".": {}, "f:x": {}} for name in names
    }
    theirs = {"manager": "x", "operation": "Update", "fieldsV1": {"f:spec": {"f:list": items}}}
    mine: dict[str, Any] = {key: {".": {}} for key in items}
    ours = {"manager": OURS, "operation": "Apply", "fieldsV1": {"f:spec": {"f:list": mine}}}
    live = body(names, ours, theirs)
    return lambda: (additions.additions(live, OURS), edited_items.left(live, live, OURS))


def left_annotations(count: int) -> Work:
    annotations = {f"pv.kubernetes.io/x{name}": "" for name in range(count)}
    declared = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"annotations": annotations}}
    return lambda: controller_fields.split(declared)


def held_finalizers(count: int) -> Work:
    held = [
        {"manager": f"m{name}", "fieldsV1": {"f:metadata": {"f:finalizers": {f'v:"f{name}"': {}}}}}
        for name in range(count)
    ]
    live = {"metadata": {"finalizers": [f"f{name}" for name in range(count)], "managedFields": held}}
    return lambda: managed.finalizers(live)


def refused_keys(count: int) -> Work:
    declared = {"data": {f"bad.key {name}!": "x" for name in range(count)}}
    return lambda: [server_paths.to_pointer(f"data.bad.key {name}!", declared) for name in range(count)]


def ignored(count: int, *pointers: str) -> Work:
    """Return what settles fields of a map, of which each other key is held by another manager."""
    data = {f"k{name}": "x" for name in range(count)}
    held = [
        {"manager": f"m{name}", "operation": "Apply", "fieldsV1": {"f:data": {f"f:k{name}": {}}}}
        for name in range(0, count, 2)
    ]
    ours = {"manager": OURS, "operation": "Apply", "fieldsV1": {"f:data": {f"f:{key}": {} for key in data}}}
    live = {"metadata": {"managedFields": [ours, *held]}, "data": data}
    return lambda: ignore_fields.sent({"data": data}, pointers, live, OURS)


def one_ignored_key(count: int) -> Work:
    return ignored(count, "/data/k1")


def an_ignored_map(count: int) -> Work:
    return ignored(count, "/data")


def config_map() -> Manifest:
    declared = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    return declare(declared, ObjectRef("", "ConfigMap", "shop", "c"), "d", Origin("a.yaml", 1))


def ignored_rules(count: int) -> Work:
    rules = [Rule(pointers=(f"/data/k{name}",)) for name in range(count)]
    return lambda: ignore_fields.ignored(config_map(), rules)


def unsure_fields(count: int) -> Work:
    items = [{"name": f"n{name}", "value": "x"} for name in range(count)]
    declared = {"spec": {"list": items}}
    pointers = [f"/spec/list/{index}/value" for index in range(count)]
    return lambda: ignore_fields.unsure(declared, pointers, pointers)


def long_keys(count: int) -> Work:
    """Return what reads a path with so many dots into a map of so many keys."""
    declared = {"data": {f"k{name}": "x" for name in range(count)}}
    return lambda: server_paths.to_pointer(f"data.{'a.' * count}b", declared)


def keyed_items(count: int) -> Work:
    declared = {"spec": {"list": [{"name": f"n{name}"} for name in range(count)]}}
    return lambda: server_paths.to_pointer(f'spec.list[name="n{count - 1}"].x', declared)


@pytest.mark.parametrize(
    "shape",
    [
        added_fields,
        filled_fields,
        renamed_items,
        claimed_items,
        kept_items,
        many_managers,
        forged_keys,
        left_annotations,
        held_finalizers,
        refused_keys,
        one_ignored_key,
        an_ignored_map,
        ignored_rules,
        unsure_fields,
        long_keys,
        keyed_items,
    ],
    ids=lambda shape: shape.__name__,
)
def test_four_times_as_many_items_take_four_times_the_work(shape: Callable[[int], Work]) -> None:
    assert calls(shape(1600)) <= 6 * calls(shape(400))


def test_of_very_many_renamed_items_each_takes_the_place_of_the_next_one() -> None:
    found = renamed_items(500)()
    assert isinstance(found, tuple)
    assert [(each.path, each.instead) for each in found[:2]] == [
        ("/spec/list/0", "/spec/list/0"),
        ("/spec/list/1", "/spec/list/1"),
    ]
    assert len(found) == 500


def test_a_step_that_no_api_server_wrote_finds_nothing() -> None:
    items: dict[str, Any] = {
        "k:nonsense": {".": {}, "f:x": {}},
        "k:[1]": {".": {}, "f:x": {}},
        "v:{": {"f:x": {}},
    }
    theirs = {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:list": items}}}
    ours = {
        "manager": OURS,
        "operation": "Apply",
        "fieldsV1": {"f:spec": {"f:list": {key: {".": {}} for key in items}}},
    }
    live = body(range(3), ours, theirs)
    assert additions.additions(live, OURS) == ()
    assert edited_items.left(body(range(5)), live, OURS) == ()
