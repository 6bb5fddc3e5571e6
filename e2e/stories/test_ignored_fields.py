"""`ignoreFields` leaves declared fields to others: they are set once, and never fought over, set back or taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.stories import looks, manifests, owned

GitRepositories = Callable[..., Repository]
AUTOSCALED = [{"target": {"kind": "Deployment", "group": "apps"}, "fields": ["/spec/replicas"]}]


def test_an_autoscaler_keeps_the_replicas_that_git_declares(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: GitRepositories,
) -> None:
    repository = git_repository(ignoreFields=AUTOSCALED)
    repository.until_ready(repo.commit({"web.yaml": _web(replicas=2)}))
    assert _replicas(cluster, repository) == 2
    mark = audit.mark()
    _scale(cluster, repository, 5)
    looks.wait(git_server, repo, times=2)
    assert [event for event in owned.writes(audit, mark, repository) if not event.subresource] == []
    assert repository.condition("Ready")["status"] == "True"
    assert repository.condition("Drifted")["reason"] == "NoDrift"

    for declared, image in ((2, "web:2"), (3, "web:3")):
        repository.until_ready(repo.commit({"web.yaml": _web(replicas=declared, image=image)}))
        assert _replicas(cluster, repository) == 5
        assert _image(cluster, repository).endswith(image)
    repository.until_ready(repo.commit({"web.yaml": _web(image="web:4")}))
    assert _replicas(cluster, repository) == 5


def test_where_drift_is_reported_a_field_that_is_left_to_others_is_not(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository(ignoreFields=AUTOSCALED, drift="Report")
    repository.until_ready(repo.commit({"web.yaml": _web(replicas=2)}))
    _scale(cluster, repository, 5)
    cluster.patch("apps/v1", "Deployment", "web", repository.namespace, {"spec": {"paused": True}})
    cluster.kubectl(
        "set", "image", "deployment/web", "-n", repository.namespace, "main=registry.example/web:9"
    )
    status = repository.until_reason("Drifted", kind="Drifted")
    assert [each["field"] for each in status["drift"]] == ["/spec/template/spec/containers/0/image"]


def test_dropping_the_rule_takes_the_field_back(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository(ignoreFields=AUTOSCALED)
    sha = repo.commit({"web.yaml": _web(replicas=2)})
    repository.until_ready(sha)
    _scale(cluster, repository, 5)
    repository.change(ignoreFields=None)
    repository.until_reason("Succeeded")
    assert _replicas(cluster, repository) == 2
    (update,) = repository.records()[-1]["spec"]["changes"]
    assert update["fields"] == [{"path": "/spec/replicas", "old": 5, "new": 2}]


def test_a_field_that_only_we_own_keeps_its_live_value_whatever_git_says(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository(ignoreFields=AUTOSCALED)
    repository.until_ready(repo.commit({"web.yaml": _web(replicas=2)}))
    repository.until_ready(repo.commit({"web.yaml": _web(replicas=3, image="web:2")}))
    assert (_replicas(cluster, repository), _image(cluster, repository)[-5:]) == (2, "web:2")
    repository.until_ready(repo.commit({"web.yaml": _web(image="web:3")}))
    assert (_replicas(cluster, repository), _image(cluster, repository)[-5:]) == (2, "web:3")
    repository.change(ignoreFields=None)
    repository.until(lambda _: _replicas(cluster, repository) == 1, "the default, now that it is dropped")


def test_what_exists_already_is_adopted_without_the_fields_of_others(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    rule = {"target": {"labelSelector": {"matchLabels": {"app": "shared"}}}, "fields": ["/data/theirs"]}
    repository = git_repository(suspend=True, ignoreFields=[rule])
    found = manifests.config_map("settings", repository.namespace, ours="old", theirs="theirs")
    cluster.create(found)
    declared = manifests.config_map("settings", ours="new", theirs="git")
    declared["metadata"]["labels"] = {"app": "shared"}
    plain = manifests.config_map("plain", ours="new", theirs="git")
    cluster.create({**found, "metadata": {**found["metadata"], "name": "plain"}})
    sha = repo.commit({"all.yaml": manifests.text(declared, plain)})
    repository.change(suspend=None)
    repository.until_ready(sha)
    owns = owned.config_maps(cluster, repository)
    assert owns["settings"]["data"] == {"ours": "new", "theirs": "theirs"}
    assert owns["plain"]["data"] == {"ours": "new", "theirs": "git"}
    cluster.patch("v1", "ConfigMap", "settings", repository.namespace, {"data": {"theirs": None}})
    declared["data"]["ours"] = "newer"
    repository.until_ready(repo.commit({"all.yaml": manifests.text(declared, plain)}))
    assert owned.config_maps(cluster, repository)["settings"]["data"] == {"ours": "newer"}


def test_the_plan_under_observe_leaves_out_what_is_left_to_others(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository(ignoreFields=AUTOSCALED)
    repository.until_ready(repo.commit({"web.yaml": _web(replicas=2)}))
    repository.change(mode="Observe")
    _scale(cluster, repository, 5)
    repo.commit({"web.yaml": _web(replicas=3, image="web:2")})
    status = repository.until_reason("Planned")
    (change,) = status["plan"]["changes"]
    assert [field["path"] for field in change["fields"]] == ["/spec/template/spec/containers/0/image"]


def _web(image: str = "web:1", **spec: Any) -> str:
    body = manifests.deployment("web", image=image)
    return manifests.text({**body, "spec": {**body["spec"], **spec}})


def _scale(cluster: Cluster, repository: Repository, replicas: int) -> None:
    """Scale as an autoscaler does: by the subresource."""
    cluster.kubectl("scale", "deployment/web", "-n", repository.namespace, f"--replicas={replicas}")


def _deployment(cluster: Cluster, repository: Repository) -> Object:
    return cluster.get("apps/v1", "Deployment", "web", repository.namespace)


def _replicas(cluster: Cluster, repository: Repository) -> int:
    return int(_deployment(cluster, repository)["spec"]["replicas"])


def _image(cluster: Cluster, repository: Repository) -> str:
    return str(_deployment(cluster, repository)["spec"]["template"]["spec"]["containers"][0]["image"])
