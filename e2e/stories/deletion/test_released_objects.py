"""A release leaves the object as it is, and nothing of Towline on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from e2e.harness.cluster import Cluster, Kubectl, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

ASKED = {
    "towline.dev/drift": "Repair",
    "towline.dev/force": "Enabled",
    "towline.dev/wave": "3",
    "towline.dev/rerun": "1",
    "note": "of the author",
}


WAYS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "with deletionPolicy Orphan": ({"deletionPolicy": "Orphan"}, {}),
    "protected by an annotation": ({}, {"towline.dev/prune": "Disabled"}),
    "declared no more, without prunes": ({"prune": False}, {}),
}
"""What the spec and the objects ask for."""


@pytest.mark.parametrize("way", WAYS)
def test_what_leaves_management_has_nothing_of_towline(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
    way: str,
) -> None:
    spec, asked = WAYS[way]
    objects = (manifests.config_map("settings", colour="blue"), manifests.deployment())
    for each in objects:
        each["metadata"]["annotations"] = ASKED | asked
    files = {f"{each['kind']}.yaml": manifests.text(each) for each in objects}
    sha = repo.commit(files | manifests.config_maps(["stays"], colour="blue"))
    repository = git_repository(**spec)
    repository.until_applied(sha)
    change = json.dumps({"data": {"colour": "red"}})
    kubectl("patch", "configmap", "settings", "-n", namespace, "-p", change)
    eventually(lambda: settings(cluster, namespace)["data"]["colour"] == "blue")
    if "prune" in spec:
        repository.until_applied(repo.commit(dict.fromkeys(files)))
    else:
        repository.delete()
        repository.until_gone()
    for found in (settings(cluster, namespace), cluster.get("apps/v1", "Deployment", "web", namespace)):
        assert found["metadata"]["annotations"]["note"] == "of the author"
        assert "towline" not in json.dumps(found)


def settings(cluster: Cluster, namespace: str) -> Object:
    return cluster.get("v1", "ConfigMap", "settings", namespace)
