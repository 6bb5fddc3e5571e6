from __future__ import annotations

import socket

import aiohttp
import pytest
from towline.metrics import Metrics
from towline.server import app
from towline.server.listen import address


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def answer(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as response,
    ):
        return response.status, await response.text()


async def test_readiness_follows_the_operator_and_health_does_not() -> None:
    port, ready = free_port(), False
    async with app.serving(f"127.0.0.1:{port}", Metrics(), lambda: ready):
        assert (await answer(port, "/healthz"))[0] == 200
        assert (await answer(port, "/readyz"))[0] == 503
        ready = True
        assert (await answer(port, "/readyz"))[0] == 200


async def test_metrics_name_the_repository_and_what_became_of_it() -> None:
    port, metrics = free_port(), Metrics()
    metrics.passes.labels("shop", "web", "Succeeded").inc()
    async with app.serving(f"127.0.0.1:{port}", metrics, lambda: True):
        _, text = await answer(port, "/metrics")
    assert 'towline_passes_total{name="web",namespace="shop",reason="Succeeded"} 1.0' in text


async def test_all_figures_of_a_repository_end_with_it() -> None:
    metrics = Metrics()
    metrics.passes.labels("shop", "web", "Succeeded").inc()
    metrics.passes.labels("shop", "web", "GitTimeout").inc()
    metrics.ready.labels("shop", "web").set(1)
    metrics.forget("shop", "web")
    metrics.forget("shop", "web")
    assert "shop" not in metrics.exposition().decode()


@pytest.mark.parametrize(
    ("listen", "meant"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:8080", ("::1", 8080)),
        (":8080", (None, 8080)),
        ("localhost:1", ("localhost", 1)),
    ],
)
def test_an_address_is_a_host_and_a_port(listen: str, meant: tuple[str | None, int]) -> None:
    assert address(listen) == meant


@pytest.mark.parametrize(
    "listen", ["8080", "localhost", "localhost:", "localhost:http", "[::1]", ":0", ":65536"]
)
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        address(listen)
