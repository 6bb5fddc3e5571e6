"""Manifests as exports write them: what a server, a controller or an allocator fills in is left to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import head_lookups, managed_objects, manifests

GitRepositories = Callable[..., Repository]
RBAC = ("rbac.authorization.k8s.io/v1", "ClusterRole")
SERVERS: Object = {
    "generation": 3,
    "selfLink": "/api/v1/namespaces/old/configmaps/cm",
    "creationTimestamp": "2020-01-01T00:00:00Z",
    "deletionGracePeriodSeconds": 30,
    "managedFields": [{"manager": "old"}],
}


def _of_servers() -> dict[str, Object]:
    """Return objects that name what only a server writes."""
    found = {"cm": manifests.config_map("cm", a="1"), "served": manifests.deployment("served")}
    for body in found.values():
        body["metadata"] |= SERVERS
    found["served"]["status"] = {"replicas": 7, "observedGeneration": 3}
    return found


def _of_controllers() -> dict[str, Object]:
    """Return objects that name what their controllers write."""
    web = manifests.deployment("web")
    web["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "7"}
    claim = manifests.claim("state")
    claim["metadata"]["annotations"] = {
        "pv.kubernetes.io/bind-completed": "yes",
        "volume.kubernetes.io/selected-node": "gone",
    }
    leader = manifests.config_map("leader", a="1")
    leader["metadata"]["annotations"] = {"control-plane.alpha.kubernetes.io/leader": "{}"}
    return {"web": web, "state": claim, "leader": leader}


def _of_allocators() -> dict[str, Object]:
    """Return objects with empty values that ask the API server to choose."""
    inside, outside = manifests.service("inside"), manifests.service("outside")
    inside["spec"] |= {"clusterIP": "", "sessionAffinity": "", "ports": [{"port": 80, "targetPort": 0}]}
    outside["spec"] |= {"type": "NodePort", "ports": [{"port": 80, "nodePort": 0, "protocol": "TCP"}]}
    bare = manifests.deployment("bare")
    pod = bare["spec"]["template"]["spec"]
    pod |= {"restartPolicy": "", "schedulerName": "", "serviceAccountName": "", "dnsPolicy": ""}
    pod["containers"][0] |= {
        "imagePullPolicy": "",
        "livenessProbe": {"tcpSocket": {"port": 80}, "timeoutSeconds": 0, "periodSeconds": 0},
    }
    return {"inside": inside, "outside": outside, "bare": bare, "chosen": manifests.claim("chosen")}


@pytest.mark.parametrize("mode", ["Repair", "Report"])
def test_an_export_is_applied_once_and_is_no_drift(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: GitRepositories,
    mode: str,
) -> None:
    repository = git_repository(drift=mode)
    bodies = _of_servers() | _of_controllers() | _of_allocators()
    repository.until_applied(
        repo.commit({f"{name}.yaml": manifests.text(body) for name, body in bodies.items()})
    )
    mark = audit.mark()
    note = "example.com/note"
    for body in bodies.values():
        path = ("-n", repository.namespace, body["kind"], body["metadata"]["name"])
        cluster.kubectl("annotate", *path, f"{note}=somebody was here")
    head_lookups.wait(git_server, repo, times=12)  # what is in doubt is read after eight seconds
    assert managed_objects.writes(audit, mark, repository) == []
    assert repository.condition("Drifted")["status"] == "False"
    assert [record["spec"]["trigger"] for record in repository.records()] == ["Commit"]
    for body in bodies.values():
        text = json.dumps({**body, "metadata": {"name": body["metadata"]["name"]}})
        shown = ("diff", "--server-side", "--force-conflicts", "-n", repository.namespace, "-f", "-")
        cluster.kubectl(*shown, stdin=text)


def test_what_a_controller_writes_is_named_once_with_its_line(
    operator: Operator, cluster: Cluster, git_server: GitServer, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository()
    web = _of_controllers()["web"]
    repository.until_applied(repo.commit({"web.yaml": manifests.text(web)}))
    web["spec"]["paused"] = True
    repository.until_applied(repo.commit({"web.yaml": manifests.text(web)}))
    head_lookups.wait(git_server, repo, times=2)
    events = cluster.list("v1", "Event", repository.namespace)
    (told,) = [each for each in events if each["reason"] == "FieldsIgnored"]
    assert "web.yaml:6 /metadata/annotations/deployment.kubernetes.io~1revision" in told["message"]
    assert (told["type"], told["count"]) == ("Normal", 1)


@pytest.fixture
def roles(cluster: Cluster, namespace: str) -> Iterator[dict[str, Object]]:
    """An aggregated ClusterRole as an export writes it, and one that it collects."""
    label = {f"{namespace}.example.com/collected": "true"}
    metadata = {"name": f"{namespace}-part", "labels": label}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    part: Object = {"apiVersion": RBAC[0], "kind": RBAC[1], "metadata": metadata, "rules": rules}
    whole: Object = {
        "apiVersion": RBAC[0],
        "kind": RBAC[1],
        "metadata": {"name": f"{namespace}-whole", "labels": {"round": "1"}},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": label}]},
        "rules": [],
    }
    yield {"part": part, "whole": whole}
    for body in (part, whole):
        cluster.delete(*RBAC, body["metadata"]["name"])


def test_the_rules_of_an_aggregated_role_are_never_empty_while_git_changes_it(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: GitRepositories,
    roles: dict[str, Object],
) -> None:
    repository = git_repository()
    files = {f"{name}.yaml": manifests.text(body) for name, body in roles.items()}
    repository.until_ready(repo.commit(files))
    name = roles["whole"]["metadata"]["name"]
    eventually(lambda: cluster.get(*RBAC, name).get("rules"), message="the rules")
    version = cluster.get(*RBAC, name)["metadata"]["resourceVersion"]
    for turn in range(2, 5):
        roles["whole"]["metadata"]["labels"]["round"] = str(turn)
        repository.until_ready(repo.commit({"whole.yaml": manifests.text(roles["whole"])}))
    seen = _seen(cluster, name, version)
    assert [each["metadata"]["labels"]["round"] for each in seen] == ["2", "3", "4"]
    assert all(each["rules"] for each in seen)


def _seen(cluster: Cluster, name: str, version: str) -> list[Object]:
    """Return every state of a ClusterRole since a version of it."""
    path = f"/apis/{RBAC[0]}/clusterroles?watch=1&resourceVersion={version}&timeoutSeconds=2"
    query = f"&fieldSelector=metadata.name%3D{name}"
    lines = cluster.kubectl("get", "--raw", path + query).splitlines()
    return [json.loads(line)["object"] for line in lines]
