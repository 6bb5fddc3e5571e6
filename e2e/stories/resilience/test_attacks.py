"""No author and no tenant delays the repositories of others, whatever is in theirs."""

from __future__ import annotations

import http.client
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest

from e2e.bench import procfs
from e2e.harness import components, repositories
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests
from e2e.scenes.attacks import ATTACKS, Attack

COMMITS = 5
TIMES = 3.0
LEAST = 1.0
"""Seconds: what an undisturbed commit counts at least, so that the noise of a machine is no delay."""

MEMORY = 1024.0
"""MiB: the limit of the chart."""

ANSWER = 5.0
"""Seconds for a probe: five times what the chart's liveness probe waits, as the machine is shared by the attackers."""


@dataclass(slots=True)
class Watched:
    """What was seen of the operator meanwhile: the slowest answer to a probe, and the most memory."""

    slowest: float = 0.0
    mebibytes: float = 0.0
    errors: list[str] = field(default_factory=list)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_commit_takes_at_most_three_times_as_long_beside_an_attack(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
    attack: Attack,
) -> None:
    (port,) = components.free_ports(1)
    operator = private_operator("--listen", f"127.0.0.1:{port}")
    operator.start()
    repo.commit(manifests.config_maps(["victim"], step="first"))
    victim = git_repository(interval="1h")
    victim.until_applied(repo.sha())
    undisturbed = statistics.median(applied_within(victim, repo, step) for step in range(COMMITS))

    with attack.serving() as url, hostile_namespaces(cluster, namespace, attack) as hostile:
        urls = [url or attack.served(git_server, f"{namespace}-{number}") for number in range(len(hostile))]
        with watched(operator, port) as seen:
            for number, (place, address) in enumerate(zip(hostile, urls, strict=True)):
                spec = {"url": address, "interval": "10s", **(attack.spec or {})}
                repositories.create(cluster, place, f"hostile-{number}", **spec)
            disturbed = [applied_within(victim, repo, COMMITS + step) for step in range(COMMITS)]
        operator.kill()

    assert seen.errors == []
    assert seen.slowest < ANSWER
    assert seen.mebibytes < MEMORY
    assert statistics.median(disturbed) <= TIMES * max(undisturbed, LEAST), (undisturbed, disturbed)


def applied_within(victim: Repository, repo: Repo, step: int) -> float:
    """Commit one changed line, ask for a look, and return the seconds until the cluster has it."""
    sha = repo.commit(manifests.config_maps(["victim"], step=str(step)))
    begun = time.monotonic()
    victim.annotate(reconcile=str(step))
    victim.until_applied(sha, deadline=60)
    return time.monotonic() - begun


@contextmanager
def hostile_namespaces(cluster: Cluster, victim: str, attack: Attack) -> Iterator[list[str]]:
    """Make the namespaces of the attackers; yield the one of each repository."""
    names = [f"{victim}-{number}" for number in range(1 if attack.one_namespace else attack.repositories)]
    with ExitStack() as made:
        for name in names:
            made.enter_context(repositories.namespaced(cluster, name))
        yield [names[number % len(names)] for number in range(attack.repositories)]


@contextmanager
def watched(operator: Operator, port: int) -> Iterator[Watched]:
    """Probe the operator and weigh it and its children again and again while a block runs."""
    seen, over = Watched(), threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            begun = time.monotonic()
            try:
                probe(port)
            except OSError as error:
                seen.errors.append(repr(error))
            seen.slowest = max(seen.slowest, time.monotonic() - begun)
            seen.mebibytes = max(seen.mebibytes, procfs.shared_out(operator.program.pid))

    thread = threading.Thread(target=watch, name="watch")
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def probe(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
    finally:
        connection.close()
