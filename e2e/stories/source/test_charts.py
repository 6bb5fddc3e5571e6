"""A folder with a Chart.yaml is rendered by Helm, with values from Git, the spec and the cluster."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from e2e.controlplane import assemble
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Content, Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

GitRepositories = Callable[..., Repository]

SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-settings}
data: {{- toYaml .Values.settings | nindent 2 }}
"""
JOB = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: before
  annotations: {helm.sh/hook: "pre-install,pre-upgrade"}
"""


def chart(**settings: str) -> dict[str, Content]:
    """Return a chart with a hook, and a plain file next to it."""
    return {
        "deploy/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nhome: https://example.com/never-shown\n",
        "deploy/web/values.yaml": manifests.text({"settings": {"colour": "grey", "size": "1"}}),
        "deploy/web/templates/settings.yaml": SETTINGS,
        "deploy/web/templates/before.yaml": JOB,
        "values/prod.yaml": manifests.text({"settings": settings}),
        "deploy/plain.yaml": manifests.text(manifests.config_map("plain")),
    }


def built(operator: Operator) -> int:
    return sum(line.get("event") == "unit built" for line in operator.log())


@pytest.fixture
def with_helm(private_operator: Callable[..., Operator]) -> Operator:
    """An operator that renders charts."""
    operator = private_operator("--helm", str(assemble.helm(os.environ)))
    operator.start()
    return operator


def test_a_chart_is_applied_and_rendered_again_only_when_its_files_change(
    repo: Repo, git_repository: GitRepositories, cluster: Cluster, namespace: str, with_helm: Operator
) -> None:
    first = repo.commit(chart(colour="red"))
    app = git_repository(path="deploy", helm={"releaseName": "shop", "valuesFiles": ["values/prod.yaml"]})
    assert app.until_ready(first)["objects"]["declared"] == 3
    live = cluster.get("v1", "ConfigMap", "shop-settings", namespace)
    assert live["data"] == {"colour": "red", "size": "1"}
    assert live["metadata"]["annotations"]["towline.dev/source"] == "deploy/web/templates/settings.yaml"
    hook = cluster.get("v1", "ConfigMap", "before", namespace)["metadata"]["annotations"]
    assert hook["towline.dev/wave"] == "-1"
    assert built(with_helm) == 1

    app.until_ready(repo.commit({"deploy/plain.yaml": manifests.text(manifests.config_map("plain", a="b"))}))
    assert built(with_helm) == 1

    app.until_ready(repo.commit(chart(colour="blue")))
    assert cluster.get("v1", "ConfigMap", "shop-settings", namespace)["data"]["colour"] == "blue"
    assert built(with_helm) == 2

    repo.commit(
        {"deploy/web/templates/settings.yaml": SETTINGS + 'more: {{ required "no" .Values.absent }}\n'}
    )
    (failure,) = app.until_reason("BuildFailed")["failures"]
    assert (failure["file"], failure["line"]) == ("deploy/web/templates/settings.yaml", 5)
    assert "example.com" not in str(app.status())
    assert cluster.get("v1", "ConfigMap", "shop-settings", namespace)["data"]["colour"] == "blue"
