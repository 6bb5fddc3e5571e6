"""What is known of the other repositories, and who is woken when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from towline import aio
from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
from towline.kube.repositories import Repositories
from towline.model import Action, Change, Key, ObjectRef, Plan
from towline.plan import claims
from towline.reconcile.neighbours import Neighbours

from tests.kube.loopback import Server, served
from tests.plan import strategies as world

OLD, NEW = "a" * 40, "b" * 40
MAIN, NEXT = "refs/heads/main", "refs/heads/next"
MOVING = world.manifest(ObjectRef("", "ConfigMap", "shop", "moving"))
PRUNES = Plan(changes=(Change(action=Action.PRUNE, ref=MOVING.ref),))


def raw(name: str, generation: int = 1, **spec: Any) -> dict[str, Any]:
    """One GitRepository as the API server keeps it."""
    metadata = {"namespace": "shop", "name": name, "uid": name, "generation": generation}
    return {"metadata": metadata, "spec": {"url": "https://git.example/shop.git", **spec}}


BRANCH = raw("branch", ref={"branch": "main"})
HEAD = raw("head")


def seen(of: dict[str, Any]) -> GitRepository:
    return gitrepository.identify(of)


@asynccontextmanager
async def neighbours(
    *others: dict[str, Any], moment: float = 0.0
) -> AsyncIterator[tuple[Neighbours, list[Key]]]:
    """What is known in a cluster with these GitRepositories, and who was woken."""
    woken: list[Key] = []

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {}, "items": list(others)})

    async with served(Server(answer)) as client:
        yield Neighbours(Repositories(client), woken.append, lambda: 0.0, moment), woken


def read(known: Neighbours, of: dict[str, Any], sha: str, name: str) -> None:
    """Let a repository have made a pass that read a commit."""
    known.found(seen(of), name)
    known.declare(seen(of), sha, frozenset())
    known.tried(seen(of))


async def awaited(known: Neighbours) -> frozenset[Key]:
    """Say for whom a prune of `BRANCH` waits."""
    standing, _ = await known.standing(seen(BRANCH), NEW, PRUNES, {})
    return standing.awaited


async def test_a_prune_waits_for_a_repository_without_a_ref_until_it_has_read_the_commit() -> None:
    async with neighbours(BRANCH, HEAD) as (known, woken):
        read(known, HEAD, OLD, MAIN)
        read(known, BRANCH, NEW, MAIN)
        assert await awaited(known) == {seen(HEAD).key}
        assert woken == [seen(HEAD).key]

        read(known, HEAD, NEW, MAIN)
        assert woken[1:] == [seen(BRANCH).key]
        assert not await awaited(known)


async def test_nobody_waits_for_a_repository_without_a_ref_that_leads_to_another_branch() -> None:
    async with neighbours(BRANCH, HEAD) as (known, _):
        read(known, HEAD, OLD, NEXT)
        assert not await awaited(known)


async def test_who_waits_is_woken_when_it_turns_out_that_the_ref_is_another() -> None:
    async with neighbours(BRANCH, HEAD) as (known, woken):
        read(known, HEAD, OLD, MAIN)
        assert await awaited(known) == {seen(HEAD).key}
        known.found(seen(HEAD), NEXT)
        assert woken[1:] == [seen(BRANCH).key]
        assert not await awaited(known)


async def test_a_look_that_leads_to_the_same_ref_wakes_nobody() -> None:
    async with neighbours(BRANCH, HEAD) as (known, woken):
        read(known, HEAD, OLD, MAIN)
        await awaited(known)
        known.found(seen(HEAD), MAIN)
        assert woken == [seen(HEAD).key]


async def test_what_an_earlier_spec_led_to_says_nothing_of_a_new_one() -> None:
    changed = raw("head", generation=2, ref={"semver": "1.x"})
    tagged = raw("branch", ref={"tag": "v1.2.0"})
    async with neighbours(tagged, changed) as (known, _):
        read(known, raw("head", ref={"semver": "2.x"}), OLD, "refs/tags/v2.0.0")
        standing, _ = await known.standing(seen(tagged), NEW, PRUNES, {})
        assert standing.awaited == {seen(changed).key}


async def test_a_prune_waits_for_a_repository_whose_new_spec_has_not_been_tried_yet() -> None:
    pointed = raw("head", generation=2, path="other")
    async with neighbours(BRANCH, pointed) as (known, woken):
        read(known, HEAD, NEW, MAIN)
        assert await awaited(known) == {seen(pointed).key}

        known.declare(seen(pointed), NEW, frozenset())
        assert woken[1:] == [seen(BRANCH).key]
        assert not await awaited(known)


async def test_nobody_waits_for_a_new_spec_that_was_tried_in_vain() -> None:
    pointed = raw("head", generation=2, path="other")
    async with neighbours(BRANCH, pointed) as (known, _):
        read(known, HEAD, NEW, MAIN)
        known.tried(seen(pointed))
        assert not await awaited(known)


async def test_a_repository_that_was_suspended_since_declares_what_it_did() -> None:
    suspended = raw("head", generation=2, suspend=True)
    async with neighbours(BRANCH, suspended) as (known, _):
        known.declare(seen(HEAD), NEW, frozenset({MOVING.ref}))
        standing, _patience = await known.standing(seen(BRANCH), NEW, PRUNES, {})
        assert standing.elsewhere == {MOVING.ref}


CREATES = Plan(changes=(Change(action=Action.CREATE, ref=MOVING.ref, manifest=MOVING),))


def aged(name: str, day: int) -> dict[str, Any]:
    made = raw(name)
    return {**made, "metadata": {**made["metadata"], "creationTimestamp": f"2026-01-{day:02}T00:00:00Z"}}


async def test_nobody_waits_for_a_repository_that_an_annotation_suspends_meanwhile() -> None:
    head = raw("head")
    async with neighbours(BRANCH, head) as (known, _):
        read(known, head, OLD, MAIN)
        read(known, BRANCH, NEW, MAIN)
        assert await awaited(known) == {seen(head).key}
        head["metadata"]["annotations"] = {"towline.dev/suspend": "by=ada"}
        assert not await awaited(known)


async def test_who_waits_for_older_repositories_is_woken_by_the_last_and_wakes_none() -> None:
    first, second, mine = aged("first", 1), aged("second", 2), aged("branch", 3)
    async with neighbours(first, second, mine) as (known, woken):
        standing, _ = await known.standing(seen(mine), NEW, CREATES, {})
        assert standing.elders == {seen(first).key, seen(second).key}
        assert woken == []

        read(known, second, OLD, MAIN)
        assert woken == []
        read(known, first, OLD, MAIN)
        assert woken == [seen(mine).key]
        assert not (await known.standing(seen(mine), NEW, CREATES, {}))[0].elders


async def test_who_waits_is_woken_by_each_news_of_whom_it_waits_for_until_it_waits_no_more() -> None:
    async with neighbours(BRANCH, HEAD) as (known, woken):
        read(known, HEAD, OLD, MAIN)
        assert await awaited(known) == {seen(HEAD).key}
        for number in range(1, 4):
            known.declare(seen(HEAD), f"{number}" * 40, frozenset())
            assert woken[1:] == [seen(BRANCH).key] * number
        known.declare(seen(HEAD), NEW, frozenset())
        assert not await awaited(known)
        known.declare(seen(HEAD), OLD, frozenset())
        assert woken[1:] == [seen(BRANCH).key] * 4


async def test_who_waits_for_an_older_repository_is_woken_when_that_one_is_deleted() -> None:
    first, mine = aged("first", 1), aged("branch", 3)
    async with neighbours(first, mine) as (known, woken):
        await known.standing(seen(mine), NEW, CREATES, {})
        known.withdraw(seen(first).key)
        assert woken == [seen(mine).key]


async def test_a_plan_waits_for_older_repositories_that_were_made_with_it_without_another_pass() -> None:
    first, second, mine = aged("first", 1), aged("second", 2), aged("branch", 3)
    async with neighbours(first, second, mine, moment=60.0) as (known, woken):
        planning = asyncio.create_task(known.standing(seen(mine), NEW, CREATES, {}))
        assert await aio.until(lambda: _is_asking(known, mine), 10.0)

        read(known, second, OLD, MAIN)
        known.declare(seen(first), OLD, frozenset({MOVING.ref}))
        standing, _ = await planning
        assert standing.rivals == {MOVING.ref: seen(first).key}
        assert not standing.elders
        assert woken == []
        assert not known.is_asking(seen(mine).key)


async def test_a_plan_waits_no_longer_than_a_moment_for_an_older_repository() -> None:
    first, mine = aged("first", 1), aged("branch", 3)
    async with neighbours(first, mine, moment=0.01) as (known, woken):
        standing, _ = await known.standing(seen(mine), NEW, CREATES, {})
        assert standing.elders == {seen(first).key}
        read(known, first, OLD, MAIN)
        assert woken == [seen(mine).key]


async def test_what_hundreds_of_others_declare_matters_only_to_plans_that_it_concerns() -> None:
    others = [raw(f"other-{number}") for number in range(300)]
    async with neighbours(*others, BRANCH) as (known, _):
        for other in others:
            known.declare(seen(other), NEW, frozenset({MOVING.ref}) if other is others[7] else frozenset())
        standing, _patience = await known.standing(seen(BRANCH), NEW, PRUNES, {})
        assert standing.elsewhere == {MOVING.ref}
        elsewhere = Plan(changes=(Change(action=Action.CREATE, ref=MOVING.ref._replace(name="else")),))
        assert (await known.standing(seen(BRANCH), NEW, elsewhere, {}))[0] == claims.ALONE


async def _is_asking(known: Neighbours, of: dict[str, Any]) -> bool:
    return known.is_asking(seen(of).key)


async def test_lists_of_all_repositories_leave_the_api_server_time_for_others() -> None:
    moments = iter((0.0, 0.0, 0.1))
    now = 0.0

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {}, "items": [HEAD]})

    def clock() -> float:
        nonlocal now
        now = next(moments, now)
        return now

    async with served(Server(answer)) as client:
        known = Neighbours(Repositories(client), lambda _key: None, clock)
        await known.standing(seen(BRANCH), NEW, PRUNES, {})
        began = asyncio.get_running_loop().time()
        await known.standing(seen(BRANCH), NEW, PRUNES, {})
        assert asyncio.get_running_loop().time() - began >= 0.3


async def test_repositories_that_ask_at_the_same_time_share_a_list_that_begins_afterwards() -> None:
    lists, begun, go_on = 0, asyncio.Event(), asyncio.Event()

    async def answer(_request: web.Request) -> web.StreamResponse:
        nonlocal lists
        lists += 1
        begun.set()
        await go_on.wait()
        return web.json_response({"metadata": {}, "items": [HEAD] if lists > 1 else []})

    async with served(Server(answer)) as client:
        known = Neighbours(Repositories(client), lambda _key: None, lambda: 0.0)
        first = asyncio.create_task(known.standing(seen(BRANCH), NEW, PRUNES, {}))
        await begun.wait()
        later = [asyncio.create_task(known.standing(seen(BRANCH), NEW, PRUNES, {})) for _ in range(20)]
        go_on.set()
        assert not (await first)[0].awaited
        assert {(await each)[0].awaited for each in later} == {frozenset({seen(HEAD).key})}
    assert lists == 2
