"""What the proxy before the API server does to requests, so that stories of broken networks can be believed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from e2e.faults.proxy import Proxy
from e2e.harness import identity
from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Cluster, Kubectl, Object
from e2e.scenes import manifests


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A client that is not ours, behind the proxy."""

    session: aiohttp.ClientSession
    maps: str

    async def ask(self, verb: str, path: str, body: Object | None = None) -> tuple[int, Object]:
        """Send one request and return status and body; 0 where the connection was reset instead."""
        try:
            async with self.session.request(verb, path, json=body) as answer:
                return answer.status, json.loads(await answer.read())
        except aiohttp.ClientConnectionError:
            return 0, {}

    async def status(self, verb: str, path: str, body: Object | None = None) -> int:
        return (await self.ask(verb, path, body))[0]

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[list[str]]:
        """Watch the ConfigMaps of the namespace: the names of the changed ones, and `end` when the watch ends."""
        heard: list[str] = []
        task = asyncio.create_task(self._follow(heard))
        try:
            await until(lambda: "kube-root-ca.crt" in heard)
            yield heard
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self, heard: list[str]) -> None:
        async with self.session.get(f"{self.maps}?watch=1") as answer:
            with contextlib.suppress(aiohttp.ClientError):
                async for line in answer.content:
                    heard.append(_name(line))  # noqa: PERF401  what reads it does not wait for the end
        heard.append("end")


@pytest.fixture
async def caller(proxy: Proxy, namespace: str) -> AsyncIterator[Caller]:
    trusted = ssl.create_default_context(cafile=str(proxy.plane.site.identity.certificate_authority))
    token = proxy.plane.site.identity.tokens[identity.ADMIN]
    async with aiohttp.ClientSession(
        proxy.url,
        connector=aiohttp.TCPConnector(ssl=trusted),
        headers={"Authorization": f"Bearer {token}", "User-Agent": "somebody"},
    ) as session:
        yield Caller(session=session, maps=f"/api/v1/namespaces/{namespace}/configmaps")


def _name(line: bytes) -> str:
    event = json.loads(line)
    return (
        f"ERROR {event['object']['code']}"
        if event["type"] == "ERROR"
        else str(event["object"]["metadata"]["name"])
    )


async def until(holds: Callable[[], Any], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  what is waited for is a list that grows
            await asyncio.sleep(0.01)


def heard_by_the_server(audit: AuditLog, mark: Mark) -> list[AuditEvent]:
    return [event for event in audit.since(mark) if event.user_agent == "somebody"]


def test_a_proxy_that_does_nothing_is_not_noticed(
    proxy: Proxy, kubectl: Kubectl, audit: AuditLog, namespace: str
) -> None:
    kubeconfig = proxy.kubeconfig(identity.ADMIN)
    through = Kubectl(binary=kubectl.binary, kubeconfig=kubeconfig, cache=proxy.folder / "kubectl")
    mark = audit.mark()
    large = manifests.config_map("large", namespace, text="ä" * 400_000)
    through("create", "-f", "-", stdin=json.dumps(large))
    found = json.loads(through("get", "configmap", "large", "-n", namespace, "-o", "json"))
    assert found["data"] == large["data"]
    through("delete", "configmap", "large", "-n", namespace)
    assert [event.code for event in audit.writes(mark, identity.ADMIN)] == [201, 200]


async def test_an_answer_of_the_proxy_reaches_the_client_and_the_server_hears_nothing(
    proxy: Proxy, caller: Caller, audit: AuditLog, namespace: str
) -> None:
    mark = audit.mark()
    proxy.answer(429, about=lambda request: request.of("configmaps"), retry_after=7)
    async with caller.session.post(caller.maps, json=manifests.config_map("never")) as answer:
        told = await answer.json()
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert (told["kind"], told["reason"], told["code"]) == ("Status", "TooManyRequests", 429)
    assert await caller.status("GET", f"/api/v1/namespaces/{namespace}") == 200
    proxy.mend()
    assert await caller.status("POST", caller.maps, manifests.config_map("once")) == 201
    heard = [(event.verb, event.code) for event in heard_by_the_server(audit, mark)]
    assert heard == [("get", 200), ("create", 201)]
    assert [seen.status for seen in proxy.seen] == [429, 200, 201]


async def test_a_share_of_the_requests_is_hit_and_the_same_ones_with_the_same_seed(
    proxy: Proxy, caller: Caller
) -> None:
    proxy.answer(503, share=0.3)
    codes = [await caller.status("GET", "/version") for _ in range(40)]
    assert 4 <= codes.count(503) <= 20
    assert codes.count(503) + codes.count(200) == 40
    proxy.chance.seed(0)
    assert [await caller.status("GET", "/version") for _ in range(40)] == codes


async def test_an_answer_is_dropped_after_the_server_has_acted(
    proxy: Proxy, caller: Caller, cluster: Cluster, namespace: str
) -> None:
    proxy.drop_answers(about=lambda request: request.writes)
    assert await caller.status("POST", caller.maps, manifests.config_map("made")) == 0
    assert cluster.find("v1", "ConfigMap", "made", namespace)
    assert await caller.status("GET", f"{caller.maps}/made") == 200


async def test_a_request_is_delayed(proxy: Proxy, caller: Caller) -> None:
    proxy.delay(0.3)
    begun = time.monotonic()
    assert await caller.status("GET", "/version") == 200
    assert time.monotonic() - begun >= 0.3


async def test_a_cut_connection_breaks_and_no_other_works_before_it_is_mended(
    proxy: Proxy, caller: Caller
) -> None:
    async with caller.following() as heard:
        proxy.cut()
        assert await caller.status("GET", "/version") == 0
        await until(lambda: heard[-1] == "end")
    proxy.mend()
    assert await caller.status("GET", "/version") == 200


async def test_a_frozen_watch_stays_open_in_silence_and_a_new_one_works(
    proxy: Proxy, caller: Caller, cluster: Cluster, namespace: str
) -> None:
    async with caller.following() as before:
        cluster.create(manifests.config_map("heard", namespace))
        await until(lambda: "heard" in before)
        assert proxy.freeze_watches(lambda request: request.of("secrets")) == 0
        assert proxy.freeze_watches(lambda request: request.of("configmaps")) == 1
        async with caller.following() as after:
            cluster.create(manifests.config_map("unheard", namespace))
            await until(lambda: "unheard" in after)
        assert before[-1] == "heard"


async def test_a_watch_ends_with_an_error_and_a_new_one_works(
    proxy: Proxy, caller: Caller, cluster: Cluster, namespace: str
) -> None:
    async with caller.following() as before:
        assert proxy.end_watches(410, lambda request: request.of("configmaps")) == 1
        await until(lambda: before[-1] == "end")
        assert before[-2] == "ERROR 410"
        async with caller.following() as after:
            cluster.create(manifests.config_map("heard", namespace))
            await until(lambda: "heard" in after)


async def test_events_are_lost_and_the_watch_goes_on(
    proxy: Proxy, caller: Caller, cluster: Cluster, namespace: str
) -> None:
    async with caller.following() as heard:
        proxy.lose_events(about=lambda request: request.of("configmaps"))
        cluster.create(manifests.config_map("lost", namespace))
        await until(lambda: proxy.lost == 1)
        proxy.mend()
        cluster.create(manifests.config_map("heard", namespace))
        await until(lambda: "heard" in heard)
        assert "lost" not in heard


@pytest.mark.parametrize("acted", [True, False])
async def test_a_gate_lets_so_many_requests_pass_and_holds_those_that_follow_until_it_is_mended(
    proxy: Proxy, caller: Caller, cluster: Cluster, namespace: str, *, acted: bool
) -> None:
    gate = proxy.hold(1, acted=acted, about=lambda request: request.writes)
    assert await caller.status("POST", caller.maps, manifests.config_map("passes")) == 201
    first = asyncio.create_task(caller.status("POST", caller.maps, manifests.config_map("first")))
    assert await asyncio.to_thread(gate.reached)
    second = asyncio.create_task(caller.status("POST", caller.maps, manifests.config_map("second")))
    assert await caller.status("GET", "/version") == 200
    assert (cluster.find("v1", "ConfigMap", "first", namespace) is not None) is acted
    assert cluster.find("v1", "ConfigMap", "second", namespace) is None
    proxy.mend()
    assert [await first, await second] == [201, 201]
