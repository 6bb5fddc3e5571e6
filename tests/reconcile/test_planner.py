"""From what a commit declares to a plan, with a real index, on an API server that answers as it is told."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from towline.api.gitrepository import GitRepository
from towline.errors import Failure, Reason, SourceError
from towline.kube.discovery import Discovery
from towline.kube.repositories import Repositories
from towline.live.index import Index
from towline.model import Action, ObjectRef, Person, Revision
from towline.reconcile.dependencies import Dependencies
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.desired.head import Head
from towline.reconcile.drifted.drift_states import DriftStates
from towline.reconcile.neighbours import Neighbours
from towline.reconcile.planner import Planner
from towline.reconcile.state import Fetched, LastPass, Planned, Start, Visible
from towline.reconcile.sweep import Sweep
from towline.records.ledger import Ledger

from tests.api.test_gitrepository import URL, repository, specify
from tests.kube.loopback import Server, served
from tests.owner_stamps import STAMPS
from tests.plan import strategies as world

NOTHING = cast("Any", None)
ADA = Person(name="Ada", email="ada@example.com")
SHA = "a" * 40
REVISION = Revision(sha=SHA, author=ADA, committer=ADA, authored_at="", committed_at="", subject="Begin")
HEAD = Head(remote=NOTHING, name="main", sha=SHA, seen_at=-math.inf)
SETTINGS = world.manifest(ObjectRef("", "ConfigMap", "shop", "settings"))
SPEC = specify()
BASE = {
    "metadata": {"namespace": "shop", "name": "base", "uid": "u-2", "generation": 1},
    "spec": {"url": URL},
}


@asynccontextmanager
async def planner_on(folder: Path, *others: dict[str, Any]) -> AsyncIterator[Planner]:
    """Plan in a cluster that has these other GitRepositories, and no object of ours."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {}, "items": list(others)})

    async with served(Server(answer)) as client:
        discovery, repositories = Discovery(client), Repositories(client)
        index = Index(client, discovery, lambda *_: None, stamps=STAMPS)
        ledger = Ledger(client, "", folder)
        neighbours = Neighbours(repositories, lambda _: None, lambda: 0.0)
        yield Planner(
            index=index,
            sweep=Sweep(client, discovery, index, ledger),
            neighbours=neighbours,
            dependencies=Dependencies(repositories, neighbours.stir, lambda: 0.0),
            drifts=DriftStates(NOTHING, clock=lambda: 0.0, now=lambda: datetime.now(UTC)),
            written_objects=ledger.written_objects,
            installation=frozenset(),
        )
        await index.aclose()


async def planned(planner: Planner, desired: Desired, of: GitRepository) -> Planned:
    start = Start(repository=of, last=LastPass(uid=of.uid))
    fetched = Fetched(spec=SPEC, head=HEAD, revision=REVISION)
    return await planner.decide(start, fetched, desired, Visible(kinds=frozenset(), swept=None))


async def test_what_is_declared_and_not_there_is_created(tmp_path: Path) -> None:
    desired = Desired(sha=SHA, spec=SPEC, declared={SETTINGS.ref: SETTINGS})
    async with planner_on(tmp_path) as planner:
        found = await planned(planner, desired, repository())
    assert [(change.action, change.ref) for change in found.plan.changes] == [(Action.CREATE, SETTINGS.ref)]
    assert found.desired is desired


async def test_what_cannot_be_placed_fails_the_plan_of_all_else(tmp_path: Path) -> None:
    failure = Failure(reason="NoMatch", message="no such kind", object="Foo/a")
    desired = Desired(sha=SHA, spec=SPEC, declared={SETTINGS.ref: SETTINGS}, failures=(failure,))
    async with planner_on(tmp_path) as planner:
        found = await planned(planner, desired, repository())
    assert found.plan.failures == (failure,)


async def test_a_commit_without_manifests_is_refused_where_nothing_is_owned(tmp_path: Path) -> None:
    desired = Desired(sha=SHA, spec=SPEC, declared={}, submodules=("charts",))
    async with planner_on(tmp_path) as planner:
        with pytest.raises(SourceError) as refused:
            await planned(planner, desired, repository())
    assert refused.value.reason is Reason.SOURCE_EMPTY
    assert "charts" in refused.value.message


async def test_nothing_is_written_before_a_dependency_is_ready(tmp_path: Path) -> None:
    desired = Desired(sha=SHA, spec=SPEC, declared={SETTINGS.ref: SETTINGS})
    dependent = repository({"url": URL, "dependsOn": [{"name": "base"}]})
    async with planner_on(tmp_path, BASE) as planner:
        assert "base" in (await planned(planner, desired, dependent)).unready
        assert not (await planned(planner, desired, repository())).unready
