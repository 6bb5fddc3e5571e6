from __future__ import annotations

import base64
import copy
import difflib
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from towline.api import labels
from towline.api.syncrecord import FieldChange
from towline.fields import diff
from towline.fields.mask import Mask

MASK = Mask(b"k" * 32)


def body(**content: Any) -> dict[str, Any]:
    return {"apiVersion": "example.dev/v1", "kind": "Thing", "metadata": {"name": "x"}, **content}


def changes(before: Any, after: Any, declared: Any = None) -> dict[str, tuple[Any, Any]]:
    return {change.path: (change.old, change.new) for change in diff.fields(before, after, declared, MASK)}


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": f"{name}:1", **more}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 2}, {"/spec/a": (1, 2)}),
        ({"a": True}, {"a": 1}, {"/spec/a": (True, 1)}),
        ({"a": 0}, {"a": False}, {"/spec/a": (0, False)}),
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": "1"}, {"a": 1}, {"/spec/a": ("1", 1)}),
        ({"a": {"b": 1}}, {}, {"/spec/a": ({"b": 1}, None)}),
        ({}, {"a": {"b": [1]}}, {"/spec/a": (None, {"b": [1]})}),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, {"/spec/a/2": (None, 3)}),
        ({"a": [1, 2, [3]]}, {"a": [1, 5, [4]]}, {"/spec/a/1": (2, 5), "/spec/a/2/0": (3, 4)}),
        ({"a": {"b": 1}}, {"a": [1]}, {"/spec/a": ({"b": 1}, [1])}),
        ({"a/b": {"c~d": 1}}, {"a/b": {"c~d": 2}}, {"/spec/a~1b/c~0d": (1, 2)}),
        ({"0": "a"}, {"0": "b"}, {"/spec/0": ("a", "b")}),
        (["", True], [False, "", False], {"/spec/0": (None, False), "/spec/2": (True, False)}),
        (["a", "b", "c"], ["b"], {"/spec/0": ("a", None), "/spec/2": ("c", None)}),
        ([{"a": 1}, {"a": 2}], [{"b": 0}, {"a": 1}, {"a": 2}], {"/spec/0": (None, {"b": 0})}),
        ([1, {"a": 1}], [0, 1, {"a": 2}], {"/spec/0": (None, 0), "/spec/2/a": (1, 2)}),
    ],
)
def test_a_changed_field_is_named_by_its_pointer_with_old_and_new_value(
    old: Any, new: Any, expected: Any
) -> None:
    assert changes(body(spec=old), body(spec=new)) == expected


def test_list_items_with_names_keep_their_identity_and_are_named_by_their_new_place() -> None:
    old = body(containers=[container("app", env=[{"name": "A", "value": "1"}]), container("gone")])
    new = body(
        containers=[
            container("first"),
            container("app", env=[{"name": "B", "value": "0"}, {"name": "A", "value": "2"}]),
        ]
    )
    assert changes(old, new) == {
        "/containers/0": (None, container("first")),
        "/containers/1": (container("gone"), None),
        "/containers/1/env/0": (None, {"name": "B", "value": "0"}),
        "/containers/1/env/1/value": ("1", "2"),
    }


def test_both_values_are_of_one_item_where_several_share_a_word() -> None:
    def metric(name: str, value: int) -> dict[str, Any]:
        return {"type": "Resource", "resource": {"name": name, "value": value}}

    def metrics(*values: int) -> dict[str, Any]:
        return body(metrics=[metric("cpu", values[0]), metric("memory", values[1])])

    path = "/metrics/1/resource/value"
    assert diff.values(metrics(50, 80), metrics(50, 90), [path], MASK) == ((path, 80, 90),)


def test_mounts_of_one_volume_keep_their_identity() -> None:
    def mount(path: str, sub: str) -> dict[str, Any]:
        return {"name": "data", "mountPath": path, "subPath": sub}

    old = body(mounts=[mount("/a", "conf"), mount("/b", "logs")])
    new = body(mounts=[mount("/c", "new"), mount("/a", "conf"), mount("/b", "log")])
    assert changes(old, new) == {
        "/mounts/0": (None, mount("/c", "new")),
        "/mounts/2/subPath": ("logs", "log"),
    }


def test_a_changed_order_is_a_change() -> None:
    first, second = container("a"), container("b")
    found = changes(body(list=[first, second]), body(list=[second, first]))
    assert found
    assert all(path.startswith("/list/") for path in found)


def test_very_long_lists_without_names_are_told_as_one_change() -> None:
    [(path, (old, new))] = changes(body(ids=list(range(3000))), body(ids=[1, 2])).items()
    assert (path, new) == ("/ids", [1, 2])
    assert old["head"].startswith("[0, 1, 2, ")


def test_texts_of_many_lines_are_not_compared_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def for_hours(*_: Any, **__: Any) -> None:
        pytest.fail("a hundred thousand lines would be compared with a hundred thousand others")

    monkeypatch.setattr(difflib, "unified_diff", for_hours)
    old, new, script = "a\nb", "b\na", "set -e\nrun"
    found = changes(
        body(data={"x": old}, args=["sh", old], command=["sh"]),
        body(data={"x": new}, args=["sh", new], command=["sh", {"text": script}]),
    )
    assert found == {
        "/args/1": (old, new),
        "/command/1": (None, {"text": script}),
        "/data/x": (old, new),
    }


def test_what_only_the_server_or_towline_writes_is_no_change() -> None:
    old, new = body(spec={"a": 1}), body(spec={"a": 1})
    new["status"] = {"ready": True}
    new["metadata"] |= {
        "uid": "u",
        "resourceVersion": "2",
        "generation": 3,
        "managedFields": [{"manager": "x"}],
    }
    new["metadata"]["labels"] = {labels.REPOSITORY_LABEL: "shop.app"}
    new["metadata"]["annotations"] = {
        **dict.fromkeys((labels.COMMIT, labels.SOURCE, labels.OWNER, labels.DIGEST), "x"),
        "kubernetes.io/change-cause": "abc1234 subject (Ada)",
    }
    assert changes(old, new) == {}
    assert changes(old, None, new) == {}


def test_what_the_author_writes_in_metadata_is_a_change() -> None:
    old, new = body(), body()
    new["metadata"] |= {
        "labels": {"team": "a"},
        "annotations": {labels.PRUNE: "disabled", "kubernetes.io/change-cause": "because"},
    }
    declared = copy.deepcopy(new)
    assert changes(old, new, declared) == {
        "/metadata/annotations": (None, {labels.PRUNE: "disabled", "kubernetes.io/change-cause": "because"}),
        "/metadata/labels": (None, {"team": "a"}),
    }


def test_a_created_object_has_no_changed_fields() -> None:
    assert diff.fields(None, body(spec={"a": 1}), None, MASK) == ()


def test_without_a_prediction_the_declared_leaves_that_differ_are_told() -> None:
    before = body(
        spec={"replicas": 1, "paused": True, "containers": [container("sidecar"), container("app")]}
    )
    declared = body(spec={"replicas": 2, "containers": [container("app", image="app:2")]})
    assert changes(before, None, declared) == {
        "/spec/replicas": (1, 2),
        "/spec/containers/0/image": ("app:1", "app:2"),
    }


def test_a_long_value_stands_as_its_length_digest_and_head() -> None:
    [(old, new)] = changes(body(text="é" * 2000), body(text="short")).values()
    assert new == "short"
    assert old["length"] == 4000
    assert old["digest"].startswith("sha256:")
    assert old["head"] == "é" * 256


def test_a_value_of_two_kibibytes_stands_as_it_is() -> None:
    assert changes(body(text="a" * 2048), body(text="b")) == {"/text": ("a" * 2048, "b")}


def test_a_number_that_json_cannot_hold_exactly_stands_as_text() -> None:
    assert changes(body(a=[2**60], b=1), body(a=[2**60 + 1], b=1)) == {"/a/0": (str(2**60), str(2**60 + 1))}


def test_secrets_are_masked_before_anything_is_compared() -> None:
    def secret(value: str) -> dict[str, Any]:
        data = {"password": base64.b64encode(value.encode()).decode()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": data}

    found = changes(secret("a" * 3000), secret("hunter2"))
    assert found.keys() == {"/data/password"}
    [(old, new)] = found.values()
    assert (len(old), len(new)) == (11, 11)
    assert old != new
    assert changes(secret("a"), None, secret("b")).keys() == {"/data/password"}


def test_a_variable_that_says_password_is_masked_in_both_of_its_values() -> None:
    def pod(value: str) -> dict[str, Any]:
        return body(containers=[container("app", env=[{"name": "DB_PASSWORD", "value": value}])])

    found = json.dumps(changes(pod("hunter1"), pod("hunter2")))
    assert "/containers/0/env/0/value" in found
    assert "hunter" not in found


values = st.recursive(
    st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "name", "x/y"]), inner, max_size=3)
    ),
    max_leaves=8,
)


named_items = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcd")}, optional={"x": values}),
    max_size=4,
    unique_by=lambda item: str(item["name"]),
)
trees = values | st.lists(values, max_size=6) | named_items | st.lists(named_items, max_size=4)


@settings(max_examples=200)
@given(trees, trees)
@example(["", True], [False, "", False])
@example([{"name": "a", "x": 1}], [{"name": "b"}, {"name": "a"}])
@example([[1, 2], ["a"]], [["b"], [1], ["a"]])
def test_every_difference_is_told_and_only_differences_are(old: Any, new: Any) -> None:
    found = diff.fields(body(spec=old), body(spec=new), None, MASK)
    assert bool(found) == (json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True))
    for change in found:
        assert_told(change, {"spec": old}, {"spec": new})
    told = [(steps(change.path), change) for change in found]
    assert_same(replayed({"spec": old}, told) if told else {"spec": old}, {"spec": new})


def assert_told(change: FieldChange, old: Any, new: Any) -> None:
    """Find a new value at the pointer; `replayed` finds those that went away."""
    assert json.dumps(change.old) != json.dumps(change.new)
    if change.new is not None:
        assert_same(follow(new, change.path), change.new)
    elif len(steps(change.path)) == 2:
        assert_same(follow(old, change.path), change.old)


def replayed(value: Any, changes: list[tuple[list[str], FieldChange]]) -> Any:
    """Do to an old value what was told of it.

    Items of a list go away by their old places before others come to their new ones, and what is left changes there.
    """
    if changes[0][0] == []:
        [(_, change)] = changes
        assert_same(value, change.old)
        return change.new
    old = keyed(value)
    gone = {path[0]: change.old for path, change in changes if len(path) == 1 and change.new is None}
    come = {path[0]: change.new for path, change in changes if len(path) == 1 and change.old is None}
    assert_same({key: child for key, child in old.items() if key in gone}, gone)
    tree = {key: child for key, child in old.items() if key not in gone}
    if isinstance(value, list):
        items = list(tree.values())
        for place in sorted(come, key=int):
            items.insert(int(place), come[place])
        tree = keyed(items)
    else:
        tree |= come
    rest = [(path, each) for path, each in changes if len(path) > 1 or None not in (each.old, each.new)]
    for step in {path[0] for path, _ in rest}:
        tree[step] = replayed(tree[step], [(path[1:], each) for path, each in rest if path[0] == step])
    return list(tree.values()) if isinstance(value, list) else tree


def keyed(value: Any) -> dict[str, Any]:
    return {str(place): item for place, item in enumerate(value)} if isinstance(value, list) else dict(value)


def assert_same(one: Any, other: Any) -> None:
    assert json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def follow(tree: Any, path: str) -> Any:
    for key in steps(path):
        tree = tree[int(key)] if isinstance(tree, list) else tree[key]
    return tree
