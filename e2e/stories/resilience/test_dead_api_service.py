"""An API service whose server is gone holds up nothing of other kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import managed_objects, manifests

API = "apiregistration.k8s.io/v1"


@pytest.fixture
def dead(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A group whose API service has no server."""
    group = f"{namespace}.example.com"
    spec = {
        "group": group,
        "version": "v1",
        "groupPriorityMinimum": 1000,
        "versionPriority": 15,
        "insecureSkipTLSVerify": True,
        "service": {"name": "nowhere", "namespace": namespace},
    }
    cluster.create(
        {"apiVersion": API, "kind": "APIService", "metadata": {"name": f"v1.{group}"}, "spec": spec}
    )

    def is_dead() -> bool:
        status = cluster.get(API, "APIService", f"v1.{group}").get("status", {})
        return any(one["status"] == "False" for one in status.get("conditions", ()))

    eventually(is_dead, message="the API server's word that nobody answers")
    yield group
    cluster.delete(API, "APIService", f"v1.{group}")


@pytest.mark.parametrize("restarted", [False, True])
def test_a_dead_api_service_holds_up_nothing_of_other_kinds(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    dead: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    *,
    restarted: bool,
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(manifests.config_maps(["stays", "goes"]))
    app = git_repository()
    app.until_ready(sha)
    if restarted:
        operator.kill()
        operator.start()
    app.until_ready(repo.commit({"goes.yaml": None, **manifests.config_maps(["stays"], colour="red")}))
    assert set(managed_objects.config_maps(cluster, app)) == {"stays"}

    thing = {"apiVersion": f"{dead}/v1", "kind": "Thing", "metadata": {"name": "thing"}}
    repo.commit({"thing.yaml": manifests.text(thing)})
    status = app.until_reason("ApplyFailed")
    assert [failure["reason"] for failure in status["failures"]] == ["UnknownKind"]
    app.delete()
    app.until_gone()
