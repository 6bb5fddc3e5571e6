"""An operator that lists and watches an API server which lives in the past harms nothing that is there now."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.faults.proxy import Proxy
from e2e.faults.rules import Request
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import managed_objects, manifests

FIRST = ("stays", "changes", "pruned", "made-anew", "given-up")
PRESENT = ("stays", "changes", "comes")


@pytest.mark.parametrize("preflight", [True, False])
def test_a_restart_against_lists_of_the_past_changes_nothing_and_tells_the_present(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
    *,
    preflight: bool,
) -> None:
    app = git_repository(preflight=preflight)
    app.until_ready(repo.commit(manifests.config_maps(FIRST, colour="blue")))
    proxy.keep_past()
    left = dict.fromkeys(("pruned.yaml", "made-anew.yaml", "given-up.yaml"))
    cluster.kubectl("annotate", "configmap", "given-up", "-n", app.namespace, "towline.dev/prune=Disabled")
    sha = repo.commit({**manifests.config_maps(["changes", "comes"], colour="red"), **left})
    app.until_ready(sha)
    cluster.create(manifests.config_map("made-anew", app.namespace, colour="theirs"))
    content, records = _content(cluster, app), app.records()

    proxy.answer_from_past(_about_collections)
    behind.stop()
    mark = audit.mark()
    behind.start()
    app.annotate(reconcile="now")
    app.until(lambda status: status.get("lastHandledReconcile") == "now", "a handled request", 60)
    status = app.until(lambda status: status["objects"].get("healthy") == len(PRESENT), "all healthy", 60)
    assert app.condition()["reason"] == "Succeeded"
    assert status["commit"]["applied"] == sha
    assert managed_objects.writes(audit, mark, app) == []
    assert _content(cluster, app) == content
    assert app.records() == records

    proxy.mend()
    later = repo.commit(manifests.config_maps(["stays"], colour="green"))
    app.until_ready(later, deadline=60)
    assert set(_content(cluster, app)) == set(content)


def _about_collections(request: Request) -> bool:
    return request.path.endswith(("/configmaps", "/gitrepositories"))


def _content(cluster: Cluster, app: Repository) -> dict[str, object]:
    """Return what is there, whoever owns it."""
    found = cluster.list("v1", "ConfigMap", app.namespace)
    return {
        body["metadata"]["name"]: (body["metadata"]["uid"], body["metadata"]["resourceVersion"], body["data"])
        for body in found
    }
