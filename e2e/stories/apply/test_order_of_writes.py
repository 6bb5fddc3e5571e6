"""Which write waits for which, on a real API server, and which ones a failure holds back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from towline.apply.outcomes import WriteResult
from towline.errors import ClusterError
from towline.kube.credentials import Access
from towline.model import Action, Result

from e2e.harness import desk as desks
from e2e.harness.cluster import Cluster, Object
from e2e.harness.desk import Desk, config_map, deployment


def custom_definition(group: str, **properties: Any) -> Object:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"boats.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Boat", "plural": "boats", "singular": "boat", "listKind": "BoatList"},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def boat(group: str, namespace: str, **spec: Any) -> Object:
    return {
        "apiVersion": f"{group}/v1",
        "kind": "Boat",
        "metadata": {"name": "one", "namespace": namespace},
        "spec": spec,
    }


@pytest.fixture
def group(cluster: Cluster, namespace: str) -> Iterator[str]:
    """An API group of one's own, whose CRDs go when the test ends."""
    name = f"{namespace}.example"
    yield name
    for plural in ("boats", "ships"):
        cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{name}")


async def test_a_namespace_a_crd_and_what_needs_them_are_written_in_one_go(
    desk: Desk, cluster: Cluster, namespace: str, group: str
) -> None:
    inner = f"{namespace}-inner"
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": inner}}
    text = {"type": "string"}

    written = await desk.apply(
        boat(group, inner, color="red"), config_map(inner, a="1"), custom_definition(group, color=text), space
    )

    assert written.clean
    assert len(written.outcomes) == 4
    assert cluster.get(f"{group}/v1", "Boat", "one", inner)["spec"] == {"color": "red"}
    cluster.delete("v1", "Namespace", inner)


async def test_a_new_field_of_a_crd_and_an_object_that_uses_it_are_written_in_one_go(
    desk: Desk, cluster: Cluster, namespace: str, group: str
) -> None:
    text = {"type": "string"}
    await desk.apply(custom_definition(group, color=text), boat(group, namespace, color="red"))

    grown = custom_definition(group, color=text, sail=text)
    written = await desk.apply(grown, boat(group, namespace, color="red", sail="main"), action=Action.UPDATE)

    assert written.clean
    assert cluster.get(f"{group}/v1", "Boat", "one", namespace)["spec"] == {"color": "red", "sail": "main"}


async def test_a_crd_whose_names_are_taken_fails_and_its_objects_are_not_tried(
    desk: Desk, namespace: str, group: str
) -> None:
    await desk.apply(custom_definition(group))
    rival = custom_definition(group)
    rival["metadata"] = {"name": f"ships.{group}"}
    rival["spec"] |= {"names": {"kind": "Boat", "plural": "ships"}}
    desk = replace(desk, established=1.0)

    written = await desk.apply(rival, {**boat(group, namespace), "apiVersion": f"{group}/v1"})

    assert [outcome.result for outcome in written.outcomes] == [Result.FAILED, Result.NOT_TRIED]
    assert "already in use" in str(written.outcomes[0].failures)


async def test_without_preflight_a_refusal_holds_back_nothing_but_what_needs_the_object(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    desk = replace(desk, careful=False)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{namespace}-Bad"}}
    bodies = [
        space,
        config_map(f"{namespace}-Bad", a="1"),
        deployment(namespace, replicas=-1),
        config_map(namespace),
    ]

    written = await desk.apply(*bodies)

    ends = {str(outcome.change.ref): outcome.result for outcome in written.outcomes}
    assert ends == {
        f"Namespace/{namespace}-Bad": Result.FAILED,
        f"ConfigMap/{namespace}-Bad/settings": Result.NOT_TRIED,
        f"Deployment.apps/{namespace}/web": Result.FAILED,
        f"ConfigMap/{namespace}/settings": Result.DONE,
    }
    assert not written.clean
    assert cluster.find("v1", "ConfigMap", "settings", namespace)


async def test_when_the_head_moves_the_wave_in_flight_is_finished_and_no_other_begun(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    flight = await desk.preflight(deployment(namespace), config_map(namespace))

    moved = iter([False, True])
    written = await desk.writer.write(flight.predictions, desk.sync, lambda: next(moved))

    ends = [(outcome.change.ref.kind, outcome.result) for outcome in written.outcomes]
    assert ends == [("ConfigMap", Result.DONE), ("Deployment", Result.NOT_TRIED)]
    assert cluster.find("apps/v1", "Deployment", "web", namespace) is None


async def test_where_the_api_server_is_away_the_preflight_raises_and_a_write_stops(
    desk: Desk, access: Access, namespace: str
) -> None:
    flight = await desk.preflight(config_map(namespace), deployment(namespace))
    async with desks.opened(replace(access, host="https://127.0.0.1:9"), namespace) as cut_off:
        lost = replace(cut_off, discovery=desk.discovery)
        written, refused = await asyncio.gather(
            lost.writer.write(flight.predictions, desk.sync),
            lost.preflight(config_map(namespace)),
            return_exceptions=True,
        )

    assert isinstance(refused, ClusterError)
    assert isinstance(written, WriteResult)
    assert [outcome.result for outcome in written.outcomes] == [Result.FAILED, Result.NOT_TRIED]
    assert isinstance(written.error, ClusterError)
    assert not written.clean


async def test_token_secrets_are_written_after_the_service_accounts_that_they_name(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    names = [f"team-{number}" for number in range(20)]
    kind = {"apiVersion": "v1", "type": "kubernetes.io/service-account-token"}
    bodies: list[Object] = []
    for name in names:
        owner = {"kubernetes.io/service-account.name": name}
        token = {"name": f"a-{name}", "namespace": namespace, "annotations": owner}
        account = {"name": name, "namespace": namespace}
        bodies += [
            {**kind, "kind": "Secret", "metadata": token},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        ]

    written = await desk.apply(*bodies)

    assert written.clean
    kinds = [outcome.change.ref.kind for outcome in written.outcomes]
    assert kinds == ["ServiceAccount"] * 20 + ["Secret"] * 20
    assert all(cluster.find("v1", "Secret", f"a-{name}", namespace) for name in names)
