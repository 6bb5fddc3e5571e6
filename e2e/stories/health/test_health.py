"""How objects are, as people who look with kubectl see it: on their way, failed, too late, well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from e2e.harness import identity
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually, steadily
from e2e.scenes import fake_kubelet, manifests

pytestmark = pytest.mark.usefixtures("unplayed")

GitRepositories = Callable[..., Repository]

TIMEOUT = 8.0
STEPS = 5


def conditions(status: Object) -> dict[str, Object]:
    return {one["type"]: one for one in status["conditions"]}


def seconds(early: str, late: str) -> float:
    return (datetime.fromisoformat(late) - datetime.fromisoformat(early)).total_seconds()


def test_a_deployment_that_becomes_available_makes_its_commit_healthy(
    operator: Operator, audit: AuditLog, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    files = {"web.yaml": manifests.text(manifests.deployment())}
    sha = repo.commit({**files, **manifests.config_maps(["settings"])})
    mark = audit.mark()
    status = git_repository(interval="10m").until_ready(sha)

    assert status["commit"]["healthy"] == sha
    assert status["objects"] == {"declared": 2, "synced": 2, "failed": 0, "healthy": 2}
    assert conditions(status)["Healthy"]["message"] == "All 2 objects are ready"
    written = [event for event in audit.writes(mark, identity.OPERATOR) if event.namespace == namespace]
    assert sum(event.resource == "deployments" and not event.dry_run for event in written) == 1


def test_a_rollout_that_stalls_is_unhealthy_at_the_timeout_and_a_later_commit_ends_the_wait(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    first = repo.commit({"deploy/web.yaml": manifests.text(manifests.deployment())})
    app = git_repository(interval="1s", healthTimeout=f"{TIMEOUT:g}s")
    app.until_ready(first)

    stuck = repo.commit({"deploy/web.yaml": manifests.text(manifests.stalled(image="web:2"))})
    status = app.until_applied(stuck)
    ready = conditions(status)["Ready"]
    assert (ready["status"], ready["reason"]) == ("Unknown", "Progressing")

    status = app.until_reason("Unhealthy")
    found = conditions(status)
    late = seconds(status["applied"]["appliedAt"], found["Ready"]["lastTransitionTime"])
    assert abs(late - TIMEOUT) <= 2
    assert status["commit"] == {"observed": stuck, "attempted": stuck, "applied": stuck, "healthy": first}
    for word in ("deploy/web.yaml:1", f"Deployment {app.namespace}/web", stuck[:7], "replicas"):
        assert word in found["Healthy"]["message"]
    assert found["Synced"]["status"] == "True"
    assert found["Reconciling"]["status"] == "False"

    mended = repo.commit({"deploy/web.yaml": manifests.text(manifests.deployment(image="web:3"))})
    status = app.until_ready(mended)
    assert status["commit"]["healthy"] == mended


def test_a_container_that_crashes_is_named_with_its_reason_and_image(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    written = manifests.text(manifests.stalled(image="web:typo"))
    line = next(at for at, each in enumerate(written.splitlines(), 1) if "web:typo" in each)
    sha = repo.commit({"web.yaml": written})
    app = git_repository(interval="10m")
    app.until_applied(sha)
    pod = fake_kubelet.pod_of(cluster, namespace, "app=web")
    fake_kubelet.waits(cluster, pod, "ImagePullBackOff")

    app.until(
        lambda status: "ImagePullBackOff" in conditions(status)["Healthy"]["message"], "the Pod's words", 15
    )
    message = app.condition("Healthy")["message"]
    assert "cannot pull registry.example/web:typo (ImagePullBackOff)" in message
    assert f"web.yaml:{line} Deployment" in message
    assert pod["metadata"]["name"] not in message

    fake_kubelet.runs(cluster, pod)
    app.until_ready(sha)


def test_nothing_waits_for_health_neither_a_repair_nor_the_rest_of_a_commit(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    files = {"web.yaml": manifests.text(manifests.stalled()), **manifests.config_maps(["settings"], a="1")}
    sha = repo.commit(files)
    app = git_repository(interval="10m")
    app.until_applied(sha)

    cluster.delete("v1", "ConfigMap", "settings", namespace)
    eventually(
        lambda: cluster.find("v1", "ConfigMap", "settings", namespace), deadline=10, message="the repair"
    )
    assert app.condition()["reason"] == "Progressing"
    sha = repo.commit(manifests.config_maps(["settings"], a="2"))
    app.annotate(reconcile="now")
    app.until_applied(sha)
    assert cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"a": "2"}


def test_a_job_that_fails_is_unhealthy_at_once_with_the_words_of_its_controller(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    sha = repo.commit({"job.yaml": manifests.text(manifests.job())})
    app = git_repository(interval="10m")
    app.until_applied(sha)
    fake_kubelet.fails(cluster, fake_kubelet.pod_of(cluster, namespace, "job-name=migrate"), exit_code=3)

    found = conditions(app.until_reason("Unhealthy", deadline=20))
    assert "BackoffLimitExceeded" in found["Ready"]["message"]
    assert "exit code 3" in found["Ready"]["message"]
    assert app.commit("healthy") == ""


def test_a_wait_goes_on_where_a_restart_has_cut_it(
    private_operator: Callable[..., Operator], repo: Repo, git_repository: GitRepositories
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit({"web.yaml": manifests.text(manifests.stalled())})
    app = git_repository(interval="10m", healthTimeout="15s")
    before = app.until_applied(sha)
    operator.kill()
    operator.start()

    found = conditions(app.until_reason("Unhealthy", deadline=30))
    late = seconds(before["applied"]["appliedAt"], found["Ready"]["lastTransitionTime"])
    assert abs(late - 15) <= 2


def test_objects_that_flap_cost_a_few_passes_and_not_one_each(
    operator: Operator, cluster: Cluster, audit: AuditLog, repo: Repo, git_repository: GitRepositories
) -> None:
    sha = repo.commit({"web.yaml": manifests.text(manifests.stalled())})
    app = git_repository(interval="10m")
    app.until_applied(sha)
    pod = fake_kubelet.pod_of(cluster, app.namespace, "app=web")
    mark = audit.mark()
    for _ in range(30):
        fake_kubelet.runs(cluster, pod)
        fake_kubelet.waits(cluster, pod, "ErrImagePull")
    fake_kubelet.runs(cluster, pod)
    app.until_ready(sha)

    events = [event for event in audit.since(mark) if event.namespace == app.namespace]
    passes = [
        event for event in events if event.resource == "gitrepositories" and event.user == identity.OPERATOR
    ]
    flips = [event for event in events if event.resource == "pods" and event.subresource == "status"]
    spent = seconds(events[0].time, events[-1].time)
    assert len(flips) >= 60
    assert sum(event.verb == "get" for event in passes) <= 2 * spent + 5
    written = [event.resource for event in audit.writes(mark, identity.OPERATOR)]
    assert "deployments" not in written


def test_who_depends_on_a_repository_waits_until_it_is_healthy(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    sha = repo.commit(
        {
            "base/web.yaml": manifests.text(manifests.stalled()),
            "web/settings.yaml": manifests.text(manifests.config_map()),
        }
    )
    base = git_repository("base", path="base", interval="10m")
    base.until_applied(sha)
    web = git_repository("web", path="web", interval="10m", dependsOn=[{"name": "base"}])
    web.until_reason("DependencyNotReady")
    steadily(
        lambda: not cluster.find("v1", "ConfigMap", "settings", namespace), seconds=1, message="the wait"
    )

    fake_kubelet.runs(cluster, fake_kubelet.pod_of(cluster, namespace, "app=web"))
    base.until_ready(sha)
    web.until_ready(sha, deadline=10)


def test_workloads_in_a_chain_of_repositories_start_one_after_the_other(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    names = [f"step-{step}" for step in range(STEPS)]
    sha = repo.commit(
        {f"{name}/web.yaml": manifests.text(manifests.deployment(f"web-{name}")) for name in names}
    )
    apps = [
        git_repository(name, path=name, interval="10m", dependsOn=[{"name": before}] if before else [])
        for name, before in zip(names, [None, *names], strict=False)
    ]
    for app in apps:
        app.until_ready(sha, deadline=60)

    applied = [app.status()["applied"]["appliedAt"] for app in apps]
    ready = [app.condition()["lastTransitionTime"] for app in apps]
    assert all(before <= after for before, after in zip(ready, applied[1:], strict=False))


def test_an_object_that_cannot_go_is_named(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    sha = repo.commit({"web.yaml": manifests.text(manifests.deployment())})
    app = git_repository(interval="10m")
    app.until_ready(sha)
    held = {"metadata": {"finalizers": ["example.com/backup"]}}
    cluster.patch("apps/v1", "Deployment", "web", namespace, held)
    cluster.delete("apps/v1", "Deployment", "web", namespace)

    app.until(
        lambda status: "waits for example.com/backup" in conditions(status)["Healthy"]["message"], "its end"
    )
    cluster.patch("apps/v1", "Deployment", "web", namespace, {"metadata": {"finalizers": None}})
    app.until_ready(sha)


CHECK = {
    "kind": "Cart",
    "current": 'status.phase == "Open"',
    "failed": 'status.phase == "Broken"',
}


def carts(group: str) -> Object:
    """Define a kind that says in words of its own how it is."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"kind": "Cart", "plural": "carts", "singular": "cart"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"carts.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def test_a_kind_of_ones_own_is_as_its_checks_say_and_changed_checks_count_at_once(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    group = f"{namespace}.example.com"
    api = f"{group}/v1"
    cart: Object = {"apiVersion": api, "kind": "Cart", "metadata": {"name": "one"}}
    sha = repo.commit({"all.yaml": manifests.text(carts(group), cart)})
    app = git_repository(interval="10m", healthChecks=[{"apiVersion": api, **CHECK}], prune=False)
    app.until_applied(sha)
    assert "Cart" in conditions(app.until_reason("Progressing"))["Healthy"]["message"]

    cluster.patch_status(api, "Cart", "one", namespace, {"phase": "Open"})
    app.until_ready(sha)
    cluster.patch_status(api, "Cart", "one", namespace, {"phase": "Broken"})
    app.until_reason("Unhealthy")

    app.change(healthChecks=[{"apiVersion": api, "kind": "Cart", "current": 'status.phase == "Broken"'}])
    app.until_ready(sha)
    app.change(healthChecks=[{"apiVersion": api, "kind": "Cart", "current": "nope"}])
    app.until_reason("InvalidSpec")
    assert "spec.healthChecks[0].current: column 1: undeclared reference" in app.condition()["message"]
    cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"carts.{group}")
