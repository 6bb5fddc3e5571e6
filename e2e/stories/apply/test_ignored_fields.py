"""`ignoreFields` leaves declared fields to others: they are set once, and never fought over, set back or taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from e2e.harness import identity
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import head_lookups, managed_objects, manifests

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
    sha = repo.commit({"web.yaml": _web(replicas=2)})
    repository = git_repository(ignoreFields=AUTOSCALED)
    repository.until_ready(sha)
    assert _replicas(cluster, repository) == 2
    mark = audit.mark()
    _scale(cluster, repository, 5)
    head_lookups.wait(git_server, repo, times=2)
    assert [event for event in managed_objects.writes(audit, mark, repository) if not event.subresource] == []
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
    sha = repo.commit({"web.yaml": _web(replicas=2)})
    repository = git_repository(ignoreFields=AUTOSCALED, drift="Report")
    repository.until_ready(sha)
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
    sha = repo.commit({"web.yaml": _web(replicas=2)})
    repository = git_repository(ignoreFields=AUTOSCALED)
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
    sha = repo.commit({"web.yaml": _web(replicas=2)})
    repository = git_repository(ignoreFields=AUTOSCALED)
    repository.until_ready(sha)
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
    owns = managed_objects.config_maps(cluster, repository)
    assert owns["settings"]["data"] == {"ours": "new", "theirs": "theirs"}
    assert owns["plain"]["data"] == {"ours": "new", "theirs": "git"}
    cluster.patch("v1", "ConfigMap", "settings", repository.namespace, {"data": {"theirs": None}})
    declared["data"]["ours"] = "newer"
    repository.until_ready(repo.commit({"all.yaml": manifests.text(declared, plain)}))
    assert managed_objects.config_maps(cluster, repository)["settings"]["data"] == {"ours": "newer"}


def test_the_plan_under_observe_leaves_out_what_is_left_to_others(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    sha = repo.commit({"web.yaml": _web(replicas=2)})
    repository = git_repository(ignoreFields=AUTOSCALED)
    repository.until_ready(sha)
    repository.change(mode="Observe")
    _scale(cluster, repository, 5)
    repo.commit({"web.yaml": _web(replicas=3, image="web:2")})
    status = repository.until_reason("Planned")
    (change,) = status["plan"]["changes"]
    assert [field["path"] for field in change["fields"]] == ["/spec/template/spec/containers/0/image"]


def test_a_mount_keeps_its_own_value_where_another_is_of_the_same_volume(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    pointers = [f"/spec/template/spec/containers/0/volumeMounts/{index}/subPath" for index in (0, 1)]
    repository = git_repository(ignoreFields=[{"target": {"kind": "Deployment"}, "fields": pointers}])
    body = manifests.deployment("web")
    pod = body["spec"]["template"]["spec"]
    mounts = [
        {"name": "data", "mountPath": "/a", "subPath": "conf"},
        {"name": "data", "mountPath": "/b", "subPath": "logs"},
    ]
    pod["volumes"] = [{"name": "data", "emptyDir": {}}]
    pod["containers"][0]["volumeMounts"] = mounts
    repository.until_applied(repo.commit({"web.yaml": manifests.text(body)}))
    body["metadata"]["labels"] = {"more": "1"}
    repository.until_applied(repo.commit({"web.yaml": manifests.text(body)}))
    found = _deployment(cluster, repository)
    assert found["metadata"]["labels"]["more"] == "1"
    assert found["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] == mounts


def test_a_member_of_a_map_that_is_owned_as_a_whole_is_neither_taken_away_nor_fought_over(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: GitRepositories,
) -> None:
    rule = {"target": {"kind": "Service"}, "fields": ["/spec/selector/color"]}
    repository = git_repository(ignoreFields=[rule])
    body = manifests.service("web")
    body["spec"]["selector"]["color"] = "blue"
    repository.until_ready(repo.commit({"web.yaml": manifests.text(body)}))

    def select(**labels: str) -> None:
        cluster.patch("v1", "Service", "web", repository.namespace, {"spec": {"selector": labels}})

    def selected() -> Any:
        return cluster.get("v1", "Service", "web", repository.namespace)["spec"]["selector"]

    mark = audit.mark()
    select(color="green")
    audit.until(
        lambda event: (
            (event.verb, event.resource, event.user) == ("get", "services", identity.OPERATOR)
            and event.namespace == repository.namespace
        ),
        mark=mark,
        deadline=30,
        message="a read of what somebody touched",
    )
    head_lookups.wait(git_server, repo, times=2)
    assert selected() == {"app": "web", "color": "green"}
    assert managed_objects.writes(audit, mark, repository) == []
    assert repository.condition("Drifted")["reason"] == "NoDrift"

    select(app="other", color="red")
    repository.until(lambda _: selected() == {"app": "web", "color": "red"}, "what else differs is restored")
    select(more="theirs")
    repository.until(lambda _: selected() == {"app": "web", "color": "red"}, "what was added goes")
    select(color="green")
    body["metadata"]["labels"] = {"more": "1"}
    repository.until_ready(repo.commit({"web.yaml": manifests.text(body)}))
    assert selected() == {"app": "web", "color": "green"}


def test_a_target_in_an_atomic_list_is_left_to_whoever_sets_it(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    pointer = "/spec/metrics/1/resource/target/averageUtilization"
    rule = {"target": {"kind": "HorizontalPodAutoscaler"}, "fields": [pointer]}
    repository = git_repository(ignoreFields=[rule])

    def metrics(cpu: int, memory: int) -> list[Object]:
        return [
            {
                "type": "Resource",
                "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": value}},
            }
            for name, value in (("cpu", cpu), ("memory", memory))
        ]

    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body: Object = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 3, "metrics": metrics(50, 80)},
    }
    repository.until_applied(repo.commit({"web.yaml": manifests.text(body)}))
    place = ("autoscaling/v2", "HorizontalPodAutoscaler", "web", repository.namespace)
    cluster.patch(*place, {"spec": {"metrics": metrics(50, 90)}})
    body["spec"]["metrics"] = metrics(60, 80)
    repository.until_applied(repo.commit({"web.yaml": manifests.text(body)}))
    assert cluster.get(*place)["spec"]["metrics"] == metrics(60, 90)


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
