"""Which tool calls an object its own, and when it may become ours all the same."""

from __future__ import annotations

from typing import Any

import pytest
from towline.api.gitrepository import Adopt
from towline.errors import Refusal
from towline.plan import adoption

FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
HELM_LABEL = {"app.kubernetes.io/managed-by": "Helm"}
HELM_NOTES = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "prod"}
TOOLS = [
    (FLUX, {}, "Flux, Kustomization flux-system/apps"),
    (
        {"helm.toolkit.fluxcd.io/name": "db", "helm.toolkit.fluxcd.io/namespace": "x"},
        {},
        "Flux, HelmRelease x/db",
    ),
    ({"argocd.argoproj.io/instance": "shop"}, {}, "Argo CD, Application shop"),
    ({}, {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}, "Argo CD, Application shop"),
    (HELM_LABEL, HELM_NOTES, "Helm, release prod/shop"),
    ({"kapp.k14s.io/app": "1700000000"}, {}, "kapp, app 1700000000"),
    ({}, {"configmanagement.gke.io/managed": "enabled"}, "Config Sync, root"),
    ({}, {"objectset.rio.cattle.io/id": "default-shop"}, "Rancher, default-shop"),
]
NOBODYS = [
    ({}, {}),
    (HELM_LABEL, {}),
    ({}, HELM_NOTES),
    ({"app.kubernetes.io/instance": "shop"}, {}),
    ({}, {"configmanagement.gke.io/managed": "disabled"}),
]


def metadata(labels: dict[str, str], annotations: dict[str, str], *managers: str) -> dict[str, Any]:
    entries = [{"manager": manager, "operation": "Update"} for manager in managers]
    return {"labels": labels, "annotations": annotations, "managedFields": entries}


@pytest.mark.parametrize(("labels", "annotations", "tool"), TOOLS, ids=[tool for *_, tool in TOOLS])
def test_an_object_of_another_tool_is_taken_over_only_where_that_is_asked_for(
    labels: dict[str, str], annotations: dict[str, str], tool: str
) -> None:
    found = metadata(labels, annotations)
    for policy in (Adopt.UNMANAGED, Adopt.IF_NO_CONFLICT):
        refused = adoption.refusal(found, policy)
        assert refused is not None
        assert refused.reason is Refusal.MANAGED_BY_ANOTHER_TOOL
        assert tool in refused.message
    assert adoption.refusal(found, Adopt.ANY) is None


@pytest.mark.parametrize(("labels", "annotations"), NOBODYS)
def test_marks_that_many_write_are_no_tools_claim(
    labels: dict[str, str], annotations: dict[str, str]
) -> None:
    assert adoption.refusal(metadata(labels, annotations), Adopt.IF_NO_CONFLICT) is None


@pytest.mark.parametrize("writer", ["argocd-controller", "argocd-application-controller"])
def test_a_label_that_many_write_is_the_claim_of_argo_cd_where_that_wrote_the_object(writer: str) -> None:
    refused = adoption.refusal(metadata({"app.kubernetes.io/instance": "shop"}, {}, writer), Adopt.UNMANAGED)
    assert refused is not None
    assert "Argo CD, Application shop" in refused.message
    assert adoption.refusal(metadata({}, {}, writer), Adopt.UNMANAGED) is None


@pytest.mark.parametrize("found", [metadata(FLUX, {}, "kubectl-create", "hpa"), {}])
def test_never_means_never_and_says_who_wrote_the_object(found: dict[str, Any]) -> None:
    refused = adoption.refusal(found, Adopt.NEVER)
    assert refused is not None
    assert refused.reason is Refusal.NOT_OURS
    assert ("hpa, kubectl-create" if found else "an unknown field manager") in refused.message


def test_null_labels_and_annotations_are_none() -> None:
    assert adoption.refusal({"labels": None, "annotations": None}, Adopt.UNMANAGED) is None
