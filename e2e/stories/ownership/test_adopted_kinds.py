"""Every kind of object can be adopted: it stays the object that it is, and follows Git from then on."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

import pytest

from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import cluster_limits, manifests

GitRepositories = Callable[..., Repository]

CRD = "apiextensions.k8s.io/v1", "CustomResourceDefinition"
RBAC = "rbac.authorization.k8s.io/v1", "ClusterRole"

WAYS = {
    "create": ("create",),
    "client-side apply": ("apply",),
    "server-side apply": ("apply", "--server-side"),
    "what Argo CD leaves": ("apply", "--server-side", "--field-manager=argocd-controller"),
}


@pytest.fixture
def group(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A group of one's own that has Widgets, and names for cluster-scoped objects that are removed in the end."""
    found = f"{namespace}.example.com"
    cluster.create(manifests.widgets(found))
    crd = f"crd/widgets.{found}"
    cluster.kubectl.until_established(crd)
    yield found
    cluster.delete(*CRD, f"widgets.{found}")
    cluster.delete(*RBAC, namespace)
    cluster.delete("v1", "Namespace", f"{namespace}-adopted")


def declared(namespace: str, group: str, **more: str) -> dict[str, Object]:
    """One object of each kind; `more` are labels beside those that they need."""
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    role: Object = {"apiVersion": RBAC[0], "kind": "ClusterRole", "metadata": {"name": namespace}}
    made = {
        "deployment": manifests.deployment("web", namespace),
        "service": manifests.service("web", namespace),
        "secret": manifests.secret("key", namespace, user="ada", **more),
        "widget": manifests.widget(group, namespace),
        "namespace": manifests.namespace(f"{namespace}-adopted"),
        "role": {**role, "rules": [pods]},
    }
    for body in made.values():
        body["metadata"]["labels"] = {"app": "web", **more}
    made["deployment"]["spec"]["template"]["metadata"]["annotations"] = {"note": "kept", **more}
    return made


def live(cluster: Cluster, bodies: dict[str, Object]) -> dict[str, Object]:
    return {
        name: cluster.get(
            body["apiVersion"], body["kind"], body["metadata"]["name"], body["metadata"].get("namespace", "")
        )
        for name, body in bodies.items()
    }


def uids(found: dict[str, Object]) -> dict[str, str]:
    return {name: body["metadata"]["uid"] for name, body in found.items()}


@pytest.mark.parametrize("way", WAYS)
def test_objects_of_every_kind_are_adopted_as_they_are_and_lose_what_git_drops(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
    group: str,
    way: str,
) -> None:
    theirs = declared(namespace, group, dropped="theirs", undeclared="theirs")
    cluster.kubectl(*WAYS[way], "-f", "-", stdin=manifests.text(*theirs.values()))
    before = live(cluster, theirs)

    ours = declared(namespace, group, dropped="ours")
    sha = repo.commit({"all.yaml": manifests.text(*ours.values())})
    app = git_repository()
    app.until_ready(sha)
    adopted = live(cluster, theirs)
    assert uids(adopted) == uids(before)
    assert adopted["service"]["spec"]["clusterIP"] == before["service"]["spec"]["clusterIP"]
    assert {body["metadata"]["labels"]["dropped"] for body in adopted.values()} == {"ours"}

    app.until_ready(repo.commit({"all.yaml": manifests.text(*declared(namespace, group).values())}))
    after = live(cluster, theirs)
    assert uids(after) == uids(before)
    for body in after.values():
        assert "dropped" not in body["metadata"]["labels"]
        assert body["metadata"]["labels"]["undeclared"] == "theirs"
    values = {key: base64.b64decode(value).decode() for key, value in after["secret"]["data"].items()}
    assert values == {"user": "ada", "undeclared": "theirs"}
    notes = after["deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert notes == {"note": "kept", "undeclared": "theirs"}


def test_an_adoption_that_is_killed_between_its_two_requests_is_finished_by_the_next_start(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
) -> None:
    theirs = manifests.config_map("settings", namespace, same="1", dropped="theirs")
    cluster.kubectl("create", "-f", "-", stdin=manifests.text(theirs))
    before = cluster.get("v1", "ConfigMap", "settings", namespace)
    manager = f"towline:{namespace}/app"

    def managers() -> set[str]:
        held = cluster.get("v1", "ConfigMap", "settings", namespace)["metadata"]["managedFields"]
        return {entry["manager"] for entry in held}

    operator = private_operator()
    operator.start()
    repo.commit({"a.yaml": manifests.text(manifests.config_map("settings", same="1", dropped="ours"))})
    theirs_stay = "object.metadata.managedFields.exists(entry, entry.manager == 'kubectl-create')"
    keep = f"object.metadata.name != 'settings' || {theirs_stay}"
    with cluster_limits.denying(cluster, namespace, keep, "'the remains stay'"):
        app = git_repository()
        eventually(lambda: manager in managers(), deadline=30, message="the first request of the adoption")
        operator.kill()
        assert managers() == {manager, "kubectl-create"}
    operator.start()
    eventually(lambda: managers() == {manager}, deadline=30, message="the second request of the adoption")

    app.until_ready(repo.commit({"a.yaml": manifests.text(manifests.config_map("settings", same="1"))}))
    after = cluster.get("v1", "ConfigMap", "settings", namespace)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["data"] == {"same": "1"}
