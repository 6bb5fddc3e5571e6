"""A folder with a kustomization is built from what it names, and only when that changes."""

from __future__ import annotations

from collections.abc import Callable

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Content, Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

GitRepositories = Callable[..., Repository]


def overlay(colour: str) -> dict[str, Content]:
    """Return an overlay over a base outside its folder, with a plain file next to it."""
    return {
        "base/kustomization.yaml": "resources: [settings.yaml]\n",
        "base/settings.yaml": manifests.text(manifests.config_map("settings", colour="grey")),
        "deploy/prod/kustomization.yaml": "resources: [../../base]\nnamePrefix: prod-\npatches:\n- path: colour.yaml\n",
        "deploy/prod/colour.yaml": manifests.text(manifests.config_map("settings", colour=colour)),
        "deploy/plain.yaml": manifests.text(manifests.config_map("plain")),
    }


def built(operator: Operator) -> int:
    return sum(line.get("event") == "unit built" for line in operator.log())


def test_an_overlay_is_applied_and_built_again_only_when_its_files_change(
    repo: Repo,
    git_repository: GitRepositories,
    cluster: Cluster,
    namespace: str,
    with_kustomize: Operator,
) -> None:
    first = repo.commit(overlay("red"))
    app = git_repository(path="deploy")
    assert app.until_ready(first)["objects"]["declared"] == 2
    live = cluster.get("v1", "ConfigMap", "prod-settings", namespace)
    assert live["data"] == {"colour": "red"}
    assert live["metadata"]["annotations"]["towline.dev/source"] == "base/settings.yaml"
    assert built(with_kustomize) == 1
    status = app.status()
    (unit,) = status["units"]
    assert (unit["unit"], unit["objects"], unit["files"]) == ("deploy/prod/kustomization.yaml", 1, 4)
    assert (unit["time"][-1], status["unitsTotal"]) == ("s", 1)

    app.until_ready(repo.commit({"deploy/plain.yaml": manifests.text(manifests.config_map("plain", a="b"))}))
    assert built(with_kustomize) == 1

    app.until_ready(repo.commit(overlay("blue")))
    assert cluster.get("v1", "ConfigMap", "prod-settings", namespace)["data"] == {"colour": "blue"}
    assert built(with_kustomize) == 2

    repo.commit({"base/kustomization.yaml": "resources:\n- settings.yaml\n- https://example.com/x.yaml\n"})
    (failure,) = app.until_reason("BuildFailed")["failures"]
    assert (failure["file"], failure["line"]) == ("base/kustomization.yaml", 3)
    assert "remote resource" in failure["message"]
    assert cluster.get("v1", "ConfigMap", "prod-settings", namespace)["data"] == {"colour": "blue"}
