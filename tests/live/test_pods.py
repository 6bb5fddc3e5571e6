from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from towline.kube.discovery import Discovery
from towline.live.pods import Pods
from towline.model import ObjectRef

from tests.kube.loopback import Server, served

WEB = ObjectRef("apps", "Deployment", "shop", "web")
APPS = {
    "metadata": {"name": "apps"},
    "versions": [
        {
            "version": "v1",
            "freshness": "Current",
            "resources": [
                {
                    "resource": "deployments",
                    "responseKind": {"kind": "Deployment"},
                    "scope": "Namespaced",
                    "verbs": ["get"],
                }
            ],
        }
    ],
}
WORKLOAD = {
    "metadata": {"name": "web"},
    "spec": {"selector": {"matchLabels": {"app": "web", "tier": "front"}}},
}
WAITS = {
    "metadata": {"name": "web-1"},
    "status": {
        "phase": "Pending",
        "containerStatuses": [
            {"name": "main", "image": "shop/web:typo", "state": {"waiting": {"reason": "ErrImagePull"}}}
        ],
    },
}
RUNS = {"metadata": {"name": "web-2"}, "status": {"phase": "Running"}}


class Cluster:
    """An API server with one Deployment and its Pods."""

    def __init__(self, *pods: dict[str, Any], allowed: bool = True) -> None:
        self.pods = list(pods)
        self.allowed = allowed
        self.asked: list[tuple[str, str]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/api":
                return web.json_response({"items": []})
            case "/apis":
                return web.json_response({"items": [APPS]})
            case "/apis/apps/v1/namespaces/shop/deployments/web":
                return web.json_response(WORKLOAD)
        self.asked.append((request.path, request.query.get("labelSelector", "")))
        if not self.allowed:
            return web.json_response({"kind": "Status", "code": 403, "reason": "Forbidden"}, status=403)
        return web.json_response({"items": self.pods, "metadata": {}})


@asynccontextmanager
async def asking(cluster: Cluster) -> AsyncIterator[Pods]:
    async with served(Server(cluster.handle)) as client:
        yield Pods(client, Discovery(client))


async def test_a_workload_is_explained_by_the_pods_of_its_selector() -> None:
    cluster = Cluster(RUNS, WAITS)
    async with asking(cluster) as pods:
        assert await pods.trouble(WEB) == "cannot pull shop/web:typo (ErrImagePull)"
    assert cluster.asked == [("/api/v1/namespaces/shop/pods", "app=web,tier=front")]


async def test_pods_that_start_explain_nothing() -> None:
    async with asking(Cluster(RUNS)) as pods:
        assert await pods.trouble(WEB) == ""
    async with asking(Cluster()) as pods:
        assert await pods.trouble(WEB) == ""


async def test_whoever_may_not_read_pods_says_nothing_about_them() -> None:
    async with asking(Cluster(WAITS, allowed=False)) as pods:
        assert await pods.trouble(WEB) == ""


async def test_what_makes_no_pods_is_not_asked_about() -> None:
    cluster = Cluster(WAITS)
    async with asking(cluster) as pods:
        assert await pods.trouble(ObjectRef("", "PersistentVolumeClaim", "shop", "state")) == ""
    assert cluster.asked == []
