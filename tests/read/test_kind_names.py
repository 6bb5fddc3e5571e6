"""A kind is found by every name that kubectl takes."""

from __future__ import annotations

import pytest
from towline.model import Resource
from towline.read import kind_names

DEPLOYMENT = Resource(
    group="apps",
    version="v1",
    kind="Deployment",
    plural="deployments",
    namespaced=True,
    aliases=("deployment", "deploy"),
)
NODE = Resource(group="", version="v1", kind="Node", plural="nodes", namespaced=False, aliases=("node", "no"))
METRICS = Resource(
    group="metrics.k8s.io", version="v1beta1", kind="NodeMetrics", plural="nodes", namespaced=False
)
WIDGET, OLD_WIDGET = (
    Resource(group="parts.example", version=version, kind="Widget", plural="widgets", namespaced=True)
    for version in ("v2", "v1")
)
ALL = (NODE, DEPLOYMENT, METRICS, WIDGET, OLD_WIDGET)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("deployments", DEPLOYMENT),
        ("deployment", DEPLOYMENT),
        ("deploy", DEPLOYMENT),
        ("Deployment", DEPLOYMENT),
        ("Deployment.apps", DEPLOYMENT),
        ("deploy.apps", DEPLOYMENT),
        ("deployments.v1.apps", DEPLOYMENT),
        ("no", NODE),
        ("nodes.v1", NODE),
        ("nodes", NODE),
        ("nodes.metrics.k8s.io", METRICS),
        ("widget", WIDGET),
        ("widgets.v1.parts.example", OLD_WIDGET),
        ("widgets.parts", None),
        ("deployments.v2.apps", None),
        ("", None),
    ],
)
def test_a_kind_is_found_by_every_name_that_kubectl_takes(text: str, found: Resource | None) -> None:
    assert kind_names.find(ALL, text) == found


def test_a_kind_that_is_mistyped_is_answered_with_the_most_similar_ones() -> None:
    assert kind_names.similar(ALL, "deploments.apps") == ("deployments",)
    assert kind_names.similar(ALL, "zzz") == ()


def test_an_object_may_be_named_as_for_kubectl_or_as_in_a_status() -> None:
    short, whole = kind_names.parse("deploy/web"), kind_names.parse("Deployment.apps/shop/web")
    assert (short.kind, short.namespace, short.name) == ("deploy", "", "web")
    assert (whole.kind, whole.namespace, whole.name) == ("Deployment.apps", "shop", "web")


@pytest.mark.parametrize("text", ["", "web", "/web", "deploy/", "deploy//web", "a/b/c/d"])
def test_what_names_no_object_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="KIND/NAME, for example"):
        kind_names.parse(text)
