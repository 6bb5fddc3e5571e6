"""How far a first fetch is, in the status."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from towline import aio
from towline.kube.repositories import Repositories
from towline.reconcile.report import FetchProgress

from tests.api.test_gitrepository import repository
from tests.kube.loopback import Server, says, served

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def stored(**status: Any) -> dict[str, Any]:
    app = repository()
    metadata = {"namespace": app.key.namespace, "name": app.key.name, "uid": app.uid, "resourceVersion": "1"}
    return {
        "metadata": {**metadata, "generation": app.generation},
        "spec": {"url": "https://git.example/app"},
        "status": status,
    }


def written(server: Server) -> list[str]:
    """Return what Ready said in each status that was written."""
    patches = [
        json.loads(body) for body, verb in zip(server.bodies, server.verbs, strict=True) if verb == "PATCH"
    ]
    statuses = [each["value"] for patch in patches for each in patch if each["path"] == "/status"]
    return [
        condition["message"]
        for status in statuses
        for condition in status["conditions"]
        if condition["type"] == "Ready"
    ]


async def test_the_status_tells_how_far_the_first_fetch_of_a_repository_is() -> None:
    server = Server(says(200, stored()))
    progress = iter(["", *(f"receiving objects, {percent} %" for percent in range(100))])
    async with served(server) as client:
        telling = FetchProgress(Repositories(client), lambda: NOW, seconds=0.01)
        async with telling.told(repository(), "4f2a91c", lambda: next(progress)):
            assert await aio.until(lambda: _is_at_least(3, server), 10.0)
    assert written(server)[:3] == [
        "Fetching 4f2a91c",
        "Fetching 4f2a91c: receiving objects, 0 %",
        "Fetching 4f2a91c: receiving objects, 1 %",
    ]


async def test_a_repository_that_has_a_commit_applied_stays_ready_while_the_next_one_is_fetched() -> None:
    server = Server(says(200, stored()))
    before = replace(repository(), status={"commit": {"applied": "4" * 40}})
    async with served(server) as client:
        telling = FetchProgress(Repositories(client), lambda: NOW, seconds=0.01)
        async with telling.told(before, "4f2a91c", lambda: ""):
            assert not await aio.until(lambda: _is_asked(server), 0.2)


async def test_a_fetch_that_waits_for_others_is_not_told_of_before_its_turn() -> None:
    server = Server(says(200, stored()))
    turns = iter([None] * 5)
    asked = 0

    def progress() -> str | None:
        nonlocal asked
        asked += 1
        return next(turns, "")

    async with served(server) as client:
        telling = FetchProgress(Repositories(client), lambda: NOW, seconds=0.01)
        async with telling.told(repository(), "4f2a91c", progress):
            assert await aio.until(lambda: _is_at_least(1, server), 10.0)
            assert asked > 5


async def _is_at_least(many: int, server: Server) -> bool:
    return len(written(server)) >= many


async def _is_asked(server: Server) -> bool:
    return bool(server.requests)
