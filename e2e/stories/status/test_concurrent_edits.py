"""People who edit a resource while the operator writes its status lose nothing, and neither does the status."""

from __future__ import annotations

from collections.abc import Callable

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import API, KIND, Repository
from e2e.scenes import manifests

EDITS = 100


def test_a_hundred_edits_while_syncs_run_lose_neither_an_edit_nor_a_field_of_the_status(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    app = git_repository()
    app.until_ready(repo.commit(manifests.config_maps(["settings"], colour="0")))
    for number in range(1, EDITS + 1):
        if number % 10 == 0:
            repo.commit(manifests.config_maps(["settings"], colour=str(number)))
        edit = {
            "metadata": {"annotations": {f"example.com/edit-{number}": "made"}},
            "spec": {"timeout": f"{number}s"},
        }
        cluster.patch(API, KIND, app.name, app.namespace, edit)
    status = app.until_ready(repo.sha())

    resource = app.read()
    assert resource["spec"]["timeout"] == f"{EDITS}s"
    edits = [name for name in resource["metadata"]["annotations"] if name.startswith("example.com/edit-")]
    assert len(edits) == EDITS
    assert set(status) >= {"commit", "applied", "objects", "conditions", "kinds", "lastRecord"}
    assert status["commit"]["applied"] == status["commit"]["observed"] == repo.sha()
    assert status["observedGeneration"] == resource["metadata"]["generation"]
    live = cluster.get("v1", "ConfigMap", "settings", app.namespace)
    assert live["data"]["colour"] == str(EDITS)
