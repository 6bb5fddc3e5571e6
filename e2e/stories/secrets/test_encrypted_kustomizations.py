"""A kustomization is built of what SOPS has encrypted, filled in with variables, and shows nothing of either."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Content, Repo
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests, planted_values, sops_files
from e2e.scenes.planted_values import Planted, Scene

SPEC: dict[str, Any] = {
    "substitute": {"from": [{"kind": "ConfigMap", "name": "variables"}]},
    "decryption": {"provider": "sops", "secretRef": {"name": "age"}},
}


def overlay(login: Planted, patched: Planted, generated: Planted) -> dict[str, Content]:
    """Return an encrypted Secret, patch and file of a generator, each with a value; and a plain one next to them."""
    secret = manifests.secret("login", password=login.core)
    patch = manifests.config_map("settings", url=f"db://me:{patched.core}@db")
    return {
        "app/kustomization.yaml": "resources: [login.yaml, settings.yaml]\npatches: [{path: patch.yaml}]\n"
        "secretGenerator: [{name: made, envs: [app.env]}]\nconfigMapGenerator: [{name: open, envs: [app.env]}]\n"
        "generatorOptions: {disableNameSuffixHash: true}\n",
        "app/login.yaml": sops_files.yaml_file(secret, "^(data|stringData)$"),
        "app/settings.yaml": manifests.text(manifests.config_map("settings", colour="${COLOUR}")),
        "app/patch.yaml": sops_files.yaml_file(patch, "^data$"),
        "app/app.env": sops_files.env_file({"VALUE": generated.core}),
        "plain.yaml": sops_files.yaml_file(manifests.config_map("plain", value=login.core), "^data$"),
    }


def test_encrypted_parts_of_a_kustomization_are_applied_and_leave_no_trace(
    scene: Scene, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository], namespace: str
) -> None:
    values = [planted_values.plant() for _ in range(6)]
    cluster.create(manifests.secret("age", namespace, **{"a.agekey": sops_files.PRIVATE}))
    cluster.create(manifests.config_map("variables", namespace, COLOUR="green"))
    sha = repo.commit(overlay(*values[:3]))
    app = git_repository(substitute=SPEC["substitute"])
    failures = {each["file"]: each["message"] for each in app.until_reason("BuildFailed")["failures"]}
    assert failures.keys() == {"app/login.yaml", "app/patch.yaml", "app/app.env", "plain.yaml"}
    assert all("encrypted by SOPS, and spec.decryption is not set" in each for each in failures.values())

    app.change(**SPEC)
    app.until_ready(sha)

    def data(kind: str, name: str) -> Any:
        return cluster.get("v1", kind, name, namespace)["data"]

    def holds(planted: Planted, kind: str, name: str, key: str) -> bool:
        text = data(kind, name)[key]
        return planted.core in (base64.b64decode(text).decode() if kind == "Secret" else text)

    assert data("ConfigMap", "settings")["colour"] == "green"
    login, patched, generated, *newer = values
    assert holds(login, "Secret", "login", "password")
    assert holds(login, "ConfigMap", "plain", "value")
    assert holds(patched, "ConfigMap", "settings", "url")
    assert holds(generated, "Secret", "made", "VALUE")
    assert holds(generated, "ConfigMap", "open", "VALUE")

    cluster.patch("v1", "ConfigMap", "variables", namespace, {"data": {"COLOUR": "blue"}})
    eventually(lambda: data("ConfigMap", "settings")["colour"] == "blue", message="the new colour")
    assert sum(line.get("event") == "unit built" for line in scene.operator.log()) == 1

    scene.operator.restart()
    app.until_ready(repo.commit(overlay(*newer)))
    assert holds(newer[2], "ConfigMap", "open", "VALUE")
    cluster.patch("v1", "ConfigMap", "open", namespace, {"data": {"VALUE": "drifted"}})
    eventually(lambda: holds(newer[2], "ConfigMap", "open", "VALUE"), message="the repair")

    repo.commit(
        {"app/login.yaml": sops_files.yaml_file({"kind": "Secret", "stringData": {"a": newer[0].core}})}
    )
    app.until_reason("BuildFailed")
    shown = scene.shown(namespace)
    assert planted_values.traces(shown, values) == []
    assert shown[namespace].count(b"***") >= 6
