"""What stories share: a desk for single writes, a proxy that fails, an operator with few rights."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from towline.kube import credentials
from towline.kube.credentials import Access

from e2e.faults import proxy as proxies
from e2e.faults.proxy import Proxy
from e2e.harness import components, onlooker, repositories
from e2e.harness import desk as desks
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.desk import Desk
from e2e.harness.operator import Operator
from e2e.scenes import cluster_limits
from e2e.scenes.planted_values import Scene
from e2e.soak import effort as efforts
from e2e.soak import parts
from e2e.soak.effort import Effort


@pytest.fixture
async def access(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Access:
    """Where the API server is, and the administrator's credentials."""
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig()))
    return await asyncio.to_thread(credentials.load)


@pytest.fixture
async def desk(access: Access, namespace: str) -> AsyncIterator[Desk]:
    """A repository of one's own in a namespace of one's own."""
    async with desks.opened(access, namespace) as opened:
        yield opened


@pytest.fixture
def proxy(plane: ControlPlane, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy before the API server; its `environment` leads a private operator through it."""
    with proxies.between(plane, tmp_path) as running:
        yield running


@pytest.fixture
def behind(private_operator: Callable[..., Operator], proxy: Proxy) -> Operator:
    """An operator that works through the proxy."""
    operator = private_operator(environment=proxy.environment())
    operator.start()
    return operator


@pytest.fixture
def calm_namespace(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A second namespace."""
    with repositories.namespaced(cluster, f"{namespace}-calm") as name:
        yield name


@pytest.fixture
def effort(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[Effort]:
    """How much a story of `make soak` tries; short in `make test`."""
    begun = efforts.begun(parts.of_story(request.node.nodeid))
    sys.stdout.write(f"{efforts.SEED}={begun.seed} {efforts.SIZE}={begun.size}\n")
    yield begun
    for name in ("seed", "tried", "survived"):
        record_property(name, getattr(begun, name))


@pytest.fixture
def scene(
    private_operator: Callable[..., Operator], cluster: Cluster, plane: ControlPlane
) -> Iterator[Scene]:
    """An operator that tells all it can, and somebody who looks at its processes."""
    (port,) = components.free_ports(1)
    flags = ("--log-level", "debug", "--listen", f"127.0.0.1:{port}", "--kustomize", str(plane.kubectl))
    operator = private_operator(*flags)
    operator.start()
    with onlooker.looking(lambda: operator.program.pid) as seen:
        yield Scene(cluster=cluster, operator=operator, onlooker=seen, port=port)


@pytest.fixture
def unplayed(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Let Pods that no kubelet plays go at the end: nobody else would, and the namespace would stay for ever."""
    yield
    repositories.abandon(cluster, namespace)
    cluster.kubectl("delete", "deployments,replicasets,jobs", "--all", "-n", namespace, "--wait=false")
    cluster.kubectl("delete", "pods", "--all", "-n", namespace, "--force", "--grace-period=0", "--wait=false")


@pytest.fixture
def limited(
    private_operator: Callable[..., Operator], cluster: Cluster, namespace: str
) -> Iterator[Operator]:
    """An operator that may see everything, and write only some kinds."""
    with cluster_limits.rights(
        cluster,
        namespace,
        "limited",
        [cluster_limits.READER, cluster_limits.OWN_KINDS, cluster_limits.PLAIN_KINDS],
    ):
        operator = private_operator(user="limited")
        operator.start()
        yield operator


@pytest.fixture
def with_kustomize(plane: ControlPlane, private_operator: Callable[..., Operator]) -> Operator:
    """An operator that builds kustomizations; it runs."""
    operator = private_operator("--kustomize", str(plane.kubectl))
    operator.start()
    return operator
