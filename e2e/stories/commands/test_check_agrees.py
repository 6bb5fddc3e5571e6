"""`towline check` refuses what the API server refuses by its schemas, and nothing that it accepts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, NamedTuple

import pytest
from towline.errors import ApiError
from towline.kube.client import Client
from towline.kube.credentials import Access
from towline.kube.discovery import Discovery
from towline.model import Resource
from towline.read.checking import cluster_kinds, known_kinds, strict_schema
from towline.read.checking.cluster_kinds import ClusterKinds
from towline.read.checking.known_kinds import KnownKinds
from towline.read.cluster import Cluster as ReadableCluster

from e2e.harness.cluster import Cluster
from e2e.scenes import broken_manifests
from e2e.soak.effort import Effort

AT_ONCE = 8
STRICT = {"fieldManager": "check", "fieldValidation": "Strict", "dryRun": "All"}


class Verdicts(NamedTuple):
    """What the API server and `towline check` say of one manifest; empty where nothing is wrong with it."""

    refusal: str
    by_schema: bool
    findings: tuple[strict_schema.SchemaError, ...]


class Judge:
    """Asks both about manifests."""

    def __init__(
        self, client: Client, kinds: KnownKinds, resources: Mapping[Any, Resource], place: str
    ) -> None:
        self.kinds = kinds
        self._client = client
        self._resources = resources
        self._place = place
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def all(self, bodies: Iterable[dict[str, Any]]) -> list[Verdicts]:
        """Return both verdicts of each manifest."""
        return await asyncio.gather(*map(self._verdicts, bodies))

    async def _verdicts(self, body: dict[str, Any]) -> Verdicts:
        """Ask the API server for a server-side apply, and where it accepts that, for a creation."""
        key = (body["apiVersion"], body["kind"])
        findings = strict_schema.errors(self.kinds.kinds[key].schema, self.kinds.definitions, body)
        async with self._turns:
            try:
                await self._ask(self._resources[key], body)
            except ApiError as error:
                of_crd = self.kinds.kinds[key].is_custom and " in body " in str(error)
                is_form = of_crd or error.code in {400, 500}
                return Verdicts(refusal=str(error), by_schema=is_form, findings=findings)
        return Verdicts(refusal="", by_schema=False, findings=findings)

    async def _ask(self, resource: Resource, body: dict[str, Any]) -> None:
        place = self._place if resource.namespaced else ""
        given = {**body, "metadata": {**body["metadata"], **({"namespace": place} if place else {})}}
        await self._client.request(
            "PATCH",
            resource.path(place, body["metadata"]["name"]),
            query={**STRICT, "force": "true"},
            body=given,
            content_type="application/apply-patch+yaml",
        )
        if not _has_whole_floats(body):  # which an apply reads as whole numbers, and a creation does not
            await self._client.request("POST", resource.path(place), query=STRICT, body=given)


def _has_whole_floats(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_whole_floats, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


@pytest.fixture
async def judge(access: Access, cluster: Cluster, namespace: str) -> AsyncIterator[Judge]:
    """The API server of the stories, with a kind of one's own, in a group with the name of the namespace."""
    group = f"{namespace}.example"
    widgets = broken_manifests.crd(group)
    cluster.create(widgets)
    cluster.kubectl.until_established(f"crd/widgets.{group}")
    async with Client(lambda: access) as client:
        version = (await client.request("GET", "/version")).body
        kinds = known_kinds.bundled(f"{version['major']}.{version['minor']}").with_crds([widgets])
        found = await Discovery(client).everything()
        live = await _published(ReadableCluster(client, namespace), f"{group}/v1")
        assert live.kinds.kinds[f"{group}/v1", "Widget"] == kinds.kinds[f"{group}/v1", "Widget"]
        assert ("resource.k8s.io/v1alpha3", "DeviceTaintRule") in {*kinds.kinds} - {*live.kinds.kinds}
        assert namespace in live.namespaces
        yield Judge(client, kinds, {(each.api_version, each.kind): each for each in found}, namespace)
    cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}")


async def _published(cluster: ReadableCluster, version: str) -> ClusterKinds:
    """Return the kinds of a cluster once it has published that of a new CRD."""
    async with asyncio.timeout(60):
        while (version, "Widget") not in (found := await cluster_kinds.read(cluster)).kinds.kinds:  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.2)
    return found


async def test_check_agrees_with_a_strict_dry_run(judge: Judge, namespace: str, effort: Effort) -> None:
    sound = broken_manifests.sound(f"{namespace}.example")
    assert [each for each in await judge.all(sound) if each.refusal or each.findings] == []
    chance = effort.chance()
    changed = [broken_manifests.changed(chance.choice(sound), chance) for _ in range(effort.size)]
    for (what, _), said in zip(changed, await judge.all(body for _, body in changed), strict=True):
        with effort.point(f"{what}: {said}"):
            assert said.refusal or not said.findings, "found what the API server accepts"
            assert said.findings or not said.by_schema, "did not find what the API server refuses"
