"""What the index knows of objects, on a real API server, while others change them and connections break."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from towline.api import labels
from towline.kube import calls, credentials
from towline.kube.client import Client
from towline.kube.credentials import Access
from towline.kube.discovery import Discovery
from towline.live import watch
from towline.live.index import Index
from towline.model import GroupKind, Key, Live, ObjectRef

from e2e.faults.proxy import Proxy
from e2e.harness import controlplane
from e2e.harness import desk as desks
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane

CONFIG_MAP = GroupKind("", "ConfigMap")
FORCED = {"force": "true", "fieldValidation": "Strict"}


@dataclasses.dataclass(kw_only=True)
class Desk:
    """One client of the API server with an index, and the ConfigMaps of one repository in one namespace."""

    client: Client
    discovery: Discovery
    namespace: str
    index: Index = dataclasses.field(init=False)
    wakes: Counter[str] = dataclasses.field(default_factory=Counter)
    """How often each ConfigMap woke its repository; what earlier stories left may wake theirs."""

    def __post_init__(self) -> None:
        self.index = Index(self.client, self.discovery, self._woken, stamps=desks.STAMPS)

    def _woken(self, label: str, ref: ObjectRef) -> None:
        if label == self.label:
            self.wakes[ref.name] += 1

    @property
    def key(self) -> Key:
        return Key(self.namespace, "app")

    @property
    def label(self) -> str:
        return labels.repository_label(self.key)

    @property
    def names(self) -> list[str]:
        return sorted(ref.name for ref in self.index.owned(self.label))

    def ref(self, name: str) -> ObjectRef:
        return ObjectRef("", "ConfigMap", self.namespace, name)

    def live(self, name: str) -> Live:
        found = self.index.anyone(self.ref(name))
        assert found
        return found

    def path(self, name: str = "") -> str:
        return f"/api/v1/namespaces/{self.namespace}/configmaps" + (f"/{name}" if name else "")

    def body(self, name: str, **values: str) -> dict[str, Any]:
        metadata = {
            "name": name,
            "namespace": self.namespace,
            "labels": {labels.REPOSITORY_LABEL: self.label},
            "annotations": {labels.DIGEST: str(sorted(values.items()))},
        }
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": values}

    async def apply(self, name: str, **values: str) -> dict[str, Any]:
        """Write as a pass does: the index hears of it from the answer."""
        with self.index.writing(self.ref(name)):
            body = await self.send(name, **values)
            self.index.record(self.ref(name), body)
        return body

    async def send(self, name: str, **values: str) -> dict[str, Any]:
        """Apply without a word to the index."""
        query = {**FORCED, "fieldManager": labels.field_manager(self.key)}
        body = self.body(name, **values)
        answer = await self.client.request(
            "PATCH", self.path(name), query=query, body=body, content_type=calls.APPLY, key=self.key
        )
        return answer.body

    async def edit(self, name: str, patch: dict[str, Any]) -> None:
        """Change an object as a person with kubectl does."""
        query = {"fieldManager": "kubectl-edit"}
        await self.client.request(
            "PATCH", self.path(name), query=query, body=patch, content_type=calls.MERGE_PATCH
        )

    async def delete(self, name: str) -> None:
        await self.client.request("DELETE", self.path(name))

    async def until(self, holds: Callable[[], object], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110  what is waited for depends on several parts
                await asyncio.sleep(0.01)

    async def heard(self) -> None:
        """Wait until everything that happened before has been heard: the last change is nobody's echo."""
        await self.apply("last", at="now")
        await self.send("last", at="then")
        await self.until(lambda: "last" in self.wakes)
        await self.delete("last")
        await self.until(lambda: "last" not in self.names)
        del self.wakes["last"]


@pytest.fixture
def access(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Access:
    return credentials_of(plane.kubeconfig(), monkeypatch)


def credentials_of(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> Access:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    return credentials.load()


@contextlib.asynccontextmanager
async def seated(access: Access, namespace: str) -> AsyncIterator[Desk]:
    async with Client(lambda: access) as client:
        desk = Desk(client=client, discovery=Discovery(client), namespace=namespace)
        try:
            yield desk
        finally:
            await desk.index.aclose()


@pytest.fixture
async def desk(access: Access, namespace: str) -> AsyncIterator[Desk]:
    async with seated(access, namespace) as desk:
        await desk.index.ensure([CONFIG_MAP])
        yield desk


async def test_our_own_writes_are_known_at_once_and_wake_nobody(desk: Desk) -> None:
    await asyncio.gather(*(desk.apply(f"cm-{number}", a="1") for number in range(50)))
    assert len(desk.names) == 50
    await asyncio.gather(*(desk.apply(f"cm-{number}", a="2") for number in range(50)))
    await desk.heard()
    assert not desk.wakes
    body = (await desk.client.request("GET", desk.path("cm-7"))).body
    live = desk.live("cm-7")
    assert live.resource_version == body["metadata"]["resourceVersion"]
    assert live.manager == labels.field_manager(desk.key)
    assert live.digest == "[('a', '2')]"


async def test_a_repository_that_changes_nothing_makes_no_request(desk: Desk, plane: ControlPlane) -> None:
    await desk.apply("quiet", a="1")
    await desk.heard()
    audit = plane.audit
    mark = audit.mark()
    version = desk.index.versions(desk.label)
    for _ in range(3):
        await desk.index.ensure([CONFIG_MAP])
    assert desk.index.versions(desk.label) == version
    assert [event for event in audit.since(mark) if event.user_agent.startswith("towline/")] == []


async def test_a_lost_field_a_lost_label_and_a_deletion_wake_the_repository(desk: Desk) -> None:
    for name in ("edited", "unlabelled", "deleted", "untouched"):
        await desk.apply(name, a="1")
    await desk.edit("edited", {"data": {"a": "theirs"}})
    await desk.edit("unlabelled", {"metadata": {"labels": {labels.REPOSITORY_LABEL: None}}})
    await desk.delete("deleted")
    await desk.until(lambda: len(desk.wakes) >= 3)
    assert set(desk.wakes) == {"edited", "unlabelled", "deleted"}
    assert desk.names == ["edited", "untouched"]
    assert b'"f:a"' not in desk.live("edited").fields


async def test_a_change_beside_ours_wakes_nobody_but_is_noted(desk: Desk) -> None:
    await desk.apply("shared", a="1")
    before = desk.live("shared")
    await desk.edit("shared", {"data": {"theirs": "1"}})
    await desk.until(lambda: desk.live("shared").resource_version != before.resource_version)
    assert not desk.wakes


async def test_an_object_that_was_made_anew_is_known_by_its_new_uid(desk: Desk) -> None:
    await desk.apply("anew", a="1")
    await desk.delete("anew")
    await desk.apply("anew", a="1")
    created = desk.live("anew").uid
    await desk.heard()
    assert desk.live("anew").uid == created
    copy = desk.body("anew", a="1")
    await desk.delete("anew")
    await desk.client.request("POST", desk.path(), body=copy)
    await desk.until(lambda: "anew" in desk.names and desk.live("anew").uid != created)
    assert desk.live("anew").fields == b""
    assert "anew" in desk.wakes


async def test_a_write_whose_answer_is_lost_is_learned_from_the_watch(desk: Desk) -> None:
    with desk.index.writing(desk.ref("lost")):
        await desk.send("lost", a="1")
    await desk.until(lambda: "lost" in desk.names)


async def test_everything_is_known_after_a_start_with_one_request_for_each_kind(
    desk: Desk, access: Access, plane: ControlPlane
) -> None:
    await asyncio.gather(*(desk.apply(f"cm-{number}", a="1") for number in range(30)))
    mark = plane.audit.mark()
    async with seated(access, desk.namespace) as again:
        await again.index.ensure([CONFIG_MAP, GroupKind("apps", "Deployment")])
        assert again.names == desk.names
        assert {ref: live.fields for ref, live in again.index.owned(desk.label).items()} == {
            ref: live.fields for ref, live in desk.index.owned(desk.label).items()
        }
        asked = [
            event for event in plane.audit.since(mark) if event.resource and "labelSelector" in event.query
        ]
    assert sorted((event.verb, event.resource) for event in asked) == [
        ("watch", "configmaps"),
        ("watch", "deployments"),
    ]


async def test_what_happened_while_the_connection_was_cut_is_caught_up(
    desk: Desk, access: Access, proxy: Proxy
) -> None:
    await desk.apply("stays", a="1")
    await desk.apply("goes", a="1")
    async with seated(dataclasses.replace(access, host=proxy.url), desk.namespace) as far:
        await far.index.ensure([CONFIG_MAP])
        proxy.cut()
        await desk.delete("goes")
        await desk.apply("comes", a="1")
        await far.until(lambda: far.index.unseen([CONFIG_MAP]))
        proxy.mend()
        await far.index.ensure([CONFIG_MAP])
        await far.until(lambda: far.names == ["comes", "stays"])
        assert set(far.wakes) == {"comes", "goes"}


async def test_a_watch_that_died_silently_is_noticed(
    desk: Desk, access: Access, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENCE_SECONDS", 1.5)
    async with seated(dataclasses.replace(access, host=proxy.url), desk.namespace) as far:
        await far.index.ensure([CONFIG_MAP])
        proxy.freeze_watches()
        await desk.apply("unheard", a="1")
        await far.until(lambda: far.names == ["unheard"])


async def test_an_api_server_that_comes_back_without_its_history_is_listed_again(
    binaries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with controlplane.running(binaries, controlplane.BARE) as plane:
        access = credentials_of(plane.kubeconfig(), monkeypatch)
        async with seated(access, "default") as desk:
            await desk.index.ensure([CONFIG_MAP])
            await desk.apply("stays", a="1")
            await desk.apply("goes", a="1")
            plane.kill_api_server()
            await desk.until(lambda: desk.index.unseen([CONFIG_MAP]))
            plane.start_api_server()
            await desk.delete("goes")
            await desk.index.ensure([CONFIG_MAP])
            await desk.until(lambda: desk.names == ["stays"], seconds=30)
            await desk.apply("new", a="1")
            assert desk.names == ["new", "stays"]


async def test_the_objects_of_a_removed_definition_are_gone_with_it(desk: Desk, cluster: Cluster) -> None:
    plural, kind = "things", GroupKind(f"{desk.namespace}.example", "Thing")
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "names": {"kind": kind.kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    await desk.index.ensure([kind])
    assert desk.index.unseen([kind]) == set()
    await asyncio.to_thread(cluster.create, crd)
    desk.discovery.invalidate()
    await desk.index.ensure([kind])
    resource = await desk.discovery.resource(kind)
    assert resource
    marked = {"name": "one", "labels": {labels.REPOSITORY_LABEL: desk.label}}
    body = {"apiVersion": f"{kind.group}/v1", "kind": kind.kind, "metadata": marked}
    await desk.client.request("POST", resource.path(desk.namespace), body=body)
    await desk.until(lambda: desk.names == ["one"])
    await asyncio.to_thread(
        cluster.delete, "apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{kind.group}"
    )
    await desk.until(lambda: desk.names == [])
    await desk.until(lambda: kind in desk.index._gone, seconds=30)
    await desk.index.ensure([kind])
