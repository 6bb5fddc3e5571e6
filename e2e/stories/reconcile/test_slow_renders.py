"""A repository whose units take long to build delays none of its neighbours, in its own namespace or another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from e2e.harness import onlooker, repositories
from e2e.harness.cluster import Cluster
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import API, KIND
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

UNITS = 10
SMALL = 20
SECONDS = 55
"""How long one slow unit takes; nobody waits for that."""

TOOL = f"""#!/bin/sh
case "$4" in slow-*) /bin/sleep {SECONDS};; esac
exec /bin/cat "$4/map.yaml"
"""


def test_ten_slow_units_delay_none_of_twenty_small_repositories(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    git_server: GitServer,
    namespace: str,
    calm_namespace: str,
    tmp_path: Path,
) -> None:
    tool = tmp_path / "kubectl-slow"
    tool.write_text(TOOL)
    tool.chmod(0o755)
    operator = private_operator("--kustomize", str(tool))
    operator.start()
    slow = _served(git_server, f"{namespace}-slow", [f"slow-{number}" for number in range(UNITS)])
    small = [
        _served(git_server, f"{namespace}-{number:02}", [f"small-{number:02}"]) for number in range(SMALL)
    ]
    with onlooker.looking(lambda: operator.program.pid) as seen:
        repositories.create(cluster, namespace, "slow", url=slow)
        eventually(lambda: seen.saw("sleep"), message="the first slow unit is being built")
    places = [namespace, calm_namespace] * (SMALL // 2)
    for number, (place, url) in enumerate(zip(places, small, strict=True)):
        repositories.create(cluster, place, f"small-{number:02}", url=url)
    eventually(
        lambda: _applied(cluster, namespace) + _applied(cluster, calm_namespace) == SMALL,
        deadline=SECONDS - 5,
        poll=0.5,
        message="all small repositories, while the first slow unit is being built",
    )
    operator.kill()


def _served(server: GitServer, name: str, units: list[str]) -> str:
    repo = server.create(name)
    files = {f"{unit}/kustomization.yaml": "resources: [map.yaml]\n" for unit in units}
    repo.commit(files | {f"{unit}/map.yaml": manifests.text(manifests.config_map(unit)) for unit in units})
    return repo.url


def _applied(cluster: Cluster, namespace: str) -> int:
    found = cluster.list(API, KIND, namespace)
    return sum(bool(each.get("status", {}).get("commit", {}).get("applied")) for each in found)
