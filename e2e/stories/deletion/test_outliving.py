"""Objects that outlive their GitRepository: nothing of them changes but that they are no longer ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import cluster_limits, live_objects, managed_objects, manifests

NAMES = ("first", "second", "third")

STAYING = {
    "deletionPolicy: Orphan": {"deletionPolicy": "Orphan"},
    "suspend: true": {"suspend": True},
    "prune: false": {"prune": False},
}
"""The specs under which the objects outlive their GitRepository."""

staying = pytest.mark.parametrize("spec", STAYING.values(), ids=STAYING)


@staying
def test_the_objects_stay_and_nothing_of_us_stays_on_them(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    spec: dict[str, Any],
) -> None:
    bodies = (
        manifests.config_map("settings", colour="blue"),
        manifests.service("web"),
        manifests.role("reader"),
    )
    sha = repo.commit({"all.yaml": manifests.text(*bodies)})
    repository = git_repository()
    repository.until_ready(sha)
    before = [live_objects.content(live_objects.live(cluster, repository, body)) for body in bodies]
    repository.change(**spec)
    repository.delete()
    repository.until_gone()
    after = [live_objects.live(cluster, repository, body) for body in bodies]
    assert [live_objects.content(body) for body in after] == before
    assert [live_objects.marks(body) for body in after] == [set()] * len(bodies)
    assert repository.records()[-1]["status"]["counts"]["released"] == len(bodies)


@staying
def test_each_object_that_stays_is_released_by_one_patch(
    operator: Operator,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
    spec: dict[str, Any],
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository(**{name: value for name, value in spec.items() if name != "suspend"})
    repository.until_ready(sha)
    repository.change(**spec)
    mark = audit.mark()
    repository.delete()
    repository.until_gone()
    written = managed_objects.writes(audit, mark, repository)
    assert sorted((event.verb, event.name, event.code) for event in written) == [
        ("patch", name, 200) for name in NAMES
    ]
    tested = [{step["path"] for step in event.body if step["op"] == "test"} for event in written]
    assert tested == [{"/metadata/resourceVersion"}] * len(NAMES)


def test_the_pods_of_a_released_deployment_are_not_replaced(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    web = manifests.deployment()
    sha = repo.commit({"web.yaml": manifests.text(web)})
    repository = git_repository(deletionPolicy="Orphan")
    repository.until_ready(sha)
    before = _rolled_out(cluster, repository, web)
    repository.delete()
    repository.until_gone()
    after = _rolled_out(cluster, repository, web)
    assert after["spec"] == before["spec"]
    assert live_objects.marks(after) == set()
    assert "change-cause" not in str(after["metadata"].get("annotations"))
    (pods,) = cluster.list("apps/v1", "ReplicaSet", repository.namespace)
    assert pods["metadata"]["ownerReferences"][0]["uid"] == before["metadata"]["uid"]


def test_a_release_that_is_refused_is_told_once_and_goes_on_when_it_is_allowed(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository(deletionPolicy="Orphan")
    repository.until_ready(sha)
    rule = "object.metadata.name != 'second'"
    with cluster_limits.denying(cluster, repository.namespace, rule, "'not on my watch'"):
        repository.delete()
        repository.until(lambda status: "Tried 3 times" in str(status), "three tries")
        assert set(managed_objects.config_maps(cluster, repository)) == {"second"}
        outcomes = [record["status"]["outcome"] for record in repository.records()]
        assert outcomes == ["Succeeded", "Partial", "Failed"]
    repository.until_gone()
    assert managed_objects.config_maps(cluster, repository) == {}
    assert all(cluster.find("v1", "ConfigMap", name, repository.namespace) for name in NAMES)


def _rolled_out(cluster: Cluster, repository: Repository, body: Object) -> Object:
    """Return a Deployment once its controller has seen it as it is now."""

    def seen() -> Object | None:
        live = live_objects.live(cluster, repository, body)
        return live if live["status"].get("observedGeneration") == live["metadata"]["generation"] else None

    return eventually(seen, deadline=30, message="the controller of the Deployment")
