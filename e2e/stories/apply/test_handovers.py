"""What only one object may have passes within one commit from one object to another: the giver lets go first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from towline import aio
from towline.apply.handover import RestOfPlan
from towline.model import Action

from e2e.harness.cluster import Cluster, Object
from e2e.harness.desk import Desk, config_map, plan, removal
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests


def service(name: str, *node_ports: int | None, **spec: Object) -> str:
    """Declare a Service with a port for each node port; None leaves the choice to the API server."""
    ports = [
        {"name": f"p{number}", "port": 80 + number} | ({} if node_port is None else {"nodePort": node_port})
        for number, node_port in enumerate(node_ports)
    ]
    if len(ports) == 1:
        del ports[0]["name"]
    body = {"type": "NodePort", "selector": {"app": name}, "ports": ports, **spec}
    return manifests.text({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body})


def node_ports(cluster: Cluster, repository: Repository, name: str) -> list[int]:
    ports = cluster.get("v1", "Service", name, repository.namespace)["spec"]["ports"]
    return [port["nodePort"] for port in ports]


def names(cluster: Cluster, repository: Repository) -> set[str]:
    return {each["metadata"]["name"] for each in cluster.list("v1", "Service", repository.namespace)}


def newest(repository: Repository) -> Object:
    return repository.records()[-1]


def test_a_service_that_is_renamed_keeps_its_node_port(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit({"front.yaml": service("front", 30777, 30778)})
    repository = git_repository()
    repository.until_ready(sha)

    repository.until_ready(repo.commit({"front.yaml": service("frontend", 30777, 30778)}))

    assert names(cluster, repository) == {"frontend"}
    assert node_ports(cluster, repository, "frontend") == [30777, 30778]
    record = newest(repository)
    assert record["status"]["outcome"] == "Succeeded"
    assert record["spec"]["flags"] == ["HandedOver"]
    assert {change["action"] for change in record["spec"]["changes"]} == {"create", "prune"}
    assert (record["status"]["counts"]["created"], record["status"]["counts"]["pruned"]) == (1, 1)
    assert len(repository.records()) == 2


@pytest.mark.parametrize("named", [True, False])
def test_two_services_swap_their_node_ports_and_stay_the_same_objects(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    *,
    named: bool,
) -> None:
    more = (30784,) if named else ()
    sha = repo.commit({"a.yaml": service("a", 30781, *more), "b.yaml": service("b", 30782)})
    repository = git_repository()
    repository.until_ready(sha)
    before = [cluster.get("v1", "Service", name, repository.namespace)["metadata"]["uid"] for name in "ab"]

    repository.until_ready(repo.commit({"a.yaml": service("a", 30782, *more), "b.yaml": service("b", 30781)}))

    assert node_ports(cluster, repository, "a") == [30782, *more]
    assert node_ports(cluster, repository, "b") == [30781]
    found = [cluster.get("v1", "Service", name, repository.namespace) for name in "ab"]
    assert [each["metadata"]["uid"] for each in found] == before
    assert [port.get("name") for port in found[1]["spec"]["ports"]] == [None]
    assert [port.get("name") for port in found[0]["spec"]["ports"]] == (["p0", "p1"] if named else [None])
    assert newest(repository)["spec"]["flags"] == ["HandedOver"]
    assert not repository.status().get("drift")


def test_node_ports_go_round_among_three_services(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    first = {"a": 30791, "b": 30792, "c": 30793}
    second = {"a": 30792, "b": 30793, "c": 30791}
    sha = repo.commit({f"{name}.yaml": service(name, port) for name, port in first.items()})
    repository = git_repository()
    repository.until_ready(sha)

    repository.until_ready(
        repo.commit({f"{name}.yaml": service(name, port) for name, port in second.items()})
    )

    assert {name: node_ports(cluster, repository, name) for name in second} == {
        name: [port] for name, port in second.items()
    }


def test_a_service_that_stays_hands_its_node_port_down_a_chain(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit({"a.yaml": service("z", 30801), "b.yaml": service("b", 30802)})
    repository = git_repository()
    repository.until_ready(sha)

    repository.until_ready(
        repo.commit(
            {"a.yaml": service("z", 30803), "b.yaml": service("b", 30801), "c.yaml": service("a", 30802)}
        )
    )

    assert [node_ports(cluster, repository, name) for name in ("z", "b", "a")] == [[30803], [30801], [30802]]


def test_a_service_that_is_renamed_keeps_its_cluster_ip_although_no_dry_run_tells_that_it_is_taken(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit({"front.yaml": service("front", None)})
    repository = git_repository()
    repository.until_ready(sha)
    address = cluster.get("v1", "Service", "front", repository.namespace)["spec"]["clusterIP"]
    repository.until_ready(repo.commit({"front.yaml": service("front", None, clusterIP=address)}))

    repository.until_ready(repo.commit({"front.yaml": service("frontend", None, clusterIP=address)}))

    assert names(cluster, repository) == {"frontend"}
    assert cluster.get("v1", "Service", "frontend", repository.namespace)["spec"]["clusterIP"] == address


def test_while_anything_else_is_refused_nothing_is_deleted_and_both_services_are_named(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit({"front.yaml": service("front", 30811)})
    repository = git_repository()
    repository.until_ready(sha)
    broken = manifests.config_map("Not_A_Name")

    repo.commit({"front.yaml": service("frontend", 30811), "bad.yaml": manifests.text(broken)})

    status = repository.until(lambda status: status.get("failures"), "the refusals")
    (said,) = (each["message"] for each in status["failures"] if each["object"].startswith("Service/"))
    where = repository.namespace
    assert f"node port 30811 belongs to Service {where}/front, which this commit deletes" in said
    assert "nothing else of the commit is refused" in said
    assert f"the first deletes Service {where}/front" in said
    assert f"the second creates Service {where}/frontend" in said
    assert names(cluster, repository) == {"front"}


def test_without_preflight_nothing_is_deleted_first_and_the_two_commits_are_named(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit({"front.yaml": service("front", 30821)})
    repository = git_repository(preflight=False)
    repository.until_ready(sha)

    repo.commit({"front.yaml": service("frontend", 30821)})

    status = repository.until(lambda status: status.get("failures"), "the refusal")
    assert "already allocated" in status["failures"][0]["message"]
    repository.until(
        lambda status: "the first deletes Service" in status["failures"][0]["message"], "the sentence", 60.0
    )
    assert names(cluster, repository) == {"front"}


def test_what_a_released_service_keeps_is_not_taken_and_both_are_named(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit({"front.yaml": service("front", 30831)})
    repository = git_repository(prune=False)
    repository.until_ready(sha)

    repo.commit({"front.yaml": service("frontend", 30831)})

    status = repository.until(lambda status: status.get("failures"), "the refusal")
    (failure,) = status["failures"]
    assert "it is released instead of deleted" in failure["message"]
    assert names(cluster, repository) == {"front"}


def test_observe_shows_a_handover_as_what_would_be_done(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit({"front.yaml": service("front", 30841)})
    repository = git_repository()
    repository.until_ready(sha)
    repository.change(mode="Observe")

    repo.commit({"front.yaml": service("frontend", 30841)})

    status = repository.until(lambda status: status.get("plan"), "the plan")
    assert status["plan"]["counts"] == {"create": 1, "prune": 1}
    assert not status.get("failures")
    assert names(cluster, repository) == {"front"}


HOST = "example.com/host"
ADMISSION = "admissionregistration.k8s.io/v1"


@pytest.fixture
def unique_hosts(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A namespace in which a policy lets only one ConfigMap have a host; policy and binding go when the test ends."""
    host = f"metadata.annotations['{HOST}']"
    differs = f"object.metadata.name == params.metadata.name || object.{host} != params.{host}"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"],
    }
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    policy = {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": here},
        "matchConditions": [
            {
                "name": "host",
                "expression": f"has(object.metadata.annotations) && '{HOST}' in object.metadata.annotations",
            }
        ],
        "validations": [
            {"expression": differs, "messageExpression": f"'host ' + object.{host} + ' is taken'"}
        ],
    }
    chosen = {"selector": {"matchLabels": {"has": "host"}}, "parameterNotFoundAction": "Allow"}
    binding = {"policyName": namespace, "paramRef": chosen, "validationActions": ["Deny"]}
    for kind, spec in (("ValidatingAdmissionPolicy", policy), ("ValidatingAdmissionPolicyBinding", binding)):
        cluster.create({"apiVersion": ADMISSION, "kind": kind, "metadata": {"name": namespace}, "spec": spec})
    yield namespace
    for kind in ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"):
        cluster.delete(ADMISSION, kind, namespace)


async def test_an_annotation_that_a_policy_lets_only_one_object_have_is_handed_over(
    desk: Desk, cluster: Cluster, unique_hosts: str
) -> None:
    def site(name: str) -> Object:
        body = config_map(unique_hosts, name, colour="red")
        body["metadata"] |= {"annotations": {HOST: "shop.example"}, "labels": {"has": "host"}}
        return body

    async def is_denied() -> bool:
        return bool((await desk.preflight(site("second"))).failures)

    await desk.apply(site("first"))
    assert await aio.until(is_denied, 20.0)
    first = removal(cluster, site("first"))

    beside = RestOfPlan(removals=[first], hands_over=True)
    flight = await desk.writer.preflight([plan(site("second"), Action.CREATE)], desk.sync, beside)
    assert flight.failures == ()
    written = await desk.writer.write(flight.predictions, desk.sync, first=[first])

    assert written.clean
    assert [outcome.change.ref.name for outcome in written.outcomes] == ["first", "second"]
    assert cluster.find("v1", "ConfigMap", "first", unique_hosts) is None
    assert (
        cluster.get("v1", "ConfigMap", "second", unique_hosts)["metadata"]["annotations"][HOST]
        == "shop.example"
    )
