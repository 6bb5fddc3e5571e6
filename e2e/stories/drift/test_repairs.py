"""What somebody else changes comes back by itself, or is reported: the repair lane."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Kubectl, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

LONG = "1h"


def settings(cluster: Cluster, namespace: str, name: str = "settings") -> Object:
    return cluster.get("v1", "ConfigMap", name, namespace)


def edit(cluster: Cluster, namespace: str, name: str = "settings", **entries: str | None) -> None:
    cluster.patch("v1", "ConfigMap", name, namespace, {"data": entries})


def until(
    cluster: Cluster, namespace: str, name: str = "settings", *, deadline: float = 5.0, **entries: str
) -> None:
    eventually(lambda: settings(cluster, namespace, name)["data"] == entries, deadline=deadline)


def test_an_edit_is_undone_and_its_record_says_who_changed_what(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    sha = repo.commit({"a.yaml": manifests.text(manifests.config_map(size="1", colour="red"))})
    repository = git_repository(interval=LONG)
    repository.until_ready(sha)
    kubectl("patch", "configmap", "settings", "-n", namespace, "-p", '{"data":{"size":"2"}}')
    until(cluster, namespace, size="1", colour="red")
    record = eventually(
        lambda: next(
            (each for each in repository.records()[1:] if (each.get("status") or {}).get("outcome")), None
        ),
        deadline=5.0,
    )
    assert (record["spec"]["trigger"], record["status"]["outcome"]) == ("Drift", "Succeeded")
    (change,) = record["spec"]["changes"]
    assert (change["object"], change["action"]) == (f"ConfigMap/{namespace}/settings", "repair")
    (field,) = change["fields"]
    assert (field["path"], field["old"], field["new"]) == ("/data/size", "2", "1")
    assert field["by"] == "kubectl-patch"
    assert field["at"]
    assert record["status"]["counts"]["repaired"] == 1


def test_drift_is_undone_while_the_git_server_is_silent(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    namespace: str,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(manifests.config_maps(["settings"], size="1"))
    repository = git_repository(interval="1s")
    repository.until_ready(sha)
    repo.path.rename(repo.path.with_suffix(".away"))
    try:
        repository.until(lambda status: status["conditions"][0]["status"] == "False", "Git is away")
        repository.change(healthChecks=[{"apiVersion": "v1", "kind": "Pod", "current": "("}])
        repository.until_reason("InvalidSpec")
        edit(cluster, namespace, size="under an invalid spec")
        until(cluster, namespace, size="1")
        repository.change(healthChecks=None)
        edit(cluster, namespace, size="2")
        until(cluster, namespace, size="1")
        cluster.delete("v1", "ConfigMap", "settings", namespace)
        eventually(lambda: cluster.find("v1", "ConfigMap", "settings", namespace), deadline=5.0)
        operator.stop()
        edit(cluster, namespace, size="3")
        operator.start()
        until(cluster, namespace, size="1", deadline=15.0)
    finally:
        repo.path.with_suffix(".away").rename(repo.path)


def test_drift_is_undone_under_an_invalid_spec_of_a_repository_whose_label_is_a_hash(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"], size="1"))
    repository = git_repository("long-" * 12 + "name")
    repository.until_ready(sha)
    repository.change(healthChecks=[{"apiVersion": "v1", "kind": "Pod", "current": "("}])
    repository.until_reason("InvalidSpec")
    edit(cluster, namespace, size="2")
    until(cluster, namespace, size="1")


def test_reported_drift_stays_and_stands_in_the_status_until_a_commit_changes_the_object(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    audit: AuditLog,
) -> None:
    repository = git_repository(interval="1s", drift="Report")
    files = {
        "a.yaml": manifests.text(manifests.config_map("settings", size="1")),
        "b.yaml": manifests.text(manifests.config_map("other", size="1")),
    }
    sha = repo.commit(files)
    repository.until_ready(sha)
    edit(cluster, namespace, size="2")
    cluster.delete("v1", "ConfigMap", "other", namespace)
    status = repository.until(lambda status: status.get("driftTotal") == 2, "two deviations")
    gone, field = status["drift"]
    assert (gone["object"], gone.get("field")) == (f"ConfigMap/{namespace}/other", None)
    assert (field["field"], field["want"], field["have"]) == ("/data/size", "1", "2")
    assert (field["file"], field["line"], field["commit"]) == ("a.yaml", 6, sha)
    assert field["by"]
    assert field["since"]
    assert status["objects"]["drifted"] == 2
    assert repository.condition("Drifted")["status"] == "True"
    assert repository.condition()["status"] == "True"
    newest = repo.commit({"a.yaml": manifests.text(manifests.config_map("settings", size="3"))})
    repository.until_applied(newest)
    until(cluster, namespace, size="3")
    status = repository.until(lambda status: status.get("driftTotal") == 1, "one deviation")
    assert cluster.find("v1", "ConfigMap", "other", namespace) is None


def test_a_write_under_our_own_name_is_found_by_reading_the_object(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    container = {"name": "one", "image": "registry.example/one"}
    web = manifests.deployment()
    web["spec"]["replicas"] = 0
    web["spec"]["template"]["spec"]["containers"] = [container, {**container, "name": "two"}]
    sha = repo.commit({"a.yaml": manifests.text(web)})
    repository = git_repository(interval=LONG)
    repository.until_ready(sha)
    swap = (
        '[{"op":"move","from":"/spec/template/spec/containers/1","path":"/spec/template/spec/containers/0"}]'
    )
    kubectl("patch", "deployment", "web", "-n", namespace, "--type=json", "-p", swap)

    def first() -> str:
        live = cluster.get("apps/v1", "Deployment", "web", namespace)
        return str(live["spec"]["template"]["spec"]["containers"][0]["name"])

    assert first() == "two"
    eventually(lambda: first() == "one", deadline=35.0)


def pod_template(container: Object) -> Object:
    web = manifests.deployment()
    web["spec"]["replicas"] = 0
    web["spec"]["template"]["spec"]["containers"] = [container]
    return web


def privilege(kubectl: Kubectl, namespace: str) -> None:
    more = '{"spec":{"template":{"spec":{"containers":[{"name":"main","securityContext":{"privileged":true}}]}}}}'
    kubectl("patch", "deployment", "web", "-n", namespace, "-p", more)


def is_privileged(cluster: Cluster, namespace: str) -> bool:
    live = cluster.get("apps/v1", "Deployment", "web", namespace)
    return bool(live["spec"]["template"]["spec"]["containers"][0].get("securityContext"))


@pytest.mark.parametrize("declared", [{}, {"securityContext": {}}], ids=["nothing", "an empty map"])
def test_what_others_add_inside_our_container_is_listed_and_taken_off_where_that_is_asked_for(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
    *,
    declared: Object,
) -> None:
    repository = git_repository(interval="1s")
    web = pod_template({"name": "main", "image": "registry.example/web", **declared})
    repository.until_ready(repo.commit({"web.yaml": manifests.text(web)}))
    privilege(kubectl, namespace)
    status = repository.until(lambda status: status.get("drift"), "a foreign field")
    (found,) = status["drift"]
    assert found["reason"] == "ForeignFields"
    assert found["field"] == "/spec/template/spec/containers/0/securityContext/privileged"
    assert (found["have"], found["by"]) == (True, "kubectl-patch")
    assert repository.condition("Drifted")["status"] == "False"
    assert "driftTotal" not in status
    assert is_privileged(cluster, namespace)
    repository.change(foreignFields="Remove")
    eventually(lambda: not is_privileged(cluster, namespace), deadline=10.0)
    repository.until(lambda status: not status.get("drift"), "no foreign field")
    privilege(kubectl, namespace)
    eventually(lambda: not is_privileged(cluster, namespace), deadline=5.0)
    record = eventually(
        lambda: next(
            (each for each in repository.records()[::-1] if each["spec"]["trigger"] == "Drift"), None
        ),
        deadline=5.0,
    )
    (field,) = record["spec"]["changes"][0]["fields"]
    assert (field["path"], field["old"], field.get("new")) == (found["field"], True, None)


def test_a_fight_is_named_and_our_writes_rest_while_other_objects_are_served(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    sha = repo.commit(manifests.config_maps(["settings", "other"], size="1"))
    repository = git_repository(interval="1s")
    repository.until_ready(sha)
    for number in range(6):
        edit(cluster, namespace, size=f"rival {number}")
        until(cluster, namespace, size="1")
    edit(cluster, namespace, size="rival for ever")
    status = repository.until_reason("ApplyFailed")
    (failure,) = status["failures"]
    assert (failure["object"], failure["reason"]) == (f"ConfigMap/{namespace}/settings", "Contested")
    assert "ignoreFields" in failure["message"]
    assert status["drift"][0]["reason"] == "Contested"
    assert repository.condition("Drifted")["reason"] == "Contested"
    edit(cluster, namespace, "other", size="2")
    until(cluster, namespace, "other", size="1")
    assert settings(cluster, namespace)["data"] == {"size": "rival for ever"}
    newest = repo.commit(manifests.config_maps(["settings"], size="3"))
    until(cluster, namespace, size="3", deadline=15.0)
    repository.until_applied(newest)
