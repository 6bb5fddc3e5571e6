"""A plan that is refused: nothing is written but one record, and that once."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import orjson
from aiohttp import web
from towline.api.syncrecord import Ending, Flag, Trigger
from towline.apply.writer import Writer
from towline.errors import Failure, Refusal
from towline.fields.mask import Mask
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.model import Person, Plan, Revision
from towline.reconcile import sync
from towline.reconcile.desired import CommitReader, Head, Rules
from towline.reconcile.executor import Executor
from towline.reconcile.locate import Blame
from towline.reconcile.state import Fetched, Occasion
from towline.records.ledger import Ledger
from towline.render.cache import Cache
from towline.render.documents import YamlLimits
from towline.source.history import History
from towline.source.selection import SourceLimits

from tests.api.test_gitrepository import repository, specify
from tests.kube.loopback import Server, served

NOTHING = cast("Any", None)
ADA = Person(name="Ada", email="ada@example.com")
SHA = "a" * 40
REVISION = Revision(sha=SHA, author=ADA, committer=ADA, authored_at="", committed_at="", subject="Begin")
HEAD = Head(remote=NOTHING, name="main", sha=SHA, seen_at=-math.inf)
FETCHED = Fetched(spec=specify(path="deploy", force=True), head=HEAD, revision=REVISION)
APP = repository()
COMMIT = Occasion(trigger=Trigger.COMMIT)
BAD = Failure(
    reason=Refusal.INVALID, message="spec.replicas: must not be negative", object="Deployment/shop/a"
)


@asynccontextmanager
async def executor_on(folder: Path) -> AsyncIterator[tuple[Executor, Server]]:
    """Execute in a cluster that has no records, and takes every one."""

    async def answer(request: web.Request) -> web.StreamResponse:
        code = 201 if request.method == "POST" else 200
        return web.json_response({"metadata": {}, "items": []}, status=code)

    server = Server(answer)
    async with served(server) as client:
        discovery = Discovery(client)
        index = Index(client, discovery, lambda *_: None)
        source = CommitReader(
            client=client,
            discovery=discovery,
            index=index,
            mirrors=NOTHING,
            cache=Cache(),
            rules=Rules(allow_http=False, limits=SourceLimits(), yaml=YamlLimits()),
        )
        yield (
            Executor(
                writer=Writer(client, discovery, index),
                ledger=Ledger(client, "", folder),
                index=index,
                source=source,
                mask=Mask(b"k" * 32),
                now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
                operator="tests",
                blame=Blame(NOTHING, YamlLimits()),
            ),
            server,
        )
        await index.aclose()


async def test_the_first_request_of_a_repository_begins_at_nothing(tmp_path: Path) -> None:
    async with executor_on(tmp_path) as (executor, _):
        request = await executor.request(APP, FETCHED, Plan(), COMMIT)
    assert (request.source, request.commits, request.commits_total) == ("", (), 0)
    assert (request.identity.key, request.identity.uid) == (APP.key, APP.uid)


async def test_a_plan_with_a_failure_leaves_one_failed_record_and_no_other_the_next_time(
    tmp_path: Path,
) -> None:
    async with executor_on(tmp_path) as (executor, server):
        request = await executor.request(APP, FETCHED, Plan(failures=(BAD,)), COMMIT)
        first = await executor.run(request)
        written = len([verb for verb in server.verbs if verb != "GET"])
        again = await executor.run(request)
    assert (first.ending, first.failures) == (Ending.FAILED, (BAD,))
    assert first.record
    created, closed = (
        orjson.loads(body) for body, verb in zip(server.bodies, server.verbs, strict=True) if verb != "GET"
    )
    assert created["metadata"]["name"] == first.record
    assert BAD.message in str(closed)
    assert (again.ending, again.record) == (Ending.FAILED, "")
    assert len([verb for verb in server.verbs if verb != "GET"]) == written


def test_a_request_tells_the_commits_that_lead_to_its_revision_and_whether_history_was_rewritten() -> None:
    history = History(revisions=(REVISION,), total=3, rewritten=True)
    made: dict[str, Any] = {"source": "b" * 40, "history": history, "changed_by": {}}
    request = sync.requested(APP, FETCHED, Plan(), replace(COMMIT, same_ref=True), **made)
    assert (request.source, request.commits, request.commits_total) == ("b" * 40, (REVISION,), 3)
    assert request.flags == (Flag.HISTORY_REWRITTEN,)
    assert sync.requested(APP, FETCHED, Plan(), Occasion(trigger=Trigger.SPEC), **made).flags == ()
    assert (request.subject.path, request.force) == ("deploy", True)
