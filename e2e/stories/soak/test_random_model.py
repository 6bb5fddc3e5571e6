"""Whatever happens, in whatever order, everything ends as Git declares it, and nothing else was deleted."""

from __future__ import annotations

import pytest

from e2e.faults.proxy import Proxy
from e2e.harness import repositories
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.scenes import killed_syncs
from e2e.soak.effort import Effort
from e2e.soak.model import acts, oracle
from e2e.soak.model.world import NAMES, World

MOST = 6
"""So many things happen at most before everything is looked at."""


@pytest.fixture
def world(
    behind: Operator,
    proxy: Proxy,
    plane: ControlPlane,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    namespace: str,
    calm_namespace: str,
    effort: Effort,
) -> World:
    """Two repositories that have applied the first commit."""
    edited, twin = (
        repositories.create(cluster, each, "app", url=repo.url, ref={"branch": "main"})
        for each in (namespace, calm_namespace)
    )
    return World(
        plane=plane,
        cluster=cluster,
        audit=audit,
        operator=behind,
        proxy=proxy,
        repo=repo,
        chance=effort.chance(),
        edited=edited,
        twin=twin,
    )


def test_whatever_happens_ends_as_git_declares_and_as_a_twin_that_nobody_edits(
    world: World, effort: Effort
) -> None:
    sha = world.commit(dict.fromkeys(NAMES, "first"))
    world.look()
    oracle.until_restored(world, sha)
    while effort.tried < effort.size:
        mark = world.audit.mark()
        chosen = acts.drawn(world, min(world.chance.randint(1, MOST), effort.size - effort.tried))
        with effort.point([act.__name__ for act in chosen], counts=len(chosen)):
            for act in chosen:
                act(world)
            world.proxy.mend()
            world.look()
            oracle.until_restored(world, world.repo.sha())
            assert oracle.orphans(world) == []
            assert oracle.wrong_deletes(world, mark) == []
            world.given_up.clear()
    assert effort.survived
    for repository in world.both:
        killed_syncs.check_history(world.cluster.kubectl, repository)
