from __future__ import annotations

from typing import Any

import pytest
from towline.model import Manifest, ObjectRef, Origin
from towline.plan.manifest import declare, old_spellings


def declared(namespace: str = "shop", /, **metadata: Any) -> Manifest:
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", **metadata},
        "spec": {},
    }
    ref = ObjectRef("apps", "Deployment", namespace, "web")
    return declare(body, ref, "v1:1", Origin("a.yaml", 1))


def test_what_git_declares_comes_out_as_it_went_in() -> None:
    body = {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"namespace": "shop", "name": "x"},
        "data": {"z": "ü", "a": "1.0", "n": "\x00"},
        "numbers": [1, 1.0, True, -(2**63), 1e300],
    }
    found = declare(body, ObjectRef("", "ConfigMap", "shop", "x"), "v1:1", Origin("a.yaml", 1)).body
    assert found == body
    assert [list(found), list(found["data"])] == [list(body), ["z", "a", "n"]]
    assert [type(number) for number in found["numbers"]] == [int, float, bool, int, float]


@pytest.mark.parametrize(
    ("name", "old", "now"),
    [
        ("prune", "disabled", "Disabled"),
        ("drift", "report", "Report"),
        ("drift", "ignore", "Ignore"),
        ("force", "true", "Enabled"),
        ("wave-gate", "healthy", "Healthy"),
    ],
)
def test_an_old_spelling_means_what_it_meant_and_is_named(name: str, old: str, now: str) -> None:
    found = declared(annotations={f"towline.dev/{name}": old, "team": "shop"})
    assert found.directives == {f"towline.dev/{name}": now}
    assert old_spellings(found) == ((f"towline.dev/{name}", old, now),)
    assert old_spellings(declared(annotations={f"towline.dev/{name}": now})) == ()


@pytest.mark.parametrize("written", [{}, {"namespace": "other"}, {"namespace": ""}])
def test_the_namespace_is_that_of_the_identity(written: dict[str, str]) -> None:
    assert declared("shop", **written).body["metadata"] == {"name": "web", "namespace": "shop"}
    assert declared("", **written).body["metadata"] == {"name": "web"}


def test_who_changes_a_body_changes_no_other() -> None:
    manifest = declared()
    changed: Any = manifest.body
    changed["spec"]["replicas"] = 3
    assert manifest.body["spec"] == {}


def test_only_our_own_annotations_direct_us() -> None:
    notes = {"towline.dev/wave": "1", "example.com/towline.dev/wave": "2", "towline.development": "3"}
    assert declared(annotations=notes).directives == {"towline.dev/wave": "1"}


@pytest.mark.parametrize("none", [None, {}, [], "text", 3])
def test_annotations_that_are_none_direct_nobody(none: object) -> None:
    assert declared(annotations=none).directives == {}


def test_the_version_is_that_of_the_kind_without_its_group() -> None:
    assert declared().version == "v1"
