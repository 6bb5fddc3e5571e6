from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.fields import owned_paths, pointer
from towline.fields.owned_paths import Memo
from towline.model import Body

Json = dict[str, Any]

DEPLOYMENT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {
        "replicas": 0,
        "paused": False,
        "strategy": {},
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}, "annotations": {}},
            "spec": {
                "initContainers": [],
                "nodeSelector": {},
                "containers": [
                    {
                        "name": "c1",
                        "image": "web:1",
                        "args": ["--x=<y>&z"],
                        "env": [
                            {"name": "A", "value": "1"},
                            {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                        ],
                        "ports": [
                            {"containerPort": 53},
                            {"containerPort": 53, "protocol": "UDP"},
                            {"containerPort": 80, "protocol": "TCP", "name": "http"},
                        ],
                        "lifecycle": None,
                    },
                    {"name": "c2", "image": "side:1", "resources": {}},
                ],
                "imagePullSecrets": [{"name": "s"}],
                "volumes": [{"name": "v", "emptyDir": {}}],
            },
        },
    },
}

# What kube-apiserver 1.37 writes into managedFields after an apply of DEPLOYMENT.
DEPLOYMENT_ENTRY: Json = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {
        "f:paused": {},
        "f:replicas": {},
        "f:selector": {},
        "f:strategy": {},
        "f:template": {
            "f:metadata": {"f:annotations": {}, "f:labels": {"f:app": {}}},
            "f:spec": {
                "f:containers": {
                    'k:{"name":"c1"}': {
                        ".": {},
                        "f:args": {},
                        "f:env": {
                            'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}},
                            'k:{"name":"B"}': {".": {}, "f:name": {}, "f:valueFrom": {"f:fieldRef": {}}},
                        },
                        "f:image": {},
                        "f:lifecycle": {},
                        "f:name": {},
                        "f:ports": {
                            'k:{"containerPort":53,"protocol":"TCP"}': {".": {}, "f:containerPort": {}},
                            'k:{"containerPort":53,"protocol":"UDP"}': {
                                ".": {},
                                "f:containerPort": {},
                                "f:protocol": {},
                            },
                            'k:{"containerPort":80,"protocol":"TCP"}': {
                                ".": {},
                                "f:containerPort": {},
                                "f:name": {},
                                "f:protocol": {},
                            },
                        },
                    },
                    'k:{"name":"c2"}': {".": {}, "f:image": {}, "f:name": {}, "f:resources": {}},
                },
                "f:imagePullSecrets": {'k:{"name":"s"}': {}},
                "f:nodeSelector": {},
                "f:volumes": {'k:{"name":"v"}': {".": {}, "f:emptyDir": {}, "f:name": {}}},
            },
        },
    },
}

WIDGET: Json = {
    "apiVersion": "example.com/v1",
    "kind": "Widget",
    "metadata": {"name": "w", "namespace": "shop"},
    "spec": {"a": {"b": [1, {"c": []}]}, "e": {}, "l": [], "n": 0, "t": True},
    "typed": {
        "set": ["a<b", 'c"d', "é"],
        "numbers": [1, 2.5, 1000.0],
        "map": [{"k": "a"}, {"k": "a", "n": 8, "v": "x"}, {"k": "b", "v": ""}],
        "atom": {"a": "b"},
        "free": {"a/b~": "1", "": "x"},
        "list": [{"q": "1"}, {}],
        "opt": {},
    },
}

# The same for a custom resource: preserved unknown fields, sets, a list map whose key `n` has the default 7.
WIDGET_ENTRY: Json = {
    "f:spec": {"f:a": {".": {}, "f:b": {}}, "f:e": {}, "f:l": {}, "f:n": {}, "f:t": {}},
    "f:typed": {
        "f:atom": {},
        "f:free": {"f:": {}, "f:a/b~": {}},
        "f:numbers": {"v:1": {}, "v:1000": {}, "v:2.5": {}},
        "f:list": {},
        "f:map": {
            'k:{"k":"a","n":7}': {".": {}, "f:k": {}},
            'k:{"k":"a","n":8}': {".": {}, "f:k": {}, "f:n": {}, "f:v": {}},
            'k:{"k":"b","n":7}': {".": {}, "f:k": {}, "f:v": {}},
        },
        "f:opt": {},
        "f:set": {'v:"a\\u003cb"': {}, 'v:"c\\"d"': {}, 'v:"é"': {}},
    },
}


def without(entry: Json, *steps: str) -> bytes:
    """Take one path off an entry, with the levels above it that are empty then, as a foreign write does."""
    entry = copy.deepcopy(entry)
    levels = [entry]
    for step in steps[:-1]:
        levels.append(levels[-1][step])
    del levels[-1][steps[-1]]
    for level, step in zip(reversed(levels[:-1]), reversed(steps[:-1]), strict=True):
        if level[step] == {}:
            del level[step]
    return json.dumps(entry).encode()


def dumped(entry: Json) -> bytes:
    return json.dumps(entry).encode()


@pytest.mark.parametrize(("body", "entry"), [(DEPLOYMENT, DEPLOYMENT_ENTRY), (WIDGET, WIDGET_ENTRY)])
def test_right_after_an_apply_everything_is_held(body: Json, entry: Json) -> None:
    assert owned_paths.lost(body, dumped(entry)) == ()


POD = ("f:spec", "f:template", "f:spec")
C1 = (*POD, "f:containers", 'k:{"name":"c1"}')


@pytest.mark.parametrize(
    ("steps", "lost"),
    [
        (("f:spec", "f:replicas"), ("/spec/replicas",)),
        (("f:spec", "f:selector"), ("/spec/selector/matchLabels/app",)),
        (("f:metadata", "f:labels", "f:app"), ("/metadata/labels/app",)),
        ((*C1, "f:image"), ("/spec/template/spec/containers/0/image",)),
        ((*C1, "f:args"), ("/spec/template/spec/containers/0/args/0",)),
        (
            (*C1, "f:env", 'k:{"name":"A"}', "f:value"),
            ("/spec/template/spec/containers/0/env/0/value",),
        ),
        (
            (*C1, "f:env", 'k:{"name":"B"}', "f:valueFrom", "f:fieldRef"),
            ("/spec/template/spec/containers/0/env/1/valueFrom/fieldRef/fieldPath",),
        ),
        (
            (*C1, "f:ports", 'k:{"containerPort":53,"protocol":"TCP"}'),
            ("/spec/template/spec/containers/0/ports/0/containerPort",),
        ),
        (
            (*POD, "f:containers", 'k:{"name":"c2"}'),
            tuple(f"/spec/template/spec/containers/1/{name}" for name in ("name", "image", "resources")),
        ),
        ((*POD, "f:volumes", 'k:{"name":"v"}', "f:emptyDir"), ("/spec/template/spec/volumes/0/emptyDir",)),
        ((*POD, "f:imagePullSecrets", 'k:{"name":"s"}'), ("/spec/template/spec/imagePullSecrets/0/name",)),
    ],
)
def test_exactly_the_path_that_the_entry_lost_is_named(steps: tuple[str, ...], lost: tuple[str, ...]) -> None:
    assert owned_paths.lost(DEPLOYMENT, without(DEPLOYMENT_ENTRY, *steps)) == lost


@pytest.mark.parametrize(
    ("steps", "lost"),
    [
        (("f:spec", "f:a", "f:b"), ("/spec/a/b/0",)),
        (("f:spec", "f:e"), ("/spec/e",)),
        (("f:typed", "f:set", 'v:"a\\u003cb"'), ("/typed/set/0",)),
        (("f:typed", "f:numbers", "v:1000"), ("/typed/numbers/2",)),
        (("f:typed", "f:atom"), ("/typed/atom/a",)),
        (("f:typed", "f:free", "f:a/b~"), ("/typed/free/a~1b~0",)),
        (("f:typed", "f:free", "f:"), ("/typed/free/",)),
        (("f:typed", "f:map", 'k:{"k":"a","n":8}', "f:v"), ("/typed/map/1/v",)),
        (("f:typed", "f:map", 'k:{"k":"b","n":7}', "f:v"), ("/typed/map/2/v",)),
    ],
)
def test_custom_resources_are_read_by_their_entry_alone(
    steps: tuple[str, ...], lost: tuple[str, ...]
) -> None:
    assert owned_paths.lost(WIDGET, without(WIDGET_ENTRY, *steps)) == lost


def test_without_an_entry_every_declared_leaf_is_lost() -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1", "b": None}}
    assert owned_paths.lost(body, b"") == ("/data/a", "/data/b")
    assert owned_paths.lost(body, b"{}") != ()


def test_what_names_the_object_is_in_no_entry() -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "shop"}}
    assert owned_paths.lost(body, b"{}") == ()


def test_a_label_below_spec_that_is_called_name_counts() -> None:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"labels": {"name": "x"}}}
    assert owned_paths.lost(body, b"{}") == ("/metadata/labels/name",)


def test_an_empty_map_of_labels_or_annotations_declares_nothing() -> None:
    metadata = {"name": "x", "labels": {}, "annotations": {}}
    assert owned_paths.lost({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, b"{}") == ()


def test_a_field_that_is_called_labels_and_is_no_map_counts() -> None:
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "labels": "a"}
    assert owned_paths.lost(body, b"{}") == ("/labels",)


def test_one_is_not_true_in_a_set() -> None:
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "set": [1]}
    assert owned_paths.lost(body, b'{"f:set":{"v:true":{}}}') == ("/set/0",)


def test_a_list_of_lists_that_the_entry_does_not_hold_is_named() -> None:
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "grid": [[1]]}
    assert owned_paths.lost(body, b'{"f:grid":{"v:1":{}}}') == ("/grid/0",)


def test_an_item_without_any_key_of_its_list_is_lost() -> None:
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "map": [{"v": "1"}]}
    assert owned_paths.lost(body, b'{"f:map":{"k:{\\"k\\":\\"a\\"}":{".":{},"f:v":{}}}}') == ("/map/0/v",)


def test_long_lists_of_items_without_all_their_keys_take_no_time_to_speak_of() -> None:
    count = 3000
    keys: Json = {f'k:{{"k":"{number}","n":7}}': {".": {}, "f:k": {}, "f:v": {}} for number in range(count)}
    items = [{"k": str(number), "v": ""} for number in range(count)]
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "map": items}
    assert owned_paths.lost(body, dumped({"f:map": keys})) == ()


def test_what_was_found_once_is_not_looked_for_again() -> None:
    memo: Memo = {}
    assert owned_paths.lost_once("digest", lambda: WIDGET, b"{}", memo) == owned_paths.lost(WIDGET, b"{}")
    assert owned_paths.lost_once("digest", _never, b"{}", memo) == owned_paths.lost(WIDGET, b"{}")
    assert owned_paths.lost_once("digest", lambda: WIDGET, dumped(WIDGET_ENTRY), memo) == ()
    assert owned_paths.lost_once("other", lambda: {"metadata": {}}, b"{}", memo) == ()


def _never() -> Body:
    raise AssertionError("what is known was read again")


names = st.sampled_from(["a", "b", "c/d", "name~"])
scalars = st.booleans() | st.integers(0, 3) | st.sampled_from(["", "x", "<y>"])


def named_items(below: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Json]]:
    items = st.builds(lambda name, value: {"name": name, "v": value}, names, below)
    return st.lists(items, min_size=1, max_size=3, unique_by=lambda item: item["name"])


trees = st.recursive(
    scalars,
    lambda below: st.dictionaries(names, below, min_size=1, max_size=3) | named_items(below),
    max_leaves=12,
)
contents = st.dictionaries(names, trees, min_size=1, max_size=3)


def held(value: Any) -> Json:
    """Model what the API server writes for a granular value, every list keyed by `name`."""
    if isinstance(value, dict):
        return {f"f:{key}": held(item) for key, item in value.items()}
    if isinstance(value, list):
        return {
            "k:" + json.dumps({"name": item["name"]}, separators=(",", ":")): {".": {}, **held(item)}
            for item in value
        }
    return {}


def leaves(value: Any, steps: tuple[str, ...] = (), path: str = "") -> list[tuple[tuple[str, ...], str]]:
    """List the leaves of a value: their steps in the entry, and their JSON pointers."""
    if isinstance(value, dict):
        return [
            leaf
            for key, item in value.items()
            for leaf in leaves(
                item, (*steps, f"f:{key}"), f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
            )
        ]
    if isinstance(value, list):
        return [
            leaf
            for index, item in enumerate(value)
            for leaf in leaves(
                item,
                (*steps, "k:" + json.dumps({"name": item["name"]}, separators=(",", ":"))),
                f"{path}/{index}",
            )
        ]
    return [(steps, path)]


@given(contents)
def test_what_was_applied_is_held_whatever_it_is(spec: Json) -> None:
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "spec": spec}
    assert owned_paths.lost(body, dumped({"f:spec": held(spec)})) == ()


@given(contents, st.data())
def test_the_one_leaf_that_is_taken_away_is_the_one_that_is_named(spec: Json, draw: st.DataObject) -> None:
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "spec": spec}
    steps, path = draw.draw(st.sampled_from(leaves(spec, ("f:spec",), "/spec")))
    entry = {"f:spec": held(spec)}
    assert owned_paths.lost(body, without(entry, *steps)) == (path,)


@given(contents, contents, st.data())
def test_what_is_held_of_one_field_is_what_is_not_lost_of_it(
    spec: Json, other: Json, draw: st.DataObject
) -> None:
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "spec": spec}
    _, path = draw.draw(st.sampled_from(leaves(spec, ("f:spec",), "/spec")))
    field = draw.draw(st.sampled_from([path, *pointer.above(path)]))
    entries: list[Json] = [{"f:spec": held(spec)}, {"f:spec": held(other)}, {"f:spec": {}}, {}]
    for entry in entries:
        lost = [each for each in owned_paths.lost(body, dumped(entry)) if pointer.is_within(each, field)]
        found = set(owned_paths.held_at(body, entry, pointer.split(field)))
        declared = owned_paths.leaves_at(body, pointer.split(field))
        assert [leaf for leaf in declared if found.isdisjoint((leaf, *pointer.above(leaf)))] == lost
