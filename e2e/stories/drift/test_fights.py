"""A writer that never stops is named, and costs one object its repairs, not the cluster its rest."""

from __future__ import annotations

from collections.abc import Callable

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import managed_objects, manifests
from e2e.scenes.drift import rival_writers

MOST = 6
"""Writes of ours before a fight is called one: five repairs in a minute are nothing unusual."""


def test_a_rival_that_writes_every_second_is_named_and_our_writes_to_its_object_rest(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    repository = git_repository()
    repository.until_ready(repo.commit(manifests.config_maps(["fought-over", "other"], colour="blue")))
    mark, namespace = audit.mark(), repository.namespace

    def write(number: int) -> None:
        change = {"data": {"colour": f"theirs {number}"}}
        cluster.patch("v1", "ConfigMap", "fought-over", namespace, change)

    with rival_writers.fighting(write) as rival:
        status = repository.until(
            lambda status: any(one["reason"] == "Contested" for one in status.get("failures", ())),
            "a fight",
            deadline=60,
        )
        (failure,) = status["failures"]
        assert failure["object"] == f"ConfigMap/{namespace}/fought-over"
        assert "OpenAPI-Generator" in failure["message"]
        writes = rival.writes
        cluster.patch("v1", "ConfigMap", "other", namespace, {"data": {"colour": "theirs"}})
        eventually(lambda: _colour(cluster, repository, "other") == "blue", deadline=5, message="the other")
        eventually(lambda: rival.writes > writes + 5, deadline=20, message="more writes of the rival")

    names = [event.name for event in managed_objects.writes(audit, mark, repository)]
    assert (names.count("other"), len(names)) == (1, names.count("fought-over") + 1)
    assert MOST - 1 <= names.count("fought-over") <= MOST + 1


def test_a_change_now_and_then_is_no_fight(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repository = git_repository()
    repository.until_ready(repo.commit(manifests.config_maps(["settings"], colour="blue")))
    for number in range(4):
        change = {"data": {"colour": f"theirs {number}"}}
        cluster.patch("v1", "ConfigMap", "settings", repository.namespace, change)
        eventually(lambda: _colour(cluster, repository, "settings") == "blue", deadline=5)
    assert not repository.status().get("failures")


def _colour(cluster: Cluster, repository: Repository, name: str) -> str:
    return str(managed_objects.config_maps(cluster, repository)[name]["data"]["colour"])
