"""Deleting a GitRepository deletes what Towline created, and leaves what existed before, unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest

from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

GitRepositories = Callable[..., Repository]
ADOPTED = "towline.dev/adopted"


def settings(cluster: Cluster, namespace: str, name: str) -> Object | None:
    return cluster.find("v1", "ConfigMap", name, namespace)


def made_by_hand(cluster: Cluster, namespace: str, name: str, **entries: str) -> str:
    """Create a ConfigMap as a person would; return its uid."""
    body = manifests.config_map(name, **entries)
    body["metadata"]["namespace"] = namespace
    return str(cluster.create(body)["metadata"]["uid"])


def owned(cluster: Cluster, namespace: str, name: str) -> bool:
    """Tell whether an object holds what Git declares, and says whose it is."""
    body: Object = settings(cluster, namespace, name) or {"metadata": {}}
    owner = (body["metadata"].get("annotations") or {}).get("towline.dev/owner", "nobody")
    return bool(owner != "nobody" and body["data"] == {"colour": "blue"})


@pytest.mark.parametrize("preflight", [True, False])
def test_what_existed_before_stays_and_what_towline_created_goes(
    preflight: bool,  # noqa: FBT001  pytest passes it by name
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: GitRepositories,
) -> None:
    uid = made_by_hand(cluster, namespace, "old", colour="red")
    sha = repo.commit(manifests.config_maps(["old", "new"], colour="blue"))
    repository = git_repository(preflight=preflight)
    repository.until_ready(sha)
    marked = settings(cluster, namespace, "old")
    fresh = settings(cluster, namespace, "new")
    assert marked is not None
    assert fresh is not None
    assert datetime.fromisoformat(marked["metadata"]["annotations"][ADOPTED]).tzinfo
    assert ADOPTED not in fresh["metadata"]["annotations"]
    repository.delete()
    repository.until_gone()
    assert settings(cluster, namespace, "new") is None
    left = settings(cluster, namespace, "old")
    assert left is not None
    assert (left["metadata"]["uid"], left["data"]) == (uid, {"colour": "blue"})
    assert "towline" not in str(left)


def test_an_adopted_object_is_remembered_through_commits_repairs_and_restarts(
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: GitRepositories,
    private_operator: Callable[..., Operator],
) -> None:
    uid = made_by_hand(cluster, namespace, "old", colour="red")
    operator = private_operator()
    operator.start()
    sha = repo.commit(manifests.config_maps(["old"], colour="blue"))
    repository = git_repository()
    repository.until_ready(sha)
    repository.until_ready(repo.commit(manifests.config_maps(["old"], colour="green")))
    cluster.patch("v1", "ConfigMap", "old", namespace, {"data": {"colour": "by hand"}})
    eventually(lambda: (settings(cluster, namespace, "old") or {}).get("data") == {"colour": "green"})
    operator.kill()
    operator.start()
    repository.until_ready(repo.commit(manifests.config_maps(["old"], colour="white")))
    repository.delete()
    repository.until_gone()
    left = settings(cluster, namespace, "old")
    assert left is not None
    assert (left["metadata"]["uid"], left["data"]) == (uid, {"colour": "white"})


def test_with_delete_what_was_adopted_goes_too(
    operator: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    made_by_hand(cluster, namespace, "old", colour="red")
    sha = repo.commit(manifests.config_maps(["old"], colour="blue"))
    repository = git_repository(deletionPolicy="Delete")
    repository.until_ready(sha)
    repository.delete()
    repository.until_gone()
    assert settings(cluster, namespace, "old") is None


def test_what_was_adopted_and_leaves_git_is_pruned(
    operator: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    made_by_hand(cluster, namespace, "old", colour="red")
    sha = repo.commit(manifests.config_maps(["old", "stays"], colour="blue"))
    repository = git_repository()
    repository.until_ready(sha)
    repository.until_ready(repo.commit({"old.yaml": None}))
    assert settings(cluster, namespace, "old") is None


def test_the_end_lists_what_went_and_what_stayed(
    operator: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    made_by_hand(cluster, namespace, "old", colour="red")
    sha = repo.commit(manifests.config_maps(["old", "new"], colour="blue"))
    repository = git_repository()
    repository.until_ready(sha)
    repository.delete()
    repository.until_gone()
    record = repository.records()[-1]
    assert {each["object"].split("/")[-1]: each["action"] for each in record["spec"]["changes"]} == {
        "old": "release",
        "new": "prune",
    }


def test_what_towline_created_goes_also_when_its_marks_were_taken_while_the_operator_was_down(
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: GitRepositories,
    private_operator: Callable[..., Operator],
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(manifests.config_maps(["robbed", "remade"], colour="blue"))
    repository = git_repository()
    repository.until_ready(sha)
    operator.kill()
    owner = {"metadata": {"annotations": {"towline.dev/owner": "nobody"}}}
    cluster.patch("v1", "ConfigMap", "robbed", namespace, owner)
    cluster.delete("v1", "ConfigMap", "remade", namespace)
    made_by_hand(cluster, namespace, "remade", colour="red")
    operator.start()
    for name in ("robbed", "remade"):
        eventually(partial(owned, cluster, namespace, name), deadline=20.0)
        assert ADOPTED not in (settings(cluster, namespace, name) or {})["metadata"]["annotations"]
    repository.delete()
    repository.until_gone()
    assert settings(cluster, namespace, "robbed") is None
    assert settings(cluster, namespace, "remade") is None
