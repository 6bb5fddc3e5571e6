from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.errors import Refusal
from towline.model import GroupKind, Manifest, ObjectRef, Origin, Resource
from towline.plan import scope
from towline.plan.manifest import declare

SCOPES = {
    GroupKind("", "ConfigMap"): True,
    GroupKind("apps", "Deployment"): True,
    GroupKind("", "Namespace"): False,
    GroupKind("rbac.authorization.k8s.io", "ClusterRole"): False,
}
CONFIG_MAP = "v1/ConfigMap"
CLUSTER_ROLE = "rbac.authorization.k8s.io/v1/ClusterRole"


def parsed(
    what: str, name: str = "x", origin: str = "a.yaml:1", *, spec: Any = None, **metadata: Any
) -> Manifest:
    """Make a manifest as it comes from a file, in the namespace that it names there."""
    version, _, kind = what.rpartition("/")
    group = version.rpartition("/")[0]
    file, _, line = origin.partition(":")
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}
    body |= {} if spec is None else {"spec": spec}
    ref = ObjectRef(group, kind, metadata.get("namespace") or "", name)
    return declare(body, ref, f"{what}/{name}", Origin(file, int(line)))


def test_a_namespaced_object_that_names_no_namespace_gets_the_default() -> None:
    (found,), failures = scope.place([parsed(CONFIG_MAP)], SCOPES, "shop")
    assert failures == ()
    assert found.ref == ObjectRef("", "ConfigMap", "shop", "x")
    assert found.body["metadata"] == {"name": "x", "namespace": "shop"}


@pytest.mark.parametrize("none", [None, ""])
def test_an_empty_namespace_is_none(none: str | None) -> None:
    (found,), _ = scope.place([parsed(CONFIG_MAP, namespace=none)], SCOPES, "shop")
    assert found.body["metadata"]["namespace"] == "shop"


def test_a_namespace_that_is_given_stays() -> None:
    (found,), _ = scope.place([parsed(CONFIG_MAP, namespace="other")], SCOPES, "shop")
    assert found.ref.namespace == "other"
    assert found.body["metadata"]["namespace"] == "other"


def test_a_cluster_scoped_object_has_no_namespace_whatever_it_says() -> None:
    placed, failures = scope.place(
        [parsed("v1/Namespace"), parsed(CLUSTER_ROLE, namespace="shop")], SCOPES, "shop"
    )
    assert failures == ()
    assert [manifest.ref.namespace for manifest in placed] == ["", ""]
    assert all("namespace" not in manifest.body["metadata"] for manifest in placed)


def test_placing_changes_no_digest_and_not_the_manifest_it_was_given() -> None:
    before = parsed(CONFIG_MAP)
    (found,), _ = scope.place([before], SCOPES, "shop")
    assert found.digest == before.digest
    assert before.body["metadata"] == {"name": "x"}


def test_an_unknown_kind_is_named_with_file_and_line() -> None:
    placed, (failure,) = scope.place([parsed("example.com/v1/Widget", origin="b.yaml:7")], SCOPES, "shop")
    assert placed == ()
    assert failure.reason == Refusal.UNKNOWN_KIND
    assert (failure.object, failure.file, failure.line) == ("Widget.example.com/x", "b.yaml", 7)
    assert "example.com/v1" in failure.message


@pytest.mark.parametrize(
    ("what", "served", "words"),
    [
        (
            "extensions/v1beta1/Deployment",
            ["apps/v1"],
            "the API server serves Deployment in apps/v1, not in extensions/v1beta1: write apiVersion: apps/v1",
        ),
        (
            "v1/Ingress",
            ["networking.k8s.io/v1", "networking.example/v1alpha1"],
            (
                "the API server serves Ingress in networking.k8s.io/v1, networking.example/v1alpha1, not in v1: "
                "write apiVersion: networking.k8s.io/v1"
            ),
        ),
        (
            "policy/v1beta1/PodSecurityPolicy",
            [],
            (
                "the API server does not serve PodSecurityPolicy in policy/v1beta1, and no CRD can define it: "
                "remove it, or name its file in spec.exclude"
            ),
        ),
        (
            "networking.istio.io/v1/Gateway",
            ["gateway.networking.k8s.io/v1"],
            (
                "the API server does not serve Gateway in networking.istio.io/v1, and no CRD of this commit "
                "defines it: declare its CRD in Git, or install it"
            ),
        ),
    ],
)
def test_an_unknown_kind_is_refused_with_what_to_do(what: str, served: list[str], words: str) -> None:
    manifest = parsed(what)
    _, (failure,) = scope.place([manifest], SCOPES, "shop", {manifest.ref.group_kind: served})
    assert failure.message == words


@pytest.mark.parametrize(
    ("version", "served", "words"),
    [
        (
            "v1beta1",
            ("apps/v1",),
            "the API server serves Deployment in apps/v1, not in v1beta1: write apiVersion: apps/v1",
        ),
        (
            "v1beta1",
            (),
            "the API server does not serve Deployment v1beta1: declare its CRD in Git, or install it",
        ),
    ],
)
def test_a_kind_that_is_served_in_other_versions_is_refused_with_those(
    version: str, served: tuple[str, ...], words: str
) -> None:
    assert scope.unserved("Deployment", version, served) == words


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (parsed(CONFIG_MAP), parsed(CONFIG_MAP, origin="b.yaml:9")),
        (parsed(CONFIG_MAP), parsed(CONFIG_MAP, origin="b.yaml:9", namespace="shop")),
        (parsed("apps/v1/Deployment"), parsed("apps/v1beta1/Deployment", origin="b.yaml:9")),
        (parsed(CLUSTER_ROLE, namespace="a"), parsed(CLUSTER_ROLE, origin="b.yaml:9", namespace="b")),
    ],
)
def test_the_second_of_two_places_names_the_first(first: Manifest, second: Manifest) -> None:
    placed, (failure,) = scope.place([first, second], SCOPES, "shop")
    assert [manifest.origin.file for manifest in placed] == ["a.yaml"]
    assert failure.reason == Refusal.DUPLICATE_OBJECT
    assert (failure.file, failure.line) == ("b.yaml", 9)
    assert "a.yaml:1" in failure.message


def test_one_name_in_two_namespaces_is_two_objects() -> None:
    placed, failures = scope.place(
        [parsed(CONFIG_MAP, namespace="a"), parsed(CONFIG_MAP, namespace="b")], SCOPES, "shop"
    )
    assert (len(placed), failures) == (2, ())


def test_all_that_cannot_be_placed_is_named_at_once() -> None:
    broken = [
        parsed("example.com/v1/Widget"),
        parsed(CONFIG_MAP),
        parsed(CONFIG_MAP),
    ]
    placed, failures = scope.place(broken, SCOPES, "shop")
    assert len(placed) == 1
    assert [failure.reason for failure in failures] == [
        Refusal.UNKNOWN_KIND,
        Refusal.DUPLICATE_OBJECT,
    ]


manifests = st.lists(
    st.builds(
        lambda what, name, namespace: parsed(what, name, **({"namespace": namespace} if namespace else {})),
        st.sampled_from([CONFIG_MAP, CLUSTER_ROLE, "v1/Namespace", "example.com/v1/Widget"]),
        st.sampled_from("ab"),
        st.sampled_from(["", "shop", "other"]),
    )
)


@given(manifests)
def test_nothing_gets_lost_and_each_object_is_placed_once(given_: list[Manifest]) -> None:
    placed, failures = scope.place(given_, SCOPES, "shop")
    assert len(placed) + len(failures) == len(given_)
    assert len({manifest.ref for manifest in placed}) == len(placed)
    for manifest in placed:
        assert manifest.body["metadata"].get("namespace", "") == manifest.ref.namespace


@given(manifests)
def test_what_is_placed_already_is_returned_as_it_is(given_: list[Manifest]) -> None:
    placed, _ = scope.place(given_, SCOPES, "shop")
    again, failures = scope.place(placed, SCOPES, "elsewhere")
    assert failures == ()
    assert all(one is other for one, other in zip(placed, again, strict=True))


def crd(**changes: Any) -> Manifest:
    spec = {
        "group": "example.com",
        "names": {"kind": "Widget", "plural": "widgets"},
        "scope": "Namespaced",
        "versions": [
            {"name": "v1alpha1", "served": False, "storage": False},
            {"name": "v1beta1", "served": True, "storage": False},
            {"name": "v1", "served": True, "storage": True},
        ],
        **changes,
    }
    return parsed("apiextensions.k8s.io/v1/CustomResourceDefinition", "widgets.example.com", spec=spec)


WIDGET = GroupKind("example.com", "Widget")


def test_a_crd_brings_its_kind() -> None:
    assert scope.declared_scopes([parsed(CONFIG_MAP), crd()]) == {
        WIDGET: Resource(group="example.com", version="v1", kind="Widget", plural="widgets", namespaced=True)
    }


def test_a_cluster_scoped_crd_says_so() -> None:
    assert not scope.declared_scopes([crd(scope="Cluster")])[WIDGET].namespaced


def test_a_stored_version_that_is_not_served_is_not_asked_for() -> None:
    versions = [{"name": "v1", "served": False, "storage": True}, {"name": "v2", "served": True}]
    assert scope.declared_scopes([crd(versions=versions)])[WIDGET].version == "v2"


@pytest.mark.parametrize(
    "broken",
    [
        {"group": None},
        {"names": []},
        {"names": {"kind": "Widget"}},
        {"scope": "cluster"},
        {"versions": {}},
        {"versions": [{"name": "v1", "served": False}]},
        {"versions": ["v1"]},
    ],
)
def test_a_crd_that_says_too_little_brings_nothing(broken: dict[str, Any]) -> None:
    assert scope.declared_scopes([crd(**broken)]) == {}


def test_manifests_of_a_kind_that_may_not_be_seen_are_forbidden_where_they_stand() -> None:
    shown, hidden = parsed(CONFIG_MAP), parsed(CLUSTER_ROLE, origin="rbac.yaml:7")
    seen, failures = scope.visible([shown, hidden], {hidden.ref.group_kind: "you cannot watch roles"})
    assert seen == (shown,)
    [failure] = failures
    assert (failure.reason, failure.object) == (Refusal.FORBIDDEN, str(hidden.ref))
    assert (failure.file, failure.line, failure.message) == ("rbac.yaml", 7, "you cannot watch roles")
