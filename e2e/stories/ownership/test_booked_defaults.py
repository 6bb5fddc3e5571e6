"""What the API server filled in and booked to whoever created an object is nobody's addition once it is adopted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import head_lookups, managed_objects, manifests

GitRepositories = Callable[..., Repository]


def _declared() -> dict[str, Object]:
    """Return one object of each kind that has lists of items with defaults."""
    web = manifests.deployment("web")
    container = web["spec"]["template"]["spec"]["containers"][0]
    container["ports"] = [{"containerPort": 80}]
    container["livenessProbe"] = {"httpGet": {"port": 80}}
    container["env"] = [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    web["spec"]["template"]["spec"]["volumes"] = [
        {"name": "conf", "configMap": {"name": "settings", "optional": True}}
    ]
    template = manifests.deployment("daily")["spec"]["template"]
    template["spec"]["restartPolicy"] = "Never"
    daily = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}}
    return {
        "web": web,
        "front": manifests.service("front"),
        "daily": {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "daily"}, "spec": daily},
    }


@pytest.mark.parametrize("by", [["apply"], ["create"], ["create", "--field-manager=somebody"]], ids=" ".join)
@pytest.mark.parametrize("foreign", ["Report", "Remove"])
def test_defaults_are_neither_listed_nor_taken_off(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
    by: list[str],
    foreign: str,
) -> None:
    declared = _declared()
    cluster.kubectl(*by, "-n", namespace, "-f", "-", stdin=manifests.text(*declared.values()))
    sha = repo.commit({f"{name}.yaml": manifests.text(body) for name, body in declared.items()})
    repository = git_repository(foreignFields=foreign, adopt="Unmanaged")
    repository.until_applied(sha)
    mark = audit.mark()
    head_lookups.wait(git_server, repo, times=3)
    assert managed_objects.writes(audit, mark, repository) == []
    assert repository.status().get("drift", []) == []
    assert [record["spec"]["trigger"] for record in repository.records()] == ["Commit"]
    assert [change["action"] for change in repository.records()[0]["spec"]["changes"]] == ["adopt"] * 3


def test_what_somebody_really_added_is_listed_without_the_defaults(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    declared = _declared()["web"]
    theirs = manifests.deployment("web")
    theirs["spec"] = _declared()["web"]["spec"]
    theirs["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 80}}
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=manifests.text(theirs))
    sha = repo.commit({"web.yaml": manifests.text(declared)})
    repository = git_repository(adopt="Unmanaged")
    repository.until_applied(sha)
    status = repository.until(lambda status: status.get("drift"), "their probe")
    probe = "/spec/template/spec/containers/0/readinessProbe/"
    assert {each["field"].startswith(probe) for each in status["drift"]} == {True}
