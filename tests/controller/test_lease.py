"""Who leads, by the Lease as it stands and by our own clock."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from towline.controller import lease_terms
from towline.controller.lease import Alone, Elector, LeaseLostError
from towline.model import Body

from tests.controller.clock import Time
from tests.kube.loopback import Server, served

ME, OTHER = "me", "other"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HELD_BY_OTHER = {"holderIdentity": OTHER, "leaseDurationSeconds": 15, "renewTime": "2026-11-23T11:59:59Z"}


@dataclass(slots=True)
class Store:
    """One Lease as an API server keeps it; `asked` is called before each answer."""

    spec: dict[str, Any] | None = None
    version: int = 1
    down: bool = False
    asked: Callable[[], None] = lambda: None
    requests: list[str] = field(default_factory=list)

    def set(self, **spec: Any) -> None:
        self.spec = {**(self.spec or {}), **spec}
        self.version += 1

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request.method)
        self.asked()
        body = await request.json() if request.method != "GET" else {}
        return self._refused(request.method, body) or self._kept(body)

    def _refused(self, verb: str, body: Body) -> web.Response | None:
        if self.down:
            return web.json_response({}, status=500)
        if verb != "POST" and self.spec is None:
            return web.json_response({}, status=404)
        stale = verb == "PUT" and body["metadata"]["resourceVersion"] != str(self.version)
        if stale or (verb == "POST" and self.spec is not None):
            return web.json_response({}, status=409)
        return None

    def _kept(self, body: Body) -> web.Response:
        if body:
            self.spec = dict(body["spec"])
            self.version += 1
        metadata = {"name": "towline", "resourceVersion": str(self.version)}
        return web.json_response({"metadata": metadata, "spec": self.spec})


@dataclass(slots=True)
class Race:
    """One elector, the Lease it competes for, and its work; `waited` is how long it took to begin."""

    store: Store
    time: Time
    elector: Elector
    waited: float = math.nan
    working: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: bool = False

    async def work(self) -> None:
        self.waited = self.time.now - Time().now
        self.working.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped = True

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[asyncio.Task[None]]:
        """Compete; the block begins when the work does."""
        task = asyncio.create_task(self.elector.lead(self.work))
        try:
            working = asyncio.create_task(self.working.wait())
            await asyncio.wait({working, task}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            assert working.done(), task
            async with asyncio.timeout(10):
                yield task
        finally:
            task.cancel()
            await asyncio.wait({task})


@pytest.fixture
async def race() -> AsyncIterator[Race]:
    store, time = Store(), Time()
    async with served(Server(store.answer)) as client:
        now: Callable[[], datetime] = lambda: NOON + timedelta(seconds=time.now)  # noqa: E731
        elector = Elector(client, "operators", ME, clock=lambda: time.now, now=now, pause=time.pause)
        yield Race(store=store, time=time, elector=elector)


async def test_who_is_alone_always_leads() -> None:
    race = Race(store=Store(), time=Time(), elector=None)  # type: ignore[arg-type]  # only its work is used
    task = asyncio.create_task(Alone().lead(race.work))
    await race.working.wait()
    assert Alone().seconds_left() == math.inf
    task.cancel()
    await asyncio.wait({task})
    assert race.stopped


async def test_nobody_may_write_before_the_lease_is_theirs(race: Race) -> None:
    assert race.elector.seconds_left() <= 0
    async with race.leading():
        assert 0 < race.elector.seconds_left() <= lease_terms.DURATION - lease_terms.MARGIN
        assert race.store.spec
        assert race.store.spec["holderIdentity"] == ME


async def test_a_lease_that_was_given_back_is_taken_without_waiting(race: Race) -> None:
    race.store.set(**{**HELD_BY_OTHER, "holderIdentity": ""})
    async with race.leading():
        assert race.waited == 0


async def test_the_lease_of_a_dead_leader_is_taken_when_it_has_not_changed_for_its_duration(
    race: Race,
) -> None:
    race.store.set(**HELD_BY_OTHER)
    async with race.leading():
        assert race.waited == pytest.approx(lease_terms.DURATION, abs=0.1)


async def test_a_leader_whose_clock_is_wrong_keeps_its_lease_as_long_as_it_renews_it(race: Race) -> None:
    def renew() -> None:
        if race.time.now < 1060:
            race.store.set(renewTime=f"1970-01-01T00:00:{race.time.now - 1000:06.3f}Z")

    race.time.passed = renew
    race.store.set(**HELD_BY_OTHER)
    async with race.leading():
        assert race.waited >= 59 + lease_terms.DURATION


async def test_who_waits_says_so(race: Race) -> None:
    race.store.set(**HELD_BY_OTHER)
    waiting: list[bool] = []
    race.time.passed = lambda: waiting.append(race.elector.stands_by)
    async with race.leading():
        assert all(waiting)
    assert not Alone().stands_by


async def test_a_lease_that_vanished_still_belongs_to_who_held_it(race: Race) -> None:
    race.store.set(**HELD_BY_OTHER)

    def vanish() -> None:
        race.store.spec = None

    race.time.passed = vanish
    async with race.leading():
        assert race.waited >= lease_terms.DURATION


async def test_a_leader_that_cannot_renew_stops_before_anybody_else_may_begin(race: Race) -> None:
    async with race.leading() as leading:
        race.store.down = True
        began = race.time.now
        with pytest.raises(LeaseLostError):
            await leading
        assert race.stopped
        assert race.time.now - began <= lease_terms.DURATION - lease_terms.MARGIN
        assert race.elector.seconds_left() <= 0


async def test_a_leader_that_finds_another_one_stops_at_once(race: Race) -> None:
    async with race.leading() as leading:
        race.store.set(**HELD_BY_OTHER)
        with pytest.raises(LeaseLostError):
            await leading
        assert race.stopped
    assert race.store.spec
    assert race.store.spec["holderIdentity"] == OTHER


async def test_a_leader_that_slept_does_not_go_on_although_nobody_leads_any_more(race: Race) -> None:
    def sleep_while_another_one_leads_and_stops() -> None:
        race.store.asked = lambda: None
        race.time.now += 60
        race.store.set(holderIdentity="", leaseTransitions=7)

    async with race.leading() as leading:
        race.store.asked = sleep_while_another_one_leads_and_stops
        with pytest.raises(LeaseLostError):
            await leading
        assert race.stopped


async def test_a_bad_moment_of_the_api_server_ends_nothing(race: Race) -> None:
    over = asyncio.Event()
    async with race.leading() as leading:
        begun = len(race.store.requests)

        def fail_for_six_requests_of_twelve() -> None:
            asked = len(race.store.requests) - begun - 1
            race.store.down = asked % 12 < 6
            if asked == 24:
                over.set()

        race.store.asked = fail_for_six_requests_of_twelve
        await over.wait()
        assert not leading.done()


async def test_a_leader_that_is_told_to_stop_gives_the_lease_back_after_its_work(race: Race) -> None:
    async with race.leading():
        pass
    assert race.stopped
    assert race.store.spec
    assert (race.store.spec["holderIdentity"], race.store.spec["leaseTransitions"]) == ("", 1)
    assert race.elector.seconds_left() <= 0


async def test_the_end_of_the_work_ends_the_leadership_with_its_error(race: Race) -> None:
    async def fail() -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await race.elector.lead(fail)
    assert race.store.spec
    assert race.store.spec["holderIdentity"] == ""
