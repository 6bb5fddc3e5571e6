"""What is written about a repository before the first write of a sync."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from towline import aio
from towline.api.gitrepository import GitRepository
from towline.errors import ClusterError
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.kube.repositories import Repositories
from towline.live.index import Index
from towline.model import Action, Change, GroupKind, ObjectRef, Person, Plan, Revision
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.desired.head import Head
from towline.reconcile.state import Fetched, Planned, Visible
from towline.reconcile.sweep import Sweep
from towline.reconcile.sync.beginning import Beginnings
from towline.records.ledger import Ledger

from tests.api.test_gitrepository import repository, specify
from tests.kube.loopback import Server, says, served
from tests.owner_stamps import STAMPS
from tests.plan import strategies as world

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA = Person(name="Ada", email="ada@example.com")
SHA = "a" * 40
REVISION = Revision(sha=SHA, author=ADA, committer=ADA, authored_at="", committed_at="", subject="Begin")
HEAD = Head(remote=cast("Any", None), name="main", sha=SHA, seen_at=-math.inf)
CONFIG_MAP = GroupKind("", "ConfigMap")
HELD = ["towline.dev/finalizer"]


def planned(objects: int, **plan: Any) -> Planned:
    """Return a plan that creates so many objects."""
    refs = [ObjectRef("", "ConfigMap", "shop", f"settings-{number}") for number in range(objects)]
    created = tuple(Change(action=Action.CREATE, ref=ref, manifest=world.manifest(ref)) for ref in refs)
    return Planned(
        fetched=Fetched(spec=specify(), head=HEAD, revision=REVISION),
        desired=Desired(sha=SHA, spec=specify(), declared={}),
        visible=Visible(kinds=frozenset(), swept=frozenset()),
        plan=Plan(changes=created, **plan),
    )


def stored(status: dict[str, Any], finalizers: list[str]) -> dict[str, Any]:
    metadata = {"namespace": "shop", "name": "app", "uid": "u-1", "resourceVersion": "8", "generation": 2}
    spec = {"url": "https://git.example/app.git"}
    return {"metadata": {**metadata, "finalizers": finalizers}, "spec": spec, "status": status}


def written(server: Server) -> list[str]:
    """Return which parts of the resource were written, in their order."""
    patches = [
        json.loads(body) for body, verb in zip(server.bodies, server.verbs, strict=True) if verb == "PATCH"
    ]
    return [each["path"] for patch in patches for each in patch if each["op"] == "add"]


async def begun(
    client: Client, of: GitRepository, plan: Planned, server: Server, seconds: float, *, until: int
) -> list[str]:
    """Begin a sync, and wait until so much is written about it."""
    async with Beginnings(Repositories(client), lambda: NOW, seconds).of(of, plan) as beginning:
        await beginning.prepare()
        assert await aio.until(lambda: _are(written(server), until), 10.0)
    return written(server)


async def _are(found: list[str], count: int) -> bool:
    return len(found) >= count


async def test_a_first_sync_of_few_objects_writes_the_finalizer_alone_while_it_is_short() -> None:
    server = Server(says(200, stored({}, HELD)))
    async with served(server) as client:
        assert await begun(client, repository(), planned(4), server, 60.0, until=1) == [
            "/metadata/finalizers"
        ]


async def test_a_first_sync_of_few_objects_that_takes_long_is_told_of() -> None:
    server = Server(says(200, stored({}, HELD)))
    async with served(server) as client:
        found = await begun(client, repository(), planned(4), server, 0.01, until=2)
    assert found == ["/metadata/finalizers", "/status"]


@pytest.mark.parametrize(
    ("of", "plan"),
    [
        (repository(), planned(21)),
        (repository(finalizers=HELD), planned(4)),
        (replace(repository(), status={"kinds": [{"group": "", "kind": "Secret"}]}), planned(4)),
    ],
    ids=["many objects", "held before", "kinds that are known"],
)
async def test_every_other_sync_is_told_of_before_its_first_write(of: GitRepository, plan: Planned) -> None:
    server = Server(says(200, stored(dict(of.status), HELD)))
    async with served(server) as client:
        assert "/status" in await begun(client, of, plan, server, 60.0, until=1)


async def test_nothing_is_written_for_a_repository_that_was_suspended_meanwhile() -> None:
    suspended = stored({}, [])
    suspended["spec"]["suspend"] = True

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (says(409) if request.method == "PATCH" else says(200, suspended))(request)

    async with served(Server(answer)) as client:
        with pytest.raises(ClusterError, match="suspended before anything was written"):
            async with Beginnings(Repositories(client), lambda: NOW).of(
                repository(), planned(4)
            ) as beginning:
                await beginning.prepare()


@pytest.mark.parametrize(("finalizers", "found"), [(HELD, {CONFIG_MAP}), ([], set())])
async def test_after_a_crash_in_a_first_sync_its_finalizer_alone_leads_to_a_search_of_all_kinds(
    tmp_path: Path, finalizers: list[str], found: set[GroupKind]
) -> None:
    maps = {
        "resource": "configmaps",
        "responseKind": {"kind": "ConfigMap"},
        "scope": "Namespaced",
        "verbs": ["list", "watch"],
    }
    versions = [{"version": "v1", "resources": [maps]}]
    answers: dict[str, Any] = {
        "/api": {"items": [{"metadata": {"name": ""}, "versions": versions}]},
        "/apis": {"items": []},
        "/api/v1/configmaps": {"metadata": {}, "items": [{"metadata": {"name": "settings"}}]},
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        return await says(200, answers.get(request.path, {"metadata": {}, "items": []}))(request)

    async with served(Server(answer)) as client:
        discovery = Discovery(client)
        index = Index(client, discovery, lambda *_: None, stamps=STAMPS)
        sweep = Sweep(client, discovery, index, Ledger(client, "", tmp_path))
        assert await sweep.kinds(repository(finalizers=finalizers)) == found
        await index.aclose()


def test_the_kinds_of_a_first_sync_are_known_in_this_process_however_it_ends() -> None:
    plan = planned(4)
    assert plan.visible.after(plan.plan).swept == frozenset({CONFIG_MAP})
    assert Visible(kinds=frozenset({CONFIG_MAP}), swept=None).after(plan.plan).swept is None
