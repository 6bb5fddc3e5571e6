"""The chart on a real API server, and the operator with its service account's token and rights alone."""

from __future__ import annotations

import base64
import secrets
import ssl
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from e2e.harness import chart, controlplane, gitserver, identity, pod, repositories
from e2e.harness import cluster as clusters
from e2e.harness.audit import AuditEvent, Mark
from e2e.harness.chart import NAMESPACE, RELEASE, Helm
from e2e.harness.cluster import Cluster, KubectlError, Object
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

RBAC = "rbac.authorization.k8s.io/v1"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
AUTHORITY = trustme.CA()
PASSWORD = f"open-sesame-{secrets.token_hex(8)}"

MANAGE = ["get", "list", "watch", "create", "patch", "delete"]
NARROW = {
    "clusterAdmin": False,
    "rules": [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": MANAGE},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": MANAGE},
    ],
}

NOT_SEEN_HERE = {
    ("get", "syncrecords"),
    ("delete", "syncrecords"),
    ("get", "events"),
    ("patch", "events"),
    ("list", "apiservices"),
    ("list", "customresourcedefinitions"),
    ("list", "pods"),
    ("patch", "secrets"),
}
"""Rights for what the story need not bring about: open and old records, an event that repeats, kinds that vanish,
workloads that do not become ready, a Secret of keys that an earlier version made."""

Play = Callable[..., Operator]


@pytest.fixture(scope="module")
def own_plane(binaries: Path) -> Iterator[ControlPlane]:
    """A control plane on which nobody has installed anything."""
    with controlplane.running(binaries) as running:
        yield running


@pytest.fixture(scope="module")
def cluster(own_plane: ControlPlane) -> Iterator[Cluster]:
    """The same as a cluster, with a namespace that takes restricted pods alone."""
    kubectl = clusters.Kubectl(
        binary=own_plane.kubectl, kubeconfig=own_plane.kubeconfig(), cache=own_plane.folder / "kubectl"
    )
    with clusters.connected(kubectl) as cluster:
        kubectl("apply", "-f", str(chart.PLAIN.with_name("namespace.yaml")))
        yield cluster


@pytest.fixture(scope="module")
def helm(own_plane: ControlPlane) -> Helm:
    """Helm as the administrator."""
    return Helm(
        binary=own_plane.site.binaries / "helm",
        home=own_plane.folder / "helm",
        kubeconfig=own_plane.kubeconfig(),
    )


@pytest.fixture
def install(helm: Helm, cluster: Cluster) -> Iterator[Callable[..., str]]:
    """Install the chart with some values, and wait until its pods are there.

    It goes with the test, and so does the Secret that the operator made.
    """

    def installed(**values: Any) -> str:
        place = ["--namespace", NAMESPACE, "--wait", "--timeout", "60s"]
        return helm("install", RELEASE, str(chart.CHART), *place, values=values)

    yield installed
    helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found", "--wait")
    cluster.kubectl("delete", "secret", "towline-keys", "-n", NAMESPACE, "--ignore-not-found")


@pytest.fixture
def play(own_plane: ControlPlane, cluster: Cluster, tmp_path: Path) -> Iterator[Play]:
    """Start a process as one of the Deployment's pods, with more environment variables where some are given."""
    playing: list[Operator] = []

    def started(**variables: str) -> Operator:
        deployment = cluster.get("apps/v1", "Deployment", RELEASE, NAMESPACE)
        operator = pod.play(own_plane, cluster, deployment, tmp_path / f"pod-{len(playing)}", **variables)
        playing.append(operator)
        operator.start()
        return operator

    yield started
    for operator in playing:
        operator.kill()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of one's own, whose GitRepositories nobody holds any more in the end."""
    name = f"shop-{secrets.token_hex(3)}"
    cluster.create(manifests.namespace(name))
    yield name
    if cluster.find("v1", "Namespace", name):
        repositories.abandon(cluster, name)
        cluster.delete("v1", "Namespace", name)


@pytest.fixture
def private(tmp_path_factory: pytest.TempPathFactory, namespace: str) -> Iterator[Repo]:
    """A repository behind TLS and a password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    pair = base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
    with gitserver.serving(tmp_path_factory.mktemp("git"), context) as running:
        yield running.create(namespace, authorization=f"Basic {pair}")


@pytest.fixture
def shop(cluster: Cluster, namespace: str, private: Repo) -> Callable[[], Repository]:
    """Create the GitRepository `app` for that repository."""
    entries = {"username": "ada", "password": PASSWORD, "ca.crt": AUTHORITY.cert_pem.bytes().decode()}
    cluster.create(manifests.secret("git", namespace, **entries))
    return lambda: repositories.create(cluster, namespace, "app", url=private.url, secretRef={"name": "git"})


def test_the_main_job_needs_no_more_rights_than_the_chart_gives(
    install: Callable[..., str],
    play: Play,
    own_plane: ControlPlane,
    cluster: Cluster,
    private: Repo,
    shop: Callable[[], Repository],
    namespace: str,
) -> None:
    install(rbac=NARROW, audit={"protectRecords": True})
    before = cluster.create(manifests.config_map("settings", namespace, greeting="Hello"))
    mark = own_plane.audit.mark()
    operator = play()

    private.commit({"web.yaml": manifests.text(manifests.deployment())})
    first = private.commit(manifests.config_maps(["settings", "flags"], greeting="Welcome"))
    app = shop()  # with both commits there, one plan creates two objects: fewer are not compared with quotas
    app.until_ready(first)
    assert (
        cluster.get("v1", "ConfigMap", "settings", namespace)["metadata"]["uid"] == before["metadata"]["uid"]
    )
    assert cluster.get("apps/v1", "Deployment", "web", namespace)
    assert app.read()["metadata"]["finalizers"] == ["towline.dev/finalizer"]
    app.until_ready(
        private.commit({"flags.yaml": None, **manifests.config_maps(["settings"], greeting="Hi")})
    )
    assert cluster.find("v1", "ConfigMap", "flags", namespace) is None
    assert {one["status"]["outcome"] for one in app.records()} == {"Succeeded"}
    assert [
        one for one in cluster.list("v1", "Event", namespace) if one["source"].get("component") == "towline"
    ]
    lease = cluster.get("coordination.k8s.io/v1", "Lease", "towline", NAMESPACE)
    assert lease["spec"]["holderIdentity"]
    assert cluster.get("v1", "Secret", "towline-keys", NAMESPACE)["data"].keys() == {
        "mask",
        "owner",
        "owner.since",
        "checkpoint",
    }

    app.delete()
    app.until_gone()
    cluster.until_gone("apps/v1", "Deployment", "web", namespace)
    kept = cluster.get("v1", "ConfigMap", "settings", namespace)  # it was there before: released
    assert kept["metadata"]["uid"] == before["metadata"]["uid"]
    assert operator.stop() == 0

    asked = _asked(own_plane, mark)
    assert [str(event) for event in asked if event.code in {401, 403}] == []
    granted = _granted(cluster, "ClusterRole", "") | _granted(cluster, "Role", NAMESPACE)
    assert granted - {(event.verb, _resource(event)) for event in asked} <= NOT_SEEN_HERE


def test_a_kubeconfig_counts_more_than_the_pods_account_for_whatever_is_asked(
    install: Callable[..., str], play: Play, own_plane: ControlPlane
) -> None:
    install()
    mark = own_plane.audit.mark()
    play(KUBECONFIG=str(own_plane.kubeconfig(identity.OPERATOR)))
    own_plane.audit.until(
        lambda event: event.verb == "watch" and event.resource == "gitrepositories", mark=mark, deadline=30
    )
    assert _askers(own_plane.audit.since(mark)) == {identity.OPERATOR}


def test_what_it_has_no_right_to_is_named_and_so_is_what_it_runs_by(
    install: Callable[..., str],
    play: Play,
    cluster: Cluster,
    private: Repo,
    shop: Callable[[], Repository],
    namespace: str,
) -> None:
    install(rbac=NARROW)
    play()
    ours = cluster.get("apps/v1", "Deployment", RELEASE, NAMESPACE)
    private.commit(
        {
            "service.yaml": manifests.text(manifests.service()),
            "operator.yaml": manifests.text(manifests.deployment(RELEASE, NAMESPACE)),
        }
    )
    app = shop()
    failures = app.until_reason("ApplyFailed")["failures"]
    assert {(one["file"], one["reason"]) for one in failures} == {
        ("service.yaml", "Forbidden"),
        ("operator.yaml", "SelfManagementRefused"),
    }
    assert cluster.get("apps/v1", "Deployment", RELEASE, NAMESPACE)["spec"] == ours["spec"]
    sha = private.commit({"service.yaml": None, "operator.yaml": None, **manifests.config_maps(["settings"])})
    app.until_ready(sha)
    app.delete()
    app.until_gone()
    shop_again = repositories.create(cluster, namespace, "app", url=private.url, secretRef={"name": "git"})
    shop_again.until_ready(sha)  # records of its name are left, so it looks for objects wherever it may


def test_nobody_but_the_operator_writes_records_that_are_protected(
    install: Callable[..., str],
    play: Play,
    cluster: Cluster,
    private: Repo,
    shop: Callable[[], Repository],
    namespace: str,
) -> None:
    install(audit={"protectRecords": True})
    play()
    app = shop()
    app.until_ready(private.commit(manifests.config_maps(["settings"])))
    (record,) = app.records()
    name = record["metadata"]["name"]
    for command in (
        ("delete", "syncrec", name),
        ("label", "syncrec", name, "checked=yes"),
        ("delete", "syncrec", "--all"),
    ):
        with pytest.raises(KubectlError, match="SyncRecords are written by Towline alone"):
            cluster.kubectl(*command, "-n", namespace)
    app.delete()
    app.until_gone()
    cluster.delete("v1", "Namespace", namespace)
    cluster.until_gone("v1", "Namespace", namespace)


def test_only_the_user_who_asks_is_named_where_the_chart_checks_it(
    install: Callable[..., str], cluster: Cluster, shop: Callable[[], Repository], namespace: str
) -> None:
    install(audit={"checkRequesters": True})
    app = shop()
    me = cluster.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")

    def asked(name: str, value: str) -> None:
        place = (f"tgr/{app.name}", "-n", namespace, "--overwrite")
        cluster.kubectl("annotate", *place, f"towline.dev/{name}={value}")

    def is_refused() -> bool:
        try:  # anew each time: what an annotation said before is not checked
            asked("reconcile", f"{secrets.token_hex(4)}, by={me}, by=eve")
        except KubectlError as error:
            return "names the user who writes it" in str(error)
        return False

    eventually(is_refused, message="the policy to be in force")
    for name, value in (
        ("reconcile", "now, by=eve"),
        ("suspend", "BY = eve"),
        ("suspend", f'by=eve, reason="x, by={me}'),
        ("suspend", f"until=2026-01-01, by=eve x, reason=by={me}"),
        ("confirm-prune", f"token,by=eve {me}"),
    ):
        with pytest.raises(KubectlError, match="names the user who writes it"):
            asked(name, value)
    asked("reconcile", f"now, by={me}")
    asked("reconcile", "later")
    asked("suspend", f'until=2026-01-01, reason=standby=on, by="{me}"')
    asked("confirm-prune", f"token, by={me}")


def test_an_upgrade_adds_replicas_and_an_uninstallation_takes_nothing_away_that_was_applied(
    install: Callable[..., str],
    play: Play,
    helm: Helm,
    cluster: Cluster,
    private: Repo,
    shop: Callable[[], Repository],
    namespace: str,
) -> None:
    said = install()
    assert "from localhost/towline:0.1.0" in said
    assert "No registry answers for that image" in said
    operator = play()
    app = shop()
    app.until_ready(private.commit({"role.yaml": manifests.text(manifests.role(namespace=namespace))}))
    values = {"replicas": 2, "rbac": NARROW}
    helm("upgrade", RELEASE, str(chart.CHART), "--namespace", NAMESPACE, "--wait", values=values)
    assert cluster.get("apps/v1", "Deployment", RELEASE, NAMESPACE)["status"]["availableReplicas"] == 2
    assert cluster.get("policy/v1", "PodDisruptionBudget", RELEASE, NAMESPACE)
    assert cluster.find(RBAC, "ClusterRoleBinding", f"{RELEASE}-cluster-admin") is None
    operator.stop()
    before = cluster.get(RBAC, "Role", "reader", namespace)
    helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")
    assert cluster.find("apps/v1", "Deployment", RELEASE, NAMESPACE) is None
    assert cluster.get(RBAC, "Role", "reader", namespace) == before
    assert app.condition()["status"] == "True"


def test_the_plain_manifests_run_in_a_namespace_that_takes_restricted_pods_alone(cluster: Cluster) -> None:
    folder = str(chart.PLAIN.parent)
    cluster.kubectl("apply", "-f", str(chart.CRDS), "-f", folder)
    own_image = "towline=registry.example/towline:0.1.0"
    cluster.kubectl("set", "image", f"deployment/{RELEASE}", "-n", NAMESPACE, own_image)
    cluster.kubectl(
        "rollout", "status", f"deployment/{RELEASE}", "-n", NAMESPACE, "--timeout=60s", deadline=70
    )
    cluster.kubectl("delete", "-f", str(chart.PLAIN))
    eventually(
        lambda: cluster.list("v1", "Pod", NAMESPACE) == [],
        deadline=30,
        message="the end of the operator's pods",
    )


def _asked(plane: ControlPlane, mark: Mark) -> list[AuditEvent]:
    """Return what the operator asked since `mark`; it must have asked as nobody else."""
    since = plane.audit.since(mark)
    assert _askers(since) == {ACCOUNT}
    return [event for event in since if event.user == ACCOUNT]


def _askers(events: Iterable[AuditEvent]) -> set[str]:
    """Return as whom an operator has asked, also by kopf."""
    return {event.user for event in events if event.user_agent.startswith(("towline/", "kopf/"))}


def _granted(cluster: Cluster, kind: str, namespace: str) -> set[tuple[str, str]]:
    role: Object = cluster.get(RBAC, kind, RELEASE, namespace)
    return {
        (verb, resource) for rule in role["rules"] for verb in rule["verbs"] for resource in rule["resources"]
    }


def _resource(event: AuditEvent) -> str:
    return "/".join(part for part in (event.resource, event.subresource) if part)
