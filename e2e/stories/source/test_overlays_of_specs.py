"""A spec changes what a kustomization declares, as an overlay would, and says what of it cannot be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.repositories import Repository
from e2e.scenes import manifests


@pytest.mark.usefixtures("with_kustomize")
def test_an_overlay_of_the_spec_is_applied_and_its_errors_name_their_field(
    repo: Repo,
    git_repository: Callable[..., Repository],
    cluster: Cluster,
    namespace: str,
) -> None:
    plain = manifests.text(manifests.config_map("plain", colour="grey"))
    first = repo.commit({"app/plain.yaml": plain})
    app = git_repository(path="app", kustomize={"namePrefix": "a-", "labels": {"team": "shop"}})
    (failure,) = app.until_reason("BuildFailed")["failures"]
    assert "spec.kustomize changes kustomizations and charts, and app has none" in failure["message"]

    second = repo.commit({"app/kustomization.yaml": "resources: [plain.yaml]\n"})
    assert app.until_ready(second)["objects"]["declared"] == 1
    live = cluster.get("v1", "ConfigMap", "a-plain", namespace)
    assert live["metadata"]["labels"]["team"] == "shop"
    assert live["metadata"]["annotations"]["towline.dev/source"] == "app/plain.yaml"
    assert "config.kubernetes.io/origin" not in live["metadata"]["annotations"]

    blue = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\ndata: {colour: blue}\n"
    app.change(kustomize={"namePrefix": None, "patches": [{"patch": blue}]})
    app.until_ready(second)
    assert cluster.get("v1", "ConfigMap", "plain", namespace)["data"] == {"colour": "blue"}
    cluster.until_gone("v1", "ConfigMap", "a-plain", namespace)

    app.change(kustomize={"patches": [{"patch": "data: {colour: red}\n"}]})
    status = app.until_reason("InvalidSpec")
    assert "spec.kustomize.patches[0].patch: names no object: add a target" in str(status["conditions"])
    assert cluster.get("v1", "ConfigMap", "plain", namespace)["data"] == {"colour": "blue"}
    assert first != second
