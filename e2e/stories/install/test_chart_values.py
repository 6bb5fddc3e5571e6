"""What the chart makes of values, as Helm renders it; no cluster is asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from towline.model import ObjectRef

from e2e.harness import chart
from e2e.harness.chart import Helm, HelmError

NARROW = {"clusterAdmin": False, "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]}
CLAIM = {"persistentVolumeClaim": {"enabled": True}}

SETS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "narrow": {"rbac": NARROW, "audit": {"protectRecords": True}},
    "foreign rights": {"rbac": {"create": False}, "serviceAccount": {"create": False, "name": "given"}},
    "claim": {"data": CLAIM},
    "strangers": {"tenants": "strict", "networkPolicy": {"enabled": True}},
    "given claim": {"data": {"persistentVolumeClaim": {"enabled": True, "existingClaim": "given"}}},
    "everything": {
        "fullnameOverride": "tow",
        "image": {"repository": "registry.example:5000/team/towline", "digest": f"sha256:{'0' * 64}"},
        "imagePullSecrets": [{"name": "registry"}],
        "replicas": 3,
        "recordsNamespace": "audit",
        "denyPrivateAddresses": True,
        "requireBoundCredentials": True,
        "hideConnectionDetails": True,
        "allowHttp": True,
        "env": [{"name": "NO_PROXY", "value": "$(KUBERNETES_SERVICE_HOST)"}],
        "rbac": {"aggregateToEdit": True},
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "podLabels": {"team": "platform"},
        "user": None,
    },
}

LOOKALIKES: dict[str, dict[str, Any]] = {
    "numbers": {
        "fullnameOverride": "007",
        "serviceAccount": {"name": "1234", "annotations": {"a": "1"}},
        "image": {"repository": "12", "tag": "30"},
        "imagePullSecrets": [{"name": "1e3"}],
        "recordsNamespace": "2026",
        "priorityClassName": "1e3",
        "data": {"size": "10"},
        "nodeSelector": {"zone": "1"},
        "podLabels": {"zone": "0x1f", "since": "2026-01-01"},
        "podAnnotations": {"count": "1.50"},
        "audit": {"protectRecords": True, "checkRequesters": True},
        "networkPolicy": {"enabled": True},
        "rbac": NARROW,
        "replicas": 2,
    },
    "words": {
        "serviceAccount": {"name": "null"},
        "priorityClassName": "true",
        "data": {"size": "10", "persistentVolumeClaim": {"enabled": True, "storageClassName": "true"}},
        "nodeSelector": {"zone": "no"},
        "podLabels": {"zone": "on"},
    },
    "given claim": {"data": {"persistentVolumeClaim": {"enabled": True, "existingClaim": "1e3"}}},
}
"""Strings that YAML takes for something else where nobody quotes them."""

NO_TEXTS = frozenset(
    {
        "replicas",
        "maxUnavailable",
        "containerPort",
        "port",
        "automountServiceAccountToken",
        "enableServiceLinks",
        "terminationGracePeriodSeconds",
        "runAsNonRoot",
        "runAsUser",
        "runAsGroup",
        "fsGroup",
        "periodSeconds",
        "timeoutSeconds",
        "failureThreshold",
        "allowPrivilegeEscalation",
        "readOnlyRootFilesystem",
    }
)
"""Fields of the chart's objects that are numbers and truths."""

STRICT = {"--deny-private-addresses", "--require-bound-credentials", "--hide-connection-details"}
STRICT_VALUES = ("denyPrivateAddresses", "requireBoundCredentials", "hideConnectionDetails")
"""What an operator needs that serves people who do not trust each other."""

INSTALLED = frozenset(
    {
        "Deployment",
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "PersistentVolumeClaim",
        "NetworkPolicy",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)


@pytest.fixture
def helm(binaries: Path, tmp_path: Path) -> Helm:
    """Helm without a cluster."""
    return Helm(binary=binaries / "helm", home=tmp_path)


def ref(body: dict[str, Any]) -> ObjectRef:
    group, _, _ = body["apiVersion"].rpartition("/")
    metadata = body["metadata"]
    return ObjectRef(group, body["kind"], metadata.get("namespace", ""), metadata["name"])


def container(bodies: list[dict[str, Any]]) -> dict[str, Any]:
    (deployment,) = (body for body in bodies if body["kind"] == "Deployment")
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = only
    return found


def network(bodies: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the only NetworkPolicy says."""
    (policy,) = (body for body in bodies if body["kind"] == "NetworkPolicy")
    found: dict[str, Any] = policy["spec"]
    return found


def reached(rule: dict[str, Any]) -> tuple[set[int], set[str]]:
    """Return the ports and the blocks of addresses of one rule."""
    peers = rule.get("to", [])
    return {one["port"] for one in rule["ports"]}, {one["ipBlock"]["cidr"] for one in peers}


def own_objects(bodies: list[dict[str, Any]]) -> set[ObjectRef]:
    given = (argument.partition("=") for argument in container(bodies)["args"])
    return {ObjectRef.parse(value) for name, _, value in given if name == "--own-object"}


def test_deploy_is_what_the_chart_renders_today(helm: Helm) -> None:
    assert chart.PLAIN.read_text() == chart.plain(helm), "run `make deploy`"


@pytest.mark.parametrize("values", SETS.values(), ids=SETS)
def test_helm_finds_nothing_to_complain_about(helm: Helm, values: dict[str, Any]) -> None:
    said = helm("lint", "--strict", str(chart.CHART), values=values)
    assert "1 chart(s) linted, 0 chart(s) failed" in said
    assert "WARNING" not in said


@pytest.mark.parametrize("values", SETS.values(), ids=SETS)
def test_the_operator_is_told_everything_that_it_runs_by(helm: Helm, values: dict[str, Any]) -> None:
    bodies = helm.rendered(values, release="prod", namespace="platform")
    granting = [body for body in bodies if "aggregationRule" not in body and not _is_for_people(body)]
    made = {ref(body) for body in granting if body["kind"] in INSTALLED}
    given = {one for one in own_objects(bodies) if one.name == "given"}
    assert own_objects(bodies) == made | given


def test_two_releases_in_one_cluster_share_no_name(helm: Helm) -> None:
    values = {**SETS["narrow"], "replicas": 2}
    one, another = (
        {ref(body) for body in helm.rendered(values, release=release)} for release in ("towline", "staging")
    )
    assert one & another == set()


def test_the_values_become_flags(helm: Helm) -> None:
    arguments = container(helm.rendered(SETS["everything"]))["args"]
    assert {"--leader-elect", "--records-namespace=audit", "--allow-http", *STRICT} < set(arguments)
    plain = container(helm.rendered())["args"]
    assert [one for one in plain if "--own-object" not in one] == [
        "operator",
        "--data-dir=/data",
        "--listen=:8080",
        "--log-level=info",
        "--leader-elect",
    ]


def test_tenants_who_do_not_trust_each_other_get_every_flag_for_them(helm: Helm) -> None:
    assert set(container(helm.rendered({"tenants": "strict"}))["args"]) >= STRICT
    assert STRICT.isdisjoint(container(helm.rendered({"tenants": "trusted"}))["args"])


@pytest.mark.parametrize("flag", STRICT_VALUES)
def test_each_flag_for_strangers_has_a_value_of_its_own(helm: Helm, flag: str) -> None:
    assert len(STRICT.intersection(container(helm.rendered({flag: True}))["args"])) == 1


def test_the_network_is_left_alone_unless_it_is_asked_for(helm: Helm) -> None:
    assert [body for body in helm.rendered() if body["kind"] == "NetworkPolicy"] == []


def test_the_operator_reaches_names_the_api_server_and_public_git_servers(helm: Helm) -> None:
    bodies = helm.rendered({"networkPolicy": {"enabled": True}})
    dns, api, git = network(bodies)["egress"]
    assert reached(dns) == ({53}, set())
    assert reached(api) == ({443, 6443}, set())
    assert reached(git) == ({443, 22}, {"0.0.0.0/0", "2000::/3"})
    kept = [ipaddress.ip_network(one) for one in git["to"][0]["ipBlock"]["except"]]
    for address in ("10.96.0.1", "169.254.169.254", "127.0.0.1", "192.168.1.1", "172.31.0.1", "100.64.0.1"):
        assert any(ipaddress.ip_address(address) in one for one in kept), address


def test_the_network_policy_is_about_the_pods_of_the_operator_and_lets_probes_in(helm: Helm) -> None:
    bodies = helm.rendered({"networkPolicy": {"enabled": True}, "port": 9090})
    (deployment,) = (body for body in bodies if body["kind"] == "Deployment")
    assert network(bodies)["podSelector"] == deployment["spec"]["selector"]
    (port,) = network(bodies)["ingress"][0]["ports"]
    assert port["port"] in {one["name"] for one in container(bodies)["ports"]}


def test_servers_that_are_named_by_address_are_the_only_ones_that_are_reached(helm: Helm) -> None:
    values: dict[str, Any] = {
        "enabled": True,
        "dns": {
            "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]
        },
        "apiServer": {"cidrs": ["192.0.2.1/32"], "ports": [6443]},
        "git": {"cidrs": ["10.1.2.3/32", "fd00::1/128"], "ports": [8443]},
    }
    dns, api, git = network(helm.rendered({"networkPolicy": values}))["egress"]
    assert dns["to"] == values["dns"]["to"]
    assert reached(api) == ({6443}, {"192.0.2.1/32"})
    assert reached(git) == ({8443}, {"10.1.2.3/32", "fd00::1/128"})


def test_an_image_is_named_by_its_digest_or_else_by_its_tag(helm: Helm) -> None:
    by_digest = container(helm.rendered(SETS["everything"]))["image"]
    assert by_digest == f"registry.example:5000/team/towline@sha256:{'0' * 64}"
    assert container(helm.rendered())["image"] == "localhost/towline:0.1.0"
    assert container(helm.rendered({"image": {"tag": "edge"}}))["image"] == "localhost/towline:edge"


@pytest.mark.parametrize(("values", "user"), [({}, 65532), ({"user": 1000}, 1000), ({"user": None}, None)])
def test_the_user_is_a_given_one_or_the_choice_of_the_cluster(
    helm: Helm, values: dict[str, Any], user: int | None
) -> None:
    (deployment,) = (body for body in helm.rendered(values) if body["kind"] == "Deployment")
    context = deployment["spec"]["template"]["spec"]["securityContext"]
    assert context["runAsNonRoot"]
    assert [context.get(name) for name in ("runAsUser", "runAsGroup", "fsGroup")] == [user] * 3


@pytest.mark.parametrize("release", ["2026", "1e3", "true", "null"])
@pytest.mark.parametrize("values", LOOKALIKES.values(), ids=LOOKALIKES)
def test_no_name_becomes_a_number_or_a_truth(helm: Helm, values: dict[str, Any], release: str) -> None:
    bodies = helm.rendered(values, release=release, namespace="1234")
    texts = [one for body in bodies for one in _texts(body)]
    assert [one for one in texts if not isinstance(one, str)] == []
    assert {body["metadata"]["labels"]["app.kubernetes.io/instance"] for body in bodies} == {release}
    assert {"1234"} == {body["metadata"].get("namespace", "1234") for body in bodies}


def test_names_that_look_like_numbers_arrive_as_they_are_given(helm: Helm) -> None:
    bodies = helm.rendered(LOOKALIKES["numbers"])
    assert container(bodies)["image"] == "12:30"
    (deployment,) = (body for body in bodies if body["kind"] == "Deployment")
    assert deployment["metadata"]["name"] == "007"
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == "1234"
    assert deployment["spec"]["template"]["spec"]["priorityClassName"] == "1e3"


@pytest.mark.parametrize(("replicas", "budgets"), [(1, 0), (2, 1)])
def test_a_budget_holds_back_disruptions_of_several_replicas(helm: Helm, replicas: int, budgets: int) -> None:
    bodies = helm.rendered({"replicas": replicas})
    assert len([body for body in bodies if body["kind"] == "PodDisruptionBudget"]) == budgets


@pytest.mark.parametrize(
    ("values", "replaced"), [({}, False), ({"data": CLAIM}, True), ({"leaderElect": False}, True)]
)
def test_two_pods_overlap_only_where_they_share_nothing_but_a_lease(
    helm: Helm, values: dict[str, Any], *, replaced: bool
) -> None:
    (deployment,) = (body for body in helm.rendered(values) if body["kind"] == "Deployment")
    assert (deployment["spec"].get("strategy") == {"type": "Recreate"}) is replaced


def test_nobody_but_the_administrator_may_write_repositories_unless_it_is_asked_for(helm: Helm) -> None:
    def granted(values: dict[str, Any]) -> set[str]:
        people = [body for body in helm.rendered(values) if _is_for_people(body)]
        return {verb for body in people for rule in body["rules"] for verb in rule["verbs"]}

    assert granted({}) == {"get", "list", "watch"}
    assert "create" in granted({"rbac": {"aggregateToEdit": True}})
    assert granted({"rbac": {"aggregateToView": False}}) == set()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"replica": 2}, "replica"),
        ({"replicas": 2, "leaderElect": False}, "leaderElect"),
        ({"replicas": 2, "data": CLAIM}, "enabled"),
        ({"replicas": "two"}, "replicas"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"image": {"repository": ""}}, "repository"),
        ({"image": {"repository": "towline:1"}}, "repository"),
        ({"resources": {"limits": {"memory": None, "cpu": 1}}}, "memory"),
        ({"logLevel": "loud"}, "logLevel"),
        ({"port": 80}, "port"),
        ({"user": 0}, "user"),
        ({"data": {"size": "much"}}, "size"),
        ({"recordsNamespace": "a.b"}, "recordsNamespace"),
        ({"env": [{"name": "HOME", "value": "/"}]}, "env"),
        ({"podLabels": {"app.kubernetes.io/name": "x"}}, "podLabels"),
        ({"podLabels": {"app.kubernetes.io/instance": "x"}}, "podLabels"),
        ({"podLabels": {"app.kubernetes.io/version": "x"}}, "podLabels"),
        ({"podLabels": {"helm.sh/chart": "x"}}, "podLabels"),
        ({"podAnnotations": {"kubectl.kubernetes.io/default-container": "x"}}, "podAnnotations"),
        ({"tenants": "Strict"}, "tenants"),
        ({"networkPolicy": {"git": {"ports": []}}}, "ports"),
        ({"networkPolicy": {"git": {"ports": [70000]}}}, "ports"),
        ({"networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1"]}}}, "cidrs"),
        ({"networkPolicy": {"gits": {}}}, "gits"),
        ({"rbac": {"rules": NARROW["rules"]}}, "rules"),
        ({"rbac": {"clusterAdmin": False, "rules": [{"verb": ["get"]}]}}, "verb"),
    ],
)
def test_values_that_cannot_work_are_refused_by_name(helm: Helm, values: dict[str, Any], named: str) -> None:
    with pytest.raises(HelmError, match=rf"schema.*(?s:.*){named}"):
        helm.rendered(values)


def _texts(value: Any, name: str = "") -> Iterator[Any]:
    """Yield whatever Kubernetes wants as a string: all but the few fields that are numbers and truths."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield key
            yield from _texts(below, str(key))
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below, name)
    elif name not in NO_TEXTS:
        yield value


def _is_for_people(body: dict[str, Any]) -> bool:
    return any("aggregate-to" in label for label in body["metadata"].get("labels", {}))
