"""The repair lane beside a pass: it opens with repairs, goes on beside a block, and never outlives it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from towline.api.gitrepository import Mode
from towline.apply.writer import Writer
from towline.errors import ClusterError, Reason, SourceError
from towline.fields.mask import Mask
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.metrics import Metrics
from towline.notify.announce import Announcer
from towline.notify.kube_events import KubeEvents
from towline.reconcile.desired.head import Head
from towline.reconcile.drifted.drift_reader import DriftReader
from towline.reconcile.drifted.drift_states import DriftStates
from towline.reconcile.lane import Lane, Lanes
from towline.reconcile.locate import Blame
from towline.reconcile.repair import Repairs
from towline.reconcile.state import LastPass, Start
from towline.reconcile.sync.executor import Executor
from towline.reconcile.sync.recorder import Recorder
from towline.records.ledger import Ledger
from towline.render.documents import YamlLimits
from towline.status import drift_fields

from tests.kube.loopback import Server, served, status
from tests.owner_stamps import STAMPS
from tests.reconcile.test_repair import REF, RESOURCE, REVISION, SPEC, written

FORBIDDEN = status(403, "Forbidden")
NOTHING = cast("Any", None)


def now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def lane_on(
    folder: Path, server: Server, *, is_recalled: bool = True
) -> AsyncIterator[tuple[Lane, Index]]:
    """A lane in a cluster where one object of ours is gone, and no record may be read: a repair of it fails."""
    async with served(server) as client:
        discovery = Discovery(client)
        index = Index(client, discovery, lambda *_: None, stamps=STAMPS)
        index.follow([REF.group_kind])
        index._watches[REF.group_kind].finished()
        mask, writer = Mask(b"k" * 32), Writer(client, discovery, index)
        reader = DriftReader(NOTHING, writer, mask, stamps=STAMPS, now=now)
        drifts = DriftStates(reader, clock=lambda: 0.0, now=now)
        head = Head(remote=NOTHING, name="main", sha=REVISION.sha, seen_at=-math.inf)
        drifts.recall(RESOURCE, SPEC, head, {REF: written(REF)})
        known = drifts.known(RESOURCE)
        assert known
        known.is_recalled = is_recalled
        ledger = Ledger(client, "", folder)
        recorder = Recorder(
            ledger=ledger,
            index=index,
            heads=NOTHING,
            blame=Blame(NOTHING, YamlLimits(), NOTHING),
            mask=mask,
            now=now,
            operator="tests",
        )
        executor = Executor(
            writer=writer,
            recorder=recorder,
            index=index,
            written_objects=ledger.written_objects,
            mask=mask,
            stamps=STAMPS,
            released=lambda _key, _refs: None,
        )
        repairs = Repairs(
            source=NOTHING,
            index=index,
            drifts=drifts,
            reader=reader,
            executor=executor,
            recorder=recorder,
            written_objects=ledger.written_objects,
            announcer=Announcer(KubeEvents(client, "tests", now), Metrics()),
        )
        lanes = Lanes(repairs, drifts, index)
        try:
            yield lanes.lane(Start(repository=RESOURCE, last=LastPass())), index
        finally:
            await index.aclose()


async def test_a_repair_that_fails_ends_the_block_with_its_own_error(tmp_path: Path) -> None:
    async with lane_on(tmp_path, Server(FORBIDDEN)) as (lane, index):

        async def block() -> None:
            async with asyncio.timeout(20), lane.open(SPEC):
                index.disturbances.note(RESOURCE.label, (REF,))
                await asyncio.Event().wait()

        with pytest.raises(ClusterError):
            await block()


async def test_what_was_touched_before_is_repaired_before_the_block(tmp_path: Path) -> None:
    async with lane_on(tmp_path, Server(FORBIDDEN)) as (lane, index):
        index.disturbances.note(RESOURCE.label, (REF,))
        begun = False
        with pytest.raises(ClusterError):
            async with lane.open(SPEC):
                begun = True
        assert not begun


async def test_the_end_of_a_block_waits_for_its_last_repair(tmp_path: Path) -> None:
    asked, answers = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        if "syncrecords" in request.path:
            asked.set()
            await answers.wait()
        return await FORBIDDEN(request)

    async with lane_on(tmp_path, Server(slow)) as (lane, index):
        is_over = asyncio.Event()

        async def block() -> None:
            async with asyncio.timeout(20), lane.open(SPEC):
                index.disturbances.note(RESOURCE.label, (REF,))
                await asked.wait()
                asyncio.get_running_loop().call_later(0.05, answers.set)
                is_over.set()

        with pytest.raises(ClusterError):
            await block()
        assert is_over.is_set()
        assert answers.is_set()


async def test_a_block_in_which_nothing_is_touched_costs_no_repair(tmp_path: Path) -> None:
    async with lane_on(tmp_path, Server(FORBIDDEN)) as (lane, _):
        async with lane.open(SPEC):
            await asyncio.sleep(0)
        assert lane.repaired.drift is None


async def test_a_block_that_fails_after_a_restart_has_everything_looked_at(tmp_path: Path) -> None:
    async with lane_on(tmp_path, Server(FORBIDDEN)) as (lane, _):
        with pytest.raises(ClusterError):
            async with lane.open(SPEC):
                raise SourceError(Reason.GIT_UNAVAILABLE, "away")


async def test_a_block_that_fails_later_fails_with_its_own_error(tmp_path: Path) -> None:
    async with lane_on(tmp_path, Server(FORBIDDEN), is_recalled=False) as (lane, _):
        with pytest.raises(SourceError, match="away"):
            async with lane.open(SPEC):
                raise SourceError(Reason.GIT_UNAVAILABLE, "away")


async def test_under_observe_nothing_is_repaired_and_drift_is_not_assessed(tmp_path: Path) -> None:
    async with lane_on(tmp_path, Server(FORBIDDEN)) as (lane, index):
        index.disturbances.note(RESOURCE.label, (REF,))
        async with lane.open(replace(SPEC, mode=Mode.OBSERVE)):
            pass
        assert lane.repaired.drift == drift_fields.UNASSESSED
