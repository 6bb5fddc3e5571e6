"""What a controller owns by the meaning of its kind is left out, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from towline.fields import controller_fields

Json = dict[str, Any]


def declared(kind: str, api_version: str = "v1", annotations: Json | None = None, **rest: Any) -> Json:
    metadata = {"name": "it"} | ({"annotations": annotations} if annotations else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def named(body: Json) -> list[tuple[str, ...]]:
    return [each.path for each in controller_fields.split(body)[1]]


@pytest.mark.parametrize(
    "name",
    [
        "deployment.kubernetes.io/revision",
        "deployment.kubernetes.io/desired-replicas",
        "deprecated.daemonset.template.generation",
        "pv.kubernetes.io/bind-completed",
        "pv.kubernetes.io/bound-by-controller",
        "volume.kubernetes.io/selected-node",
        "volume.beta.kubernetes.io/storage-provisioner",
        "control-plane.alpha.kubernetes.io/leader",
        "endpoints.kubernetes.io/last-change-trigger-time",
        "batch.kubernetes.io/job-tracking",
        "autoscaling.alpha.kubernetes.io/current-metrics",
        "kubectl.kubernetes.io/last-applied-configuration",
    ],
)
def test_an_annotation_that_a_controller_writes_is_left_out(name: str) -> None:
    body = declared("Thing", annotations={name: "7", "example.com/mine": "1"})
    slim, left_out = controller_fields.split(body)
    assert slim == declared("Thing", annotations={"example.com/mine": "1"})
    assert [each.path for each in left_out] == [("metadata", "annotations", name)]


@pytest.mark.parametrize(
    "name",
    [
        "kubernetes.io/change-cause",
        "volume.beta.kubernetes.io/storage-class",
        "kubernetes.io/service-account.name",
        "autoscaling.alpha.kubernetes.io/metrics",
        "kubectl.kubernetes.io/restartedAt",
        "deployment.example.com/revision",
    ],
)
def test_an_annotation_of_its_author_stays(name: str) -> None:
    body = declared("Thing", annotations={name: "7"})
    assert controller_fields.split(body) == (body, ())


RBAC = "rbac.authorization.k8s.io/v1"
SELECTED = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}


@pytest.mark.parametrize("rules", [[], [{"verbs": ["get"]}]])
def test_rules_that_a_controller_aggregates_are_left_out(rules: list[Json]) -> None:
    body = declared("ClusterRole", RBAC, aggregationRule=SELECTED, rules=rules)
    slim, _ = controller_fields.split(body)
    assert slim == declared("ClusterRole", RBAC, aggregationRule=SELECTED)
    assert named(body) == [("rules",)]


@pytest.mark.parametrize(
    "body",
    [
        declared("ClusterRole", RBAC, rules=[]),
        declared("ClusterRole", RBAC, aggregationRule=None, rules=[]),
        declared("Role", RBAC, aggregationRule=SELECTED, rules=[]),
        declared("ClusterRole", "example.com/v1", aggregationRule=SELECTED, rules=[]),
        declared("Secret", data={"token": "eA=="}, type="Opaque"),
        declared("Namespace", spec={}),
        declared("Thing", annotations=None, metadata="odd"),
    ],
)
def test_what_only_looks_alike_stays(body: Json) -> None:
    assert controller_fields.split(body) == (body, ())


def test_a_map_that_held_nothing_else_goes_with_it() -> None:
    token = declared(
        "Secret", type="kubernetes.io/service-account-token", data={"token": "eA==", "ca.crt": "eA=="}
    )
    assert controller_fields.split(token)[0] == declared("Secret", type="kubernetes.io/service-account-token")


def test_of_a_claim_reference_only_what_binds_it_to_one_claim_is_left_out() -> None:
    reference = {"namespace": "shop", "name": "state", "uid": "1", "resourceVersion": "2"}
    slim, _ = controller_fields.split(declared("PersistentVolume", spec={"claimRef": reference}))
    assert slim["spec"] == {"claimRef": {"namespace": "shop", "name": "state"}}


def test_a_null_is_left_out_without_a_word() -> None:
    body = declared("ClusterRole", RBAC, aggregationRule=SELECTED, rules=None)
    assert controller_fields.split(body) == (declared("ClusterRole", RBAC, aggregationRule=SELECTED), ())


@pytest.mark.parametrize("bundle", ["", "Cg==", None])
def test_an_empty_ca_bundle_is_left_to_who_injects_it(bundle: str | None) -> None:
    def hook(config: Json) -> Json:
        group = "admissionregistration.k8s.io/v1"
        return declared(
            "ValidatingWebhookConfiguration", group, webhooks=[{"name": "a", "clientConfig": config}]
        )

    assert controller_fields.split(hook({"url": "x", "caBundle": bundle})) == (hook({"url": "x"}), ())
    assert controller_fields.split(hook({"caBundle": "eA=="})) == (hook({"caBundle": "eA=="}), ())
    service = declared("APIService", "apiregistration.k8s.io/v1", spec={"group": "g", "caBundle": bundle})
    assert controller_fields.split(service)[0]["spec"] == {"group": "g"}
