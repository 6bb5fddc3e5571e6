"""A new GitRepository of the name of an earlier one takes nothing away that came from the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from e2e.harness import repositories
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import managed_objects, manifests

NAMES = ("first", "second", "third")


@pytest.mark.parametrize("spec", [{"deletionPolicy": "Orphan"}, {"suspend": True}, {"prune": False}], ids=str)
def test_a_new_resource_of_the_same_name_for_another_url_takes_nothing_of_the_first_away(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
    spec: dict[str, Any],
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    first = git_repository()
    first.until_ready(sha)
    first.change(**spec)
    first.delete()
    first.until_gone()
    mark = audit.mark()
    other = git_server.create(f"{first.namespace}-other")
    second = git_repository(url=other.url)
    second.until_ready(other.commit(manifests.config_maps(["mine", "theirs"])))
    second.until_ready(other.commit({"theirs.yaml": None}))
    second.delete()
    second.until_gone()
    assert _config_maps(cluster, first) == set(NAMES)
    touched = {event.name for event in managed_objects.writes(audit, mark, first)}
    assert touched == {"mine", "theirs"}


def test_what_a_repository_without_its_finalizer_left_behind_is_not_pruned_by_its_namesake(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(manifests.config_maps(NAMES))
    first = git_repository()
    first.until_ready(sha)
    operator.stop()
    repositories.abandon(cluster, first.namespace)
    first.until_gone()
    mark = audit.mark()
    other = git_server.create(f"{first.namespace}-other")
    other.commit(manifests.config_maps(["first", "mine"], colour="red"))
    second = git_repository(url=other.url)
    operator.start()
    status = second.until_reason("PruneBlocked")
    waiting = {(each["object"].rpartition("/")[2], each["reason"]) for each in status["blocked"]["prunes"]}
    assert waiting == {("second", "Inherited"), ("third", "Inherited")}
    second.delete()
    second.until_gone()
    assert _config_maps(cluster, first) == {"second", "third"}
    deleted = {event.name for event in managed_objects.writes(audit, mark, first) if event.verb == "delete"}
    assert deleted == {"first", "mine"}


def test_what_a_namesake_left_behind_is_pruned_once_that_is_confirmed(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(manifests.config_maps(NAMES))
    first = git_repository()
    first.until_ready(sha)
    operator.stop()
    repositories.abandon(cluster, first.namespace)
    first.until_gone()
    other = git_server.create(f"{first.namespace}-other")
    sha = other.commit(manifests.config_maps(["mine"]))
    second = git_repository(url=other.url)
    operator.start()
    second.until_reason("PruneBlocked")
    second.confirm_prune()
    second.until_ready(sha)
    assert _config_maps(cluster, first) == {"mine"}


def _config_maps(cluster: Cluster, repository: Repository) -> set[str]:
    """Return the names of the ConfigMaps in the repository's namespace but for the server's own."""
    found = {body["metadata"]["name"] for body in cluster.list("v1", "ConfigMap", repository.namespace)}
    return found - {"kube-root-ca.crt"}
