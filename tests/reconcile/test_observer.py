"""`spec.mode: Observe`: what a plan would do is told once, and no managed object is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from aiohttp import web
from towline.api.syncrecord import Ending
from towline.errors import Failure, Refusal
from towline.metrics import Metrics
from towline.model import Action, Plan
from towline.notify.announce import Announcer
from towline.notify.kube_events import KubeEvents
from towline.reconcile.observe import Observer
from towline.reconcile.sync.recorder import Recorder

from tests.apply.apiserver import ApiServer, applied, change, held
from tests.kube.loopback import says, status
from tests.reconcile.execution import APP, COMMIT, FETCHED, NOW, execution

CREATE = applied(Action.CREATE, "new")
BAD = Failure(reason=Refusal.INVALID, message="data: must be a map", object="ConfigMap/shop/bad")


class Observation(NamedTuple):
    """An observer, the objects of its cluster, and what was written of records and Events."""

    observer: Observer
    recorder: Recorder
    objects: ApiServer
    posted: list[dict[str, Any]]

    @property
    def records(self) -> list[str]:
        """The names of the records that were opened."""
        return [each["metadata"]["name"] for each in self.posted if each["kind"] == "SyncRecord"]

    @property
    def events(self) -> list[str]:
        """The messages of the Events."""
        return [each["message"] for each in self.posted if each["kind"] == "Event"]

    async def observe(self, plan: Plan) -> Any:
        return await self.observer.observe(await self.recorder.request(APP, FETCHED, plan, COMMIT))


class Archive:
    """Keeps the records and Events that are posted, as an API server would."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        *_, name = request.path.removesuffix("/status").rpartition("/")
        held = {each["metadata"]["name"]: each for each in self.posted}
        if request.method == "GET":
            return await says(200, held.get(name, {"metadata": {}, "items": list(held.values())}))(request)
        body = orjson.loads(await request.read())
        if request.method == "PATCH":
            held[name] |= body
        else:
            created = {"uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
            self.posted.append({**body, "metadata": {**body["metadata"], **created}})
        return await says(201)(request)


@asynccontextmanager
async def observation(folder: Path, objects: ApiServer) -> AsyncIterator[Observation]:
    archive = Archive()

    async def answer(request: web.Request) -> web.StreamResponse:
        kept = "towline.dev" in request.path or request.path.endswith("/events")
        return await (archive.answer if kept else objects.answer)(request)

    async with execution(folder, answer) as of:
        events = KubeEvents(of.client, "tests", lambda: NOW)
        announcer = Announcer(events, Metrics())
        observer = Observer(
            writer=of.writer,
            executor=of.executor,
            recorder=of.recorder,
            ledger=of.ledger,
            announcer=announcer,
        )
        yield Observation(observer, of.recorder, objects, archive.posted)


async def test_what_would_be_written_is_told_and_asked_by_dry_runs_alone(tmp_path: Path) -> None:
    async with observation(tmp_path, ApiServer(held("left"))) as of:
        seen = await of.observe(Plan(changes=(CREATE, change(Action.PRUNE, held("left")))))
    assert {(each.object, each.action) for each in seen.forecast.entries} == {
        ("ConfigMap/shop/new", Action.CREATE),
        ("ConfigMap/shop/left", Action.PRUNE),
    }
    assert seen.forecast.failures == ()
    assert of.records == [seen.record]
    assert of.objects.operations
    assert all("(dry run)" in each for each in of.objects.operations)


async def test_the_same_plan_is_told_by_one_record_however_often_it_is_observed(tmp_path: Path) -> None:
    async with observation(tmp_path, ApiServer()) as of:
        first = await of.observe(Plan(changes=(CREATE,)))
        again = await of.observe(Plan(changes=(CREATE,)))
        other = await of.observe(Plan(changes=(CREATE, applied(Action.CREATE, "more"))))
    assert first.record == again.record != other.record
    assert of.records == [first.record, other.record]


async def test_a_plan_with_nothing_in_it_leaves_no_record(tmp_path: Path) -> None:
    async with observation(tmp_path, ApiServer()) as of:
        seen = await of.observe(Plan())
    assert (seen.record, seen.forecast.is_empty, of.posted) == ("", True, [])


async def test_what_the_dry_run_refuses_is_a_failure_and_no_change(tmp_path: Path) -> None:
    refusal = status(422, "Invalid", details={"causes": [{"field": "data", "message": "must be a map"}]})
    async with observation(tmp_path, ApiServer(answers=[refusal])) as of:
        seen = await of.observe(Plan(changes=(CREATE,), failures=(BAD,)))
    assert seen.forecast.entries == ()
    assert [each.object for each in seen.forecast.failures] == ["ConfigMap/shop/bad", "ConfigMap/shop/new"]
    assert of.records == [seen.record]


async def test_a_plan_that_differs_from_what_was_shown_is_announced_before_it_is_written(
    tmp_path: Path,
) -> None:
    async with observation(tmp_path, ApiServer()) as of:
        shown = await of.observe(Plan(changes=(CREATE,)))
        (entry,) = shown.forecast.entries
        await of.observer.compare(APP, (entry,), ())
        assert of.events == []
        await of.observer.compare(APP, (entry, replace(entry, object="ConfigMap/shop/another")), ())
    assert len(of.events) == 1
    assert shown.record in of.events[0]
    assert "ConfigMap shop/another" in of.events[0]


async def test_a_closed_plan_counts_as_planned(tmp_path: Path) -> None:
    async with observation(tmp_path, ApiServer()) as of:
        await of.observe(Plan(changes=(CREATE,)))
        last = await of.recorder.newest((await of.recorder.request(APP, FETCHED, Plan(), COMMIT)).identity)
    assert last
    assert last.ending is Ending.PLANNED
