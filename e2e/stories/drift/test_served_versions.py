"""An object that is served in several versions is ours in each, and costs a write only when Git changes it."""

from __future__ import annotations

from collections.abc import Callable

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import head_lookups, managed_objects, manifests
from e2e.scenes.drift import custom_kinds


def test_a_commit_that_names_another_version_is_one_write_and_drift_is_restored_in_it(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
) -> None:
    group = f"{namespace}.example.com"
    with custom_kinds.installed(cluster, group) as (widget, _):
        first = widget.declare("first")
        repository = git_repository()
        repository.until_ready(repo.commit({"first.yaml": manifests.text(first)}))
        mark = audit.mark()
        second = {**first, "apiVersion": f"{group}/v2"}
        repository.until_ready(repo.commit({"first.yaml": manifests.text(second)}))
        head_lookups.wait(git_server, repo, times=2)
        assert len(managed_objects.writes(audit, mark, repository)) == 1

        place = ("Widget", "first", namespace)
        cluster.patch(f"{group}/v1", *place, {"spec": {"colour": "theirs"}})
        eventually(
            lambda: cluster.get(f"{group}/v2", *place)["spec"]["colour"] == "blue",
            deadline=5,
            message="the colour in Git",
        )
        repository.delete()
        repository.until_gone()
