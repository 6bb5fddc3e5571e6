"""Many repositories at once: those that hang, break or are huge delay none of the others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from e2e.harness import repositories
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Content
from e2e.harness.gitserver import Fault, GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import API, KIND
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

GOOD = frozenset(f"good-{number:02}" for number in range(47))
HUGE = 5000
SECONDS = 30.0
"""On two cores that do nothing else."""


def test_one_that_hangs_one_that_is_broken_and_a_huge_one_delay_none_of_47_others(
    private_operator: Callable[..., Operator], cluster: Cluster, git_server: GitServer, namespace: str
) -> None:
    files = {
        "huge": _huge(),
        "silent": manifests.config_maps(["silent"]),
        "broken": {"broken.yaml": "kind: ["},
        **{name: _few(name) for name in sorted(GOOD)},
    }
    urls = {name: _served(git_server, f"{namespace}-{name}", content) for name, content in files.items()}
    operator = private_operator()
    operator.start()
    repo = git_server.create(f"{namespace}-first")
    sha = repo.commit(_few("first"))
    repositories.create(cluster, namespace, "first", url=repo.url).until_applied(sha)
    with git_server.failing(f"{namespace}-silent", Fault.HANG):
        begun, deadline = time.monotonic(), SECONDS * _slowness()
        for name, url in urls.items():
            repositories.create(cluster, namespace, name, url=url, interval="1m")
        eventually(
            lambda: _applied(cluster, namespace) >= GOOD,
            deadline=deadline - (time.monotonic() - begun),
            poll=0.5,
            message=lambda: f"{sorted(GOOD - _applied(cluster, namespace))}",
        )
        applied = _applied(cluster, namespace)
        operator.kill()
    assert not {"silent", "broken"} & applied


def _slowness() -> float:
    """Return how much longer things take because others use the machine, by the load of the last minute."""
    ours = 2.0 * (os.cpu_count() or 1)  # what a run of stories makes by itself
    return max(1.0, os.getloadavg()[0] / ours)


def _served(server: GitServer, name: str, files: Mapping[str, Content]) -> str:
    repo = server.create(name)
    repo.commit(files)
    return repo.url


def _few(name: str) -> Mapping[str, Content]:
    bodies = [
        manifests.config_map(name, colour="blue"),
        manifests.secret(name, word="open"),
        manifests.service(name),
    ]
    return {f"{name}.yaml": manifests.text(*bodies)}


def _huge() -> Mapping[str, Content]:
    each = manifests.text(manifests.config_map("NAME", colour="blue", text="x" * 500))
    hundreds = range(0, HUGE, 100)
    return {
        f"huge-{begin:04}.yaml": "---\n".join(
            each.replace("NAME", f"huge-{number:04}") for number in range(begin, begin + 100)
        )
        for begin in hundreds
    }


def _applied(cluster: Cluster, namespace: str) -> set[str]:
    return {
        found["metadata"]["name"]
        for found in cluster.list(API, KIND, namespace)
        if found.get("status", {}).get("commit", {}).get("applied")
    }
