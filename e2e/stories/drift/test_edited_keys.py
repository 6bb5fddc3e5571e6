"""A person changes the key of a list item of ours: the edit is undone, reported, or told as what cannot be undone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from e2e.harness.cluster import Cluster, Kubectl, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

LONG = "1h"
POD = "/spec/template/spec"


def service(*ports: Object, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "front"},
        "spec": {"selector": {"app": "front"}, "ports": list(ports), **spec},
    }


HTTP = {"name": "http", "port": 80, "targetPort": 8080}
METRICS = {"name": "metrics", "port": 90, "targetPort": 9090}


def web() -> Object:
    found = manifests.deployment()
    found["spec"]["replicas"] = 0
    found["spec"]["template"]["spec"] = {
        "containers": [
            {
                "name": "app",
                "image": "registry.example/app:1",
                "env": [{"name": "LEVEL", "value": "info"}],
                "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
            }
        ],
        "volumes": [{"name": "cache", "emptyDir": {}}],
    }
    return found


class Edit(NamedTuple):
    declared: Object
    changes: Mapping[str, Any]

    @property
    def target(self) -> tuple[str, str]:
        return self.declared["kind"].lower(), self.declared["metadata"]["name"]


EDITS = {
    "the port of a Service": Edit(service(HTTP), {"/spec/ports/0/port": 81}),
    "the protocol of a Service's port": Edit(service(HTTP), {"/spec/ports/0/protocol": "UDP"}),
    "the port of a NodePort Service": Edit(
        service({**HTTP, "nodePort": 30781}, type="NodePort"), {"/spec/ports/0/port": 81}
    ),
    "several ports": Edit(service(HTTP, METRICS), {"/spec/ports/0/port": 81, "/spec/ports/1/port": 91}),
    "a container's name": Edit(web(), {f"{POD}/containers/0/name": "renamed"}),
    "a volume and its mount": Edit(
        web(), {f"{POD}/volumes/0/name": "renamed", f"{POD}/containers/0/volumeMounts/0/name": "renamed"}
    ),
    "a variable's name": Edit(web(), {f"{POD}/containers/0/env/0/name": "RENAMED"}),
    "a mount's path": Edit(web(), {f"{POD}/containers/0/volumeMounts/0/mountPath": "/renamed"}),
    "a container and its variable": Edit(
        web(), {f"{POD}/containers/0/name": "renamed", f"{POD}/containers/0/env/0/name": "RENAMED"}
    ),
}


def patched(kubectl: Kubectl, namespace: str, edit: Edit) -> None:
    operations = [{"op": "replace", "path": path, "value": value} for path, value in edit.changes.items()]
    kubectl("patch", *edit.target, "-n", namespace, "--type=json", "-p", json.dumps(operations))


def spec(cluster: Cluster, namespace: str, edit: Edit) -> Object:
    declared = edit.declared
    live = cluster.get(declared["apiVersion"], declared["kind"], declared["metadata"]["name"], namespace)
    found: Object = live["spec"]
    return found


def names(found: Object) -> list[str]:
    return [each["name"] for each in found["template"]["spec"]["containers"]]


def drift_record(repository: Repository) -> Object:
    found: Object = eventually(
        lambda: next(
            (
                each
                for each in repository.records()
                if each["spec"]["trigger"] == "Drift" and (each.get("status") or {}).get("outcome")
            ),
            None,
        ),
        deadline=5.0,
    )
    return found


@pytest.mark.parametrize("name", EDITS)
def test_a_key_that_a_person_changed_is_set_back_and_its_record_says_so(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
    name: str,
) -> None:
    edit = EDITS[name]
    sha = repo.commit({"a.yaml": manifests.text(edit.declared)})
    repository = git_repository(interval=LONG)
    repository.until_ready(sha)
    before = spec(cluster, namespace, edit)
    patched(kubectl, namespace, edit)
    assert eventually(lambda: spec(cluster, namespace, edit) == before, deadline=10.0)
    record = drift_record(repository)
    counts = {name: count for name, count in record["status"]["counts"].items() if count}
    assert (record["status"]["outcome"], counts) == ("Succeeded", {"repaired": 1, "changed": 1})
    fields = record["spec"]["changes"][0]["fields"]
    assert {each["by"] for each in fields} == {"kubectl-patch"}
    edited = list(edit.changes.values())
    assert all(any(str(value) in json.dumps(each.get("old")) for each in fields) for value in edited)
    newest = repo.commit({"b.yaml": manifests.text(manifests.config_map("next", size="1"))})
    repository.annotate(reconcile=newest)
    repository.until_ready(newest)


def test_a_node_port_that_was_assigned_stays_when_the_port_is_set_back(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    edit = Edit(service(HTTP, type="NodePort"), {"/spec/ports/0/port": 81})
    sha = repo.commit({"a.yaml": manifests.text(edit.declared)})
    repository = git_repository(interval=LONG)
    repository.until_ready(sha)
    before = spec(cluster, namespace, edit)
    assert before["ports"][0]["nodePort"]
    patched(kubectl, namespace, edit)
    assert eventually(lambda: spec(cluster, namespace, edit) == before, deadline=10.0)


def test_an_edit_made_while_the_operator_was_down_is_undone_also_by_a_commit_that_came_meanwhile(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    operator = private_operator()
    operator.start()
    port, container = EDITS["the port of a Service"], EDITS["a container's name"]
    files = {"a.yaml": manifests.text(port.declared), "b.yaml": manifests.text(container.declared)}
    sha = repo.commit(files)
    repository = git_repository(interval="1s")
    repository.until_ready(sha)
    for changed in (False, True):
        operator.stop()
        patched(kubectl, namespace, port)
        patched(kubectl, namespace, container)
        if changed:
            files = {"a.yaml": manifests.text(service({**HTTP, "targetPort": 8081}))}
            deployment = web()
            deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/app:2"
            files["b.yaml"] = manifests.text(deployment)
        sha = repo.commit(files) if changed else ""
        operator.start()
        eventually(lambda: spec(cluster, namespace, port)["ports"][0]["port"] == 80, deadline=20.0)
        eventually(lambda: names(spec(cluster, namespace, container)) == ["app"], deadline=20.0)
        if sha:
            repository.until_ready(sha)
    (only,) = spec(cluster, namespace, port)["ports"]
    assert only["targetPort"] == 8081


def test_a_changed_key_is_only_reported_where_drift_is_reported(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    port, container = EDITS["the port of a Service"], EDITS["a container's name"]
    files = {"a.yaml": manifests.text(port.declared), "b.yaml": manifests.text(container.declared)}
    sha = repo.commit(files)
    repository = git_repository(interval="1s", drift="Report")
    repository.until_ready(sha)
    patched(kubectl, namespace, port)
    patched(kubectl, namespace, container)
    status = repository.until(
        lambda status: (status.get("objects") or {}).get("drifted") == 2, "two drifted objects"
    )
    told = {each["field"]: (each.get("want"), each.get("have"), each["by"]) for each in status["drift"]}
    assert told["/spec/ports/0/port"] == (80, 81, "kubectl-patch")
    assert any(
        (have or {}) and have.get("name") == "renamed"
        for _, have, _ in told.values()
        if isinstance(have, dict)
    )
    newest = repo.commit({"c.yaml": manifests.text(manifests.config_map("next", size="1"))})
    repository.until_applied(newest)
    assert spec(cluster, namespace, port)["ports"][0]["port"] == 81


def test_what_a_person_adds_while_all_of_ours_is_there_stays_and_so_does_a_sidecar(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    edit = EDITS["a container's name"]
    sha = repo.commit({"a.yaml": manifests.text(edit.declared)})
    repository = git_repository(interval=LONG)
    repository.until_ready(sha)
    for manager in ("kubectl-edit", "sidecar-injector"):
        more = {"op": "add", "path": f"{POD}/containers/-", "value": {"name": manager, "image": "other"}}
        kubectl(
            "patch", *edit.target, "-n", namespace, "--type=json", "-p", json.dumps([more]),
            "--field-manager", manager,
        )  # fmt: skip

    assert names(spec(cluster, namespace, edit)) == ["app", "kubectl-edit", "sidecar-injector"]
    patched(kubectl, namespace, edit)
    eventually(
        lambda: {"app", "sidecar-injector"} == set(names(spec(cluster, namespace, edit))), deadline=10.0
    )


def test_a_repair_that_is_refused_is_told_as_drift_and_holds_back_no_commit(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    edit = EDITS["the port of a Service"]
    sha = repo.commit(
        {
            "a.yaml": manifests.text(edit.declared),
            "b.yaml": manifests.text(manifests.config_map("settings", size="1")),
        }
    )
    repository = git_repository(interval="1s")
    repository.until_ready(sha)
    taken = [
        {"op": "replace", "path": "/spec/ports/0/port", "value": 81},
        {"op": "add", "path": "/metadata/annotations/held", "value": "by a controller"},
    ]
    kubectl(
        "patch", *edit.target, "-n", namespace, "--type=json", "-p", json.dumps(taken),
        "--field-manager", "port-controller",
    )  # fmt: skip
    status = repository.until(lambda status: status.get("driftTotal"), "a refused repair")
    (told,) = [each for each in status["drift"] if each.get("field") == "/spec/ports/0/port"]
    assert (told["want"], told["have"], told["reason"]) == (80, 81, "Invalid")
    drifted = repository.condition("Drifted")
    assert drifted["status"] == "True"
    assert "Duplicate value" in drifted["message"]
    cluster.patch("v1", "ConfigMap", "settings", namespace, {"data": {"size": "2"}})
    eventually(
        lambda: cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"size": "1"}, deadline=5.0
    )
    newest = repo.commit({"c.yaml": manifests.text(manifests.config_map("next", size="1"))})
    repository.until_ready(newest)
    assert repository.condition("Drifted")["status"] == "True"
    drift = [each for each in repository.records() if each["spec"]["trigger"] == "Drift"]
    assert [each["status"]["outcome"] for each in drift] == ["Failed", "Succeeded"]
    back = [{"op": "replace", "path": "/spec/ports/0/port", "value": 80}]
    kubectl(
        "patch", *edit.target, "-n", namespace, "--type=json", "-p", json.dumps(back),
        "--field-manager", "port-controller",
    )  # fmt: skip
    repository.until(lambda status: not status.get("driftTotal"), "no drift")
