"""Quotas are asked for once for all who create at the same time, and by namespace for the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from towline.apply import prediction
from towline.apply.objects import Objects
from towline.apply.prediction import Prediction
from towline.apply.room import QuotaRoom
from towline.errors import Failure
from towline.kube.discovery import Discovery
from towline.model import Action, Change, ObjectRef

from tests.apply.apiserver import SYNC
from tests.kube.loopback import Server, says, served, status
from tests.plan import strategies as world

QUOTAS = {
    "resource": "resourcequotas",
    "responseKind": {"kind": "ResourceQuota"},
    "scope": "Namespaced",
    "verbs": ["list"],
}
MAPS = {
    "resource": "configmaps",
    "responseKind": {"kind": "ConfigMap"},
    "scope": "Namespaced",
    "verbs": ["list"],
}
KINDS = {"items": [{"metadata": {"name": ""}, "versions": [{"version": "v1", "resources": [QUOTAS, MAPS]}]}]}
FULL = {
    "metadata": {"name": "few", "namespace": "team-1"},
    "status": {"hard": {"configmaps": "1"}, "used": {"configmaps": "0"}},
}


class Cluster:
    """Answers lists of quotas by namespace; in all of them as it is told."""

    def __init__(self, everywhere: Any = None, *, refuses: bool = False) -> None:
        self.everywhere = everywhere or {"metadata": {}, "items": [FULL]}
        self.refuses = refuses
        self.lists: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path in {"/api", "/apis"}:
            return await says(200, KINDS if request.path == "/api" else {"items": []})(request)
        self.lists.append(request.path)
        if request.path == "/api/v1/resourcequotas":
            return await (status(403, "Forbidden") if self.refuses else says(200, self.everywhere))(request)
        items = [FULL] if "/team-1/" in request.path else []
        return await says(200, {"metadata": {}, "items": items})(request)


@asynccontextmanager
async def room_in(cluster: Cluster) -> AsyncIterator[QuotaRoom]:
    async with served(Server(cluster.answer)) as client:
        yield QuotaRoom(Objects(client, Discovery(client)))


def created(namespace: str) -> list[Prediction]:
    """Return the creation of two ConfigMaps."""
    refs = [ObjectRef("", "ConfigMap", namespace, name) for name in ("a", "b")]
    changes = [Change(action=Action.CREATE, ref=ref, manifest=world.manifest(ref)) for ref in refs]
    return [prediction.unseen(each, SYNC, known=True) for each in changes]


async def asked(cluster: Cluster, count: int) -> list[tuple[Failure, ...]]:
    """Let so many repositories, each with a namespace of its own, ask at the same time."""
    async with room_in(cluster) as room:
        plans = [created(f"team-{number}") for number in range(count)]
        return list(await asyncio.gather(*(room.refused(each, SYNC) for each in plans)))


def refused(found: list[tuple[Failure, ...]]) -> list[int]:
    return [number for number, failures in enumerate(found) if failures]


async def test_few_who_ask_list_their_own_namespaces() -> None:
    cluster = Cluster()
    assert refused(await asked(cluster, 2)) == [1]
    assert sorted(cluster.lists) == [f"/api/v1/namespaces/team-{number}/resourcequotas" for number in (0, 1)]


async def test_many_who_ask_at_the_same_time_share_a_list_and_each_sees_its_own_quotas() -> None:
    cluster = Cluster()
    assert refused(await asked(cluster, 40)) == [1]
    assert len(cluster.lists) < 8


async def test_where_not_all_quotas_may_be_listed_each_namespace_is() -> None:
    cluster = Cluster(refuses=True)
    assert refused(await asked(cluster, 40)) == [1]
    assert "/api/v1/namespaces/team-39/resourcequotas" in cluster.lists


async def test_where_there_are_too_many_quotas_each_namespace_is_listed() -> None:
    cluster = Cluster({"metadata": {"continue": "more"}, "items": []})
    assert refused(await asked(cluster, 40)) == [1]
    assert "/api/v1/namespaces/team-39/resourcequotas" in cluster.lists
