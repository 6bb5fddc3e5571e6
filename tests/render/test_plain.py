"""What one file declares: which objects, what of them, and what is wrong with it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.errors import Failure
from towline.model import Ignored, Manifest, ObjectRef, Origin
from towline.render import plain
from towline.render.documents import YamlLimits

SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: shop
data:
  colour: blue
"""


def declared(text: str, file: str = "app/all.yaml", blob: str = "b10b") -> tuple[Manifest, ...]:
    manifests, failures = plain.manifests(file, blob, text.encode(), YamlLimits())
    assert failures == ()
    return manifests


def only(text: str) -> Manifest:
    (manifest,) = declared(text)
    return manifest


def failures(text: str) -> tuple[Failure, ...]:
    return plain.manifests("app/all.yaml", "b10b", text.encode(), YamlLimits())[1]


def told(text: str) -> list[tuple[int, str, str]]:
    return [(failure.line, str(failure.reason), failure.message) for failure in failures(text)]


def test_a_manifest_knows_its_object_its_body_and_where_it_stands() -> None:
    manifest = only(f"# the shop\n---\n{SETTINGS}")
    assert manifest.ref == ObjectRef("", "ConfigMap", "shop", "settings")
    assert manifest.api_version == "v1"
    assert manifest.body == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "shop"},
        "data": {"colour": "blue"},
    }
    assert manifest.origin == Origin("app/all.yaml", 3, 0, -1, "b10b")


def test_the_group_comes_from_the_version_and_the_namespace_may_be_absent() -> None:
    manifest = only("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: viewer}")
    assert manifest.ref == ObjectRef("rbac.authorization.k8s.io", "ClusterRole", "", "viewer")
    assert "namespace" not in manifest.body["metadata"]


def test_what_only_a_server_writes_is_taken_off() -> None:
    text = SETTINGS.replace(
        "  name:", "  creationTimestamp: null\n  managedFields: [{manager: kubectl}]\n  name:"
    )
    text = text.replace("\ndata:", "\nstatus: {phase: Active}\ndata:")
    assert only(text).body == only(SETTINGS).body
    dated = SETTINGS.replace("  name:", '  creationTimestamp: "2026-01-01T00:00:00Z"\n  name:')
    assert only(dated).digest == only(SETTINGS).digest


def test_a_null_is_declared_as_it_is_written() -> None:
    body = only(SETTINGS + "other: {a: null, b: {c: }, d: [1, null, {e: ~}], f: 'null'}").body
    assert body["other"] == {"a": None, "b": {"c": None}, "d": [1, None, {"e": None}], "f": "null"}


def test_a_null_makes_another_content() -> None:
    assert only(SETTINGS + "immutable: null").digest != only(SETTINGS).digest


def test_a_null_label_and_null_data_are_the_empty_text_that_the_api_server_makes_of_them() -> None:
    body = only(SETTINGS.replace("  name:", "  labels: {a: null}\n  name:") + "  size: ~").body
    assert (body["data"], body["metadata"]["labels"]) == ({"colour": "blue", "size": ""}, {"a": ""})
    secret = only(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: null, b: c}\ndata: {d: null}"
    )
    assert secret.body["data"] == {"a": "", "b": "Yw==", "d": ""}


@pytest.mark.parametrize("field", ["finalizers", "ownerReferences", "generateName", "uid", "resourceVersion"])
def test_a_null_in_metadata_declares_nothing(field: str) -> None:
    assert only(SETTINGS.replace("  name:", f"  {field}: null\n  name:")).digest == only(SETTINGS).digest


@pytest.mark.parametrize(
    "field",
    ["generation: 3", "selfLink: /api/v1/x", "deletionGracePeriodSeconds: 30", "creationTimestamp: now"],
)
def test_what_an_export_says_of_its_server_is_not_declared(field: str) -> None:
    manifest = only(SETTINGS.replace("  name:", f"  {field}\n  name:"))
    assert (manifest.body, manifest.digest) == (only(SETTINGS).body, only(SETTINGS).digest)


def test_what_a_controller_writes_is_left_out_and_named_with_its_line() -> None:
    head = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n"
    exported = only(f'---\n{head}  annotations:\n    deployment.kubernetes.io/revision: "7"\nspec: {{}}')
    assert exported.digest == only(head + "spec: {}").digest
    assert exported.left_out == (
        Ignored(7, "/metadata/annotations/deployment.kubernetes.io~1revision", "the deployment controller"),
    )


def test_in_a_list_such_a_field_has_its_own_line() -> None:
    role = "apiVersion: rbac.authorization.k8s.io/v1\n  kind: ClusterRole\n  metadata: {name: all}\n"
    text = f"apiVersion: v1\nkind: List\nitems:\n- {role}  aggregationRule: {{clusterRoleSelectors: []}}\n  rules: []"
    (ignored,) = only(text).left_out
    assert (ignored.line, ignored.field) == (8, "/rules")


def test_a_null_directive_tells_nothing() -> None:
    assert (
        only(SETTINGS.replace("  name:", "  annotations: {towline.dev/prune: ~}\n  name:")).directives == {}
    )


def test_a_status_below_the_top_is_a_field_like_any_other() -> None:
    assert only(SETTINGS + "spec: {status: up, metadata: {managedFields: x}}").body["spec"]["status"] == "up"


LISTED = f"""\
apiVersion: v1
kind: List
metadata: {{resourceVersion: ""}}
items:
- {SETTINGS.replace(chr(10), chr(10) + "  ").strip()}
-
  # the second
  apiVersion: v1
  kind: Namespace
  metadata: {{name: shop}}
"""


def test_a_list_is_its_items_each_with_its_own_line() -> None:
    first, second = declared(f"a{LISTED[1:]}")
    assert (first.ref, second.ref) == (only(SETTINGS).ref, ObjectRef("", "Namespace", "", "shop"))
    assert [(one.origin.line, one.origin.document, one.origin.item) for one in (first, second)] == [
        (5, 0, 0),
        (14, 0, 1),
    ]
    assert first.digest == only(SETTINGS).digest


@pytest.mark.parametrize("kind", ["ConfigMapList", "PodList", "ThingList"])
def test_any_kind_of_list_is_expanded_and_its_items_need_not_repeat_their_kind(kind: str) -> None:
    manifest = only(f"apiVersion: example.org/v1\nkind: {kind}\nitems:\n- metadata: {{name: a}}")
    assert manifest.ref == ObjectRef("example.org", kind.removesuffix("List"), "", "a")


def test_an_object_whose_kind_only_sounds_like_a_list_is_an_object() -> None:
    text = "apiVersion: example.org/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {items: [x]}"
    assert only(text).ref.kind == "AllowList"


@pytest.mark.parametrize("items", ["", "items:", "items: []"])
def test_an_empty_list_declares_nothing(items: str) -> None:
    assert declared(f"apiVersion: v1\nkind: List\n{items}") == ()


STRAY = "not a Kubernetes object, among some that are: remove it, or give it a file that spec.exclude names"


def test_a_list_in_a_list_is_refused_with_its_line() -> None:
    inner = "{apiVersion: v1, kind: List, items: []}"
    assert told(f"apiVersion: v1\nkind: List\nitems:\n- {inner}\n- {inner}\n- 5") == [
        (4, "BuildFailed", "a List inside a List is refused"),
        (5, "BuildFailed", "a List inside a List is refused"),
        (6, "BuildFailed", STRAY),
    ]


def test_a_list_whose_items_are_none_is_refused() -> None:
    assert (3, "BuildFailed", "items must be a list") in told("apiVersion: v1\nkind: List\nitems: {a: 1}")


def test_a_failure_in_a_list_names_the_line_of_the_field_in_its_item() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: 5\n"
    (failure,) = failures(text)
    assert (failure.line, failure.field) == (7, "/metadata/name")


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"


def test_string_data_becomes_data_and_wins_over_it() -> None:
    body = only(f"{SECRET}data: {{a: YQ==, b: Yg==}}\nstringData: {{b: 'ü', c: '', d: ~}}").body
    assert body["data"] == {"a": "YQ==", "b": base64.b64encode("ü".encode()).decode(), "c": "", "d": ""}
    assert "stringData" not in body


def test_string_data_and_the_same_data_have_one_digest() -> None:
    assert only(f"{SECRET}stringData: {{a: hello}}").digest == only(f"{SECRET}data: {{a: aGVsbG8=}}").digest
    assert only(f"{SECRET}stringData: {{}}").digest == only(SECRET).digest
    assert (
        only(f"{SECRET}stringData: {{a: hello}}").digest != only(f"{SECRET}stringData: {{a: hallo}}").digest
    )


def test_string_data_of_another_kind_is_left_alone() -> None:
    thing = "apiVersion: example.org/v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: 1}"
    assert only(thing).body["stringData"] == {"a": 1}


def test_good_objects_of_a_file_with_a_fault_are_known() -> None:
    manifests, found = plain.manifests("a.yaml", "", f"{SETTINGS}---\n[\n".encode(), YamlLimits())
    assert ([one.ref.name for one in manifests], [one.line for one in found]) == (["settings"], [10])


texts = st.text(max_size=6)
keys = texts.filter(lambda text: text not in {"apiVersion", "kind", "metadata", "status", "items"})
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(-1e9, 1e9), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)
bodies = st.dictionaries(keys, values, max_size=4).map(
    lambda fields: {
        "apiVersion": "v1",
        "kind": "Thing",
        "metadata": {"name": "a", "labels": {"x": "y"}},
        **fields,
    }
)


def _shuffled(value: Any) -> Any:
    """Turn the order of the keys around, at every level."""
    if isinstance(value, dict):
        return {key: _shuffled(value[key]) for key in reversed(value)}
    return [_shuffled(entry) for entry in value] if isinstance(value, list) else value


@given(bodies)
def test_the_digest_depends_on_the_content_alone(body: dict[str, Any]) -> None:
    (first,) = declared(json.dumps(body))
    (second,) = declared("\n\n" + json.dumps(_shuffled(body), indent=2), "other.json", "0ther")
    assert first.digest == second.digest
    assert first.body == second.body
    assert re.fullmatch(r"v1:[0-9a-f]{60}", first.digest)


@given(bodies, keys, values.filter(lambda value: value is not None))
def test_another_content_has_another_digest(body: dict[str, Any], key: str, value: Any) -> None:
    (before,) = declared(json.dumps(body))
    (after,) = declared(json.dumps({**body, key: value}))
    same = json.dumps(before.body, sort_keys=True) == json.dumps(after.body, sort_keys=True)
    assert (before.digest == after.digest) == same


@given(bodies)
def test_what_was_declared_declares_itself(body: dict[str, Any]) -> None:
    (first,) = declared(json.dumps(body))
    (again,) = declared(json.dumps(first.body))
    assert (again.body, again.digest, again.ref) == (first.body, first.digest, first.ref)
