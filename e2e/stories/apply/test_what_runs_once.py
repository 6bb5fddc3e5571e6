"""Jobs that did their work and went by their own rule are done: they run again when Git asks for it, and not before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.harness import identity
from e2e.harness.audit import AuditLog, Mark
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually, steadily
from e2e.scenes import fake_kubelet, manifests

pytestmark = pytest.mark.usefixtures("unplayed")

GitRepositories = Callable[..., Repository]

RUNS = "job-name=migrate"
NAME = "Job.batch/{}/migrate"


def job(*, ttl: int, **annotations: str) -> dict[str, str]:
    body = manifests.job(**annotations)
    body["spec"]["ttlSecondsAfterFinished"] = ttl
    return {"job.yaml": manifests.text(body)}


def creations(audit: AuditLog, mark: Mark, namespace: str) -> int:
    found = audit.writes(mark, identity.OPERATOR)
    return sum(one.namespace == namespace and one.resource == "jobs" and one.code == 201 for one in found)


def gone(cluster: Cluster, namespace: str) -> None:
    eventually(
        lambda: cluster.find("batch/v1", "Job", "migrate", namespace) is None,
        deadline=30,
        message="the end of the Job by its time to live",
    )


def test_a_complete_job_that_is_gone_by_its_time_to_live_runs_again_only_when_git_asks(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
) -> None:
    operator = private_operator()
    operator.start()
    mark = audit.mark()
    sha = repo.commit(job(ttl=2))
    app = git_repository()
    fake_kubelet.completes(cluster, fake_kubelet.pod_of(cluster, namespace, RUNS))
    app.until_ready(sha)
    gone(cluster, namespace)
    app.until(lambda status: NAME.format(namespace) in status.get("done", {}), "the Job that is done")
    operator.kill()
    operator.start()
    later = repo.commit(manifests.config_maps(["settings"]))
    app.until_ready(later)
    steadily(lambda: creations(audit, mark, namespace) == 1, seconds=3, message="one run")
    assert app.status()["objects"] == {"declared": 2, "synced": 2, "failed": 0, "healthy": 2}

    again = repo.commit(job(ttl=60, rerun="once more"))
    pod = fake_kubelet.pod_of(cluster, namespace, RUNS)
    fake_kubelet.completes(cluster, pod)
    app.until_ready(again)
    assert creations(audit, mark, namespace) == 2

    third = repo.commit(job(ttl=60, rerun="and again"))
    eventually(
        lambda: creations(audit, mark, namespace) == 3,
        deadline=30,
        message="a run in place of the one that has ended",
    )
    fake_kubelet.completes(cluster, fake_kubelet.pod_of(cluster, namespace, RUNS))
    app.until_ready(third)


def test_a_gate_that_is_gone_at_once_when_it_is_complete_opens_and_runs_once(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
) -> None:
    mark = audit.mark()
    sha = repo.commit(
        {**job(ttl=0, wave="-1", wave_gate="Healthy"), **manifests.config_maps(["settings"], a="1")}
    )
    app = git_repository()
    fake_kubelet.completes(cluster, fake_kubelet.pod_of(cluster, namespace, RUNS))
    app.until_ready(sha)
    gone(cluster, namespace)
    steadily(lambda: creations(audit, mark, namespace) == 1, seconds=3, message="one run")
    assert cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"a": "1"}


def test_a_job_that_a_person_deletes_before_it_is_complete_is_created_again(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
) -> None:
    mark = audit.mark()
    repo.commit(job(ttl=0))
    app = git_repository()
    fake_kubelet.pod_of(cluster, namespace, RUNS)
    app.until(lambda status: bool(status.get("commit", {}).get("applied")), "the applied commit")
    cluster.delete("batch/v1", "Job", "migrate", namespace)
    eventually(lambda: creations(audit, mark, namespace) == 2, deadline=30, message="the repair")
