"""Waves that wait until an object of an earlier one is healthy: migrations before what needs them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.harness import identity
from e2e.harness.audit import AuditLog, Mark
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually, steadily
from e2e.scenes import fake_kubelet, manifests

pytestmark = pytest.mark.usefixtures("unplayed")

GitRepositories = Callable[..., Repository]

GATE = {"wave": "-1", "wave_gate": "healthy"}
RUNS = "job-name=migrate"


def migration(image: str = "migrate:1", **more: str) -> dict[str, str]:
    """Declare a Job that everything else waits for, a Deployment and a ConfigMap that do."""
    return {
        "job.yaml": manifests.text(manifests.job(image=image, **GATE, **more)),
        "web.yaml": manifests.text(manifests.deployment()),
    }


def writes(audit: AuditLog, mark: Mark, namespace: str) -> list[str]:
    found = audit.writes(mark, identity.OPERATOR)
    kinds = ("jobs", "deployments", "configmaps")
    return [
        f"{one.verb} {one.resource}" for one in found if one.namespace == namespace and one.resource in kinds
    ]


def test_a_migration_runs_before_the_rest_of_its_commit_and_before_any_prune(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
) -> None:
    first = repo.commit(manifests.config_maps(["old", "kept"]))
    app = git_repository(interval="10m")
    app.until_ready(first)
    mark = audit.mark()
    sha = repo.commit({**migration(), "old.yaml": None})
    app.annotate(reconcile="now")
    status = app.until_reason("Progressing")
    pod = fake_kubelet.pod_of(cluster, namespace, RUNS)

    assert writes(audit, mark, namespace) == ["patch jobs"]
    tried = [one for one in audit.since(mark) if one.namespace == namespace and one.dry_run]
    assert "deployments" in {one.resource for one in tried}
    status = app.until(lambda status: "waits until" in _ready(status)["message"], "the gate")
    said = f"Deployment {namespace}/web waits until Job {namespace}/migrate is healthy"
    assert said in _ready(status)["message"]
    assert status["commit"]["attempted"] == sha
    assert status["commit"]["applied"] != sha

    fake_kubelet.completes(cluster, pod)
    app.until_ready(sha)
    assert writes(audit, mark, namespace) == ["patch jobs", "patch deployments", "delete configmaps"]
    outcomes = [record["status"]["outcome"] for record in app.records()]
    assert outcomes == ["Succeeded", "Partial", "Succeeded"]
    assert app.commit("healthy") == sha


def test_a_migration_that_fails_leaves_the_rest_as_it_was_until_a_later_commit_mends_it(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    repo.commit({**migration(), **manifests.config_maps(["settings"], a="1")})
    app = git_repository(interval="10m")
    fake_kubelet.fails(cluster, fake_kubelet.pod_of(cluster, namespace, RUNS))
    status = app.until_reason("Unhealthy")
    assert "BackoffLimitExceeded" in _ready(status)["message"]
    assert not cluster.find("apps/v1", "Deployment", "web", namespace)

    sha = repo.commit(migration("migrate:2", force="true"))
    app.annotate(reconcile="now")
    eventually(
        lambda: _image(fake_kubelet.pod_of(cluster, namespace, RUNS)).endswith("migrate:2"),
        deadline=30,
        message="the mended migration",
    )
    fake_kubelet.completes(cluster, fake_kubelet.pod_of(cluster, namespace, RUNS))
    app.until_ready(sha)
    assert cluster.find("apps/v1", "Deployment", "web", namespace)


def test_a_rename_of_everything_is_blocked_also_where_a_part_of_it_waits_for_a_migration(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    old, new = [f"old-{number}" for number in range(12)], [f"new-{number}" for number in range(12)]
    first = repo.commit(manifests.config_maps(old))
    app = git_repository(interval="10m")
    app.until_ready(first)
    early = [manifests.config_map(name) for name in new]
    for each in early:
        each["metadata"]["annotations"] = {"towline.dev/wave": "-2"}
    renamed = {**dict.fromkeys(manifests.config_maps(old)), "new.yaml": manifests.text(*early)}
    sha = repo.commit({**migration(), **renamed})
    app.annotate(reconcile="now")
    pod = fake_kubelet.pod_of(cluster, namespace, RUNS)
    fake_kubelet.completes(cluster, pod)
    app.until(
        lambda status: status["commit"]["attempted"] == sha and _ready(status)["status"] == "False",
        "a verdict",
    )
    assert app.condition()["reason"] == "PruneBlocked"
    assert all(cluster.find("v1", "ConfigMap", name, namespace) for name in (*old, *new))


def test_a_gate_stays_closed_over_a_restart_and_opens_when_it_is_healthy(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(migration())
    app = git_repository(interval="10m")
    pod = fake_kubelet.pod_of(cluster, namespace, RUNS)
    app.until(lambda status: "waits until" in _ready(status)["message"], "the gate")
    operator.kill()
    mark = audit.mark()
    operator.start()
    steadily(lambda: not writes(audit, mark, namespace), seconds=3, message="the closed gate")

    fake_kubelet.completes(cluster, pod)
    app.until_ready(sha)
    assert writes(audit, mark, namespace) == ["patch deployments"]


def test_a_deployment_opens_its_gate_with_what_was_just_written(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
) -> None:
    def web(image: str, node: Callable[..., Object]) -> str:
        body = node(image=image)
        body["metadata"]["annotations"] = {"towline.dev/wave": "-1", "towline.dev/wave-gate": "Healthy"}
        return manifests.text(body)

    first = repo.commit(
        {"web.yaml": web("web:1", manifests.deployment), **manifests.config_maps(["settings"], a="1")}
    )
    app = git_repository(interval="10m")
    app.until_ready(first)

    sha = repo.commit(
        {"web.yaml": web("web:2", manifests.stalled), **manifests.config_maps(["settings"], a="2")}
    )
    app.annotate(reconcile="now")
    app.until(lambda status: "waits until" in _ready(status)["message"], "the gate")
    assert cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"a": "1"}

    new = eventually(
        lambda: next(
            (
                pod
                for pod in cluster.list("v1", "Pod", namespace, labels="app=web")
                if pod["spec"]["nodeName"] == manifests.NOWHERE
            ),
            None,
        ),
        deadline=30,
        message="the new Pod",
    )
    fake_kubelet.runs(cluster, new)
    app.until_ready(sha)
    assert cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"a": "2"}


def _ready(status: Object) -> Object:
    found: Object = next(
        (one for one in status.get("conditions", ()) if one["type"] == "Ready"), {"message": ""}
    )
    return found


def _image(pod: Object) -> str:
    image: str = pod["spec"]["containers"][0]["image"]
    return image
