"""A generated ConfigMap gets another name with its content; the one before stays until nothing uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Content, Repo
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

GitRepositories = Callable[..., Repository]

OTHERS = {"kube-root-ca.crt"}


def app(colour: str, deployment: dict[str, Any]) -> dict[str, Content]:
    """Return a kustomization with a generator, and a Deployment that uses what it makes."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    kustomization = "resources: [web.yaml]\nconfigMapGenerator:\n- name: settings\n  literals: [colour=%s]\n"
    return {"kustomization.yaml": kustomization % colour, "web.yaml": manifests.text(deployment)}


@pytest.mark.usefixtures("with_kustomize")
def test_a_generated_map_outlives_the_roll_out_that_replaces_it(
    repo: Repo,
    git_repository: GitRepositories,
    cluster: Cluster,
    namespace: str,
) -> None:
    def colours() -> dict[str, str]:
        """Return the data of the generated ConfigMaps by name."""
        found = cluster.list("v1", "ConfigMap", namespace)
        return {
            one["metadata"]["name"]: one["data"]["colour"]
            for one in found
            if one["metadata"]["name"] not in OTHERS
        }

    first = repo.commit(app("red", manifests.deployment()))
    shop = git_repository(interval="10m")
    shop.until_ready(first)
    (old,) = colours()

    repo.commit(app("blue", manifests.stalled()))
    shop.annotate(reconcile="now")
    waits = f"waits until Deployment {namespace}/web is healthy"
    shop.until(lambda status: waits in str(status), "the prune that waits for the roll-out")
    assert sorted(colours().values()) == ["blue", "red"]

    healthy = repo.commit(app("blue", manifests.deployment()))
    shop.annotate(reconcile="again")
    shop.until_ready(healthy)
    eventually(lambda: list(colours().values()) == ["blue"], message="the old ConfigMap is gone")
    assert old not in colours()
