"""A release that Helm has installed is taken over from Git without touching what runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.controlplane import assemble
from e2e.harness.chart import Helm
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Content, Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository

FILES: dict[str, Content] = {
    "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "web/values.yaml": "colour: red\n",
    "web/templates/settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-settings\n"
    "  labels: {app.kubernetes.io/managed-by: {{ .Release.Service }}}\ndata: {colour: {{ .Values.colour }}}\n",
    "web/templates/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}}\n"
    "spec:\n  selector: {app: web}\n  ports: [{port: 80}]\n",
}


@pytest.fixture
def helm(plane: ControlPlane, tmp_path: Path) -> Helm:
    """Helm as the one who installed the release."""
    return Helm(binary=assemble.helm(os.environ), home=tmp_path / "home", kubeconfig=plane.kubeconfig())


def test_a_release_of_helm_is_refused_first_and_then_taken_over_as_it_is(
    helm: Helm,
    private_operator: Callable[..., Operator],
    repo: Repo,
    git_repository: Callable[..., Repository],
    cluster: Cluster,
    namespace: str,
    tmp_path: Path,
) -> None:
    sha = repo.commit(FILES)
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(str(text))
    helm("install", "web", str(tmp_path / "web"), "--namespace", namespace, "--set", "colour=blue")
    before = cluster.get("v1", "Service", "web", namespace)
    operator = private_operator("--helm", str(helm.binary))
    operator.start()

    app = git_repository(helm={"releaseName": "web", "values": {"colour": "blue"}})
    failures = app.until_reason("ApplyFailed")["failures"]
    assert {(one["reason"], one["message"].partition(":")[0]) for one in failures} == {
        ("ManagedByAnotherTool", f"managed by Helm, release {namespace}/web")
    }

    app.change(adopt="Any")
    app.until_ready(sha)
    after = cluster.get("v1", "Service", "web", namespace)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["clusterIP"] == before["spec"]["clusterIP"]
    live = cluster.get("v1", "ConfigMap", "web-settings", namespace)
    assert live["data"] == {"colour": "blue"}
    managers = {
        entry["manager"] for entry in live["metadata"]["managedFields"] if "f:data" in entry["fieldsV1"]
    }
    assert managers == {f"towline:{namespace}/{app.name}"}
    secrets = cluster.list("v1", "Secret", namespace, labels="owner=helm")
    assert [one["metadata"]["name"] for one in secrets] == ["sh.helm.release.v1.web.v1"]
    told = [line for line in operator.log() if line["event"] == "objects are taken over from other tools"]
    assert [(line["objects"], line["tools"]) for line in told] == [(2, [f"Helm, release {namespace}/web"])]

    app.change(helm={"releaseName": "web", "values": {"colour": "green"}})
    app.until(
        lambda _: cluster.get("v1", "ConfigMap", "web-settings", namespace)["data"] == {"colour": "green"},
        "green",
    )
