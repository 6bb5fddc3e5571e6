"""A deletion waits for objects that finalizers hold, though not for ever, and then says what is left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from towline.errors import Reason
from towline.kube.discovery import Discovery
from towline.kube.repositories import Repositories
from towline.live.index import Index
from towline.model import ObjectRef
from towline.reconcile import finalize
from towline.reconcile.dependencies import Dependencies
from towline.reconcile.finalize import Finalizer
from towline.reconcile.neighbours import Neighbours
from towline.reconcile.state import Finalized
from towline.reconcile.sweep import Sweep
from towline.status.compute import PassResult

from tests.api.test_gitrepository import repository
from tests.apply import apiserver
from tests.kube.loopback import says
from tests.owner_stamps import STAMPS
from tests.reconcile.execution import execution

HELD = apiserver.held(
    "web",
    "ConfigMap",
    apiserver.entry("backup", {"f:metadata": {"f:finalizers": {'v:"example.com/hold"': {}}}}),
    deletionTimestamp="2025-12-31T23:59:00Z",
    annotations={"towline.dev/owner": STAMPS.owner("u-1", ObjectRef("", "ConfigMap", "shop", "web"))},
    finalizers=["example.com/hold"],
)
KINDS = {"kinds": [{"group": "", "kind": "ConfigMap"}]}
RESOURCES = [
    {
        "resource": "configmaps",
        "responseKind": {"kind": "ConfigMap"},
        "scope": "Namespaced",
        "verbs": ["list"],
    }
]
LISTS: dict[str, Any] = {
    "/api": {"items": [{"metadata": {"name": ""}, "versions": [{"version": "v1", "resources": RESOURCES}]}]},
    "/apis": {"items": []},
    "/api/v1/namespaces/shop/configmaps/web": HELD,
}


APP = {"name": "app", "namespace": "shop", "uid": "u-1"}


async def cluster(request: web.Request) -> web.StreamResponse:
    """Answer as a cluster in which one object of the repository is being deleted."""
    if request.path == "/api/v1/configmaps" and "watch" in request.query:
        return await _watched(request)
    return await says(200, LISTS.get(request.path, {"metadata": APP, "items": []}))(request)


async def _watched(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    done = {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}
    for kind, body in (("ADDED", HELD), ("BOOKMARK", {"metadata": done})):
        await response.write(orjson.dumps({"type": kind, "object": body}) + b"\n")
    await asyncio.Event().wait()
    return response


@asynccontextmanager
async def finalizer(folder: Path) -> AsyncIterator[Finalizer]:
    async with execution(folder, cluster) as door:
        discovery = Discovery(door.client)
        index = Index(door.client, discovery, lambda *_: None, stamps=STAMPS)
        repositories = Repositories(door.client)
        neighbours = Neighbours(repositories, lambda _: None, time.monotonic)
        yield Finalizer(
            client=door.client,
            index=index,
            sweep=Sweep(door.client, discovery, index, door.ledger),
            neighbours=neighbours,
            dependencies=Dependencies(repositories, neighbours.stir, time.monotonic),
            executor=door.executor,
            repositories=repositories,
            ledger=door.ledger,
            installation=frozenset(),
        )
        await index.aclose()


async def ended(folder: Path) -> PassResult | Finalized:
    """Finalize a repository whose deletion was just asked for."""
    app = repository(deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["towline.dev/finalizer"])
    async with finalizer(folder) as door:
        return await door.finalize(replace(app, status=KINDS))


async def test_a_deletion_waits_for_what_a_finalizer_holds(tmp_path: Path) -> None:
    found = await ended(tmp_path)
    assert isinstance(found, PassResult)
    assert found.reason is Reason.PROGRESSING
    assert found.message == (
        "Deletion waits for 1 object, at most 1m: ConfigMap shop/web is being deleted,"
        " and waits for finalizer example.com/hold (set by backup)"
    )


async def test_when_it_has_waited_for_long_enough_a_deletion_ends_and_says_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finalize, "PATIENCE_SECONDS", 0.0)
    found = await ended(tmp_path)
    assert isinstance(found, Finalized)
    assert found.undeleted
    assert found.undeleted.total == 1
    assert found.undeleted.why == (
        "ConfigMap shop/web is being deleted, and waits for finalizer example.com/hold (set by backup)",
    )
