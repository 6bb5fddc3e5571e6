"""An executor in a cluster on loopback, and what a plan for it is made from."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from aiohttp import web
from towline.api.syncrecord import Trigger
from towline.apply.writer import Writer
from towline.fields.mask import Mask
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.model import Person, Revision
from towline.reconcile.desired.head import Head
from towline.reconcile.desired.head_reader import HeadReader
from towline.reconcile.desired.reading_rules import ReadingRules
from towline.reconcile.locate import Blame
from towline.reconcile.rendered_fields import RenderedFields
from towline.reconcile.state import Fetched, Occasion
from towline.reconcile.sync.executor import Executor
from towline.reconcile.sync.recorder import Recorder
from towline.records.ledger import Ledger
from towline.render.documents import YamlLimits
from towline.source.access import Remote
from towline.source.mirror import Mirrors
from towline.source.selection import SourceLimits

from tests.api.test_gitrepository import repository, specify
from tests.kube.loopback import Handler, Server, served
from tests.owner_stamps import STAMPS

NOW, MOMENT = datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"
ADA = Person(name="Ada", email="ada@example.com")
SHA = "a" * 40
REVISION = Revision(
    sha=SHA, author=ADA, committer=ADA, authored_at=MOMENT, committed_at=MOMENT, subject="Begin"
)
REMOTE = Remote(url="https://git.example.com/shop.git")
HEAD = Head(remote=REMOTE, name="main", sha=SHA, seen_at=-math.inf)
FETCHED = Fetched(spec=specify(path="deploy", force=True), head=HEAD, revision=REVISION)
APP = repository()
NO_UNITS = cast("RenderedFields", None)
"""Stands for what finds fields of objects that a tool has made, where there are none."""
COMMIT = Occasion(trigger=Trigger.COMMIT)


async def takes_all(request: web.Request) -> web.StreamResponse:
    """Answer as a cluster that has nothing, and takes everything."""
    code = 201 if request.method == "POST" else 200
    return web.json_response({"metadata": {}, "items": []}, status=code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An executor, with what it is made from."""

    executor: Executor
    recorder: Recorder
    writer: Writer
    ledger: Ledger
    client: Client
    server: Server


@asynccontextmanager
async def execution(folder: Path, answer: Handler = takes_all) -> AsyncIterator[Execution]:
    """Execute in a cluster that answers so, with nothing fetched; records that it refuses are kept in `folder`."""
    server, mirrors = Server(answer), Mirrors(folder / "git")
    async with served(server) as client:
        discovery = Discovery(client)
        index = Index(client, discovery, lambda *_: None, stamps=STAMPS)
        writer, ledger = Writer(client, discovery, index), Ledger(client, "", folder)
        rules = ReadingRules(allow_http=False, limits=SourceLimits(), yaml=YamlLimits())
        mask = Mask(b"k" * 32)
        recorder = Recorder(
            ledger=ledger,
            index=index,
            heads=HeadReader(client, mirrors, rules),
            blame=Blame(mirrors, YamlLimits(), NO_UNITS),
            mask=mask,
            now=lambda: NOW,
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
        yield Execution(
            executor=executor,
            recorder=recorder,
            writer=writer,
            ledger=ledger,
            client=client,
            server=server,
        )
        await index.aclose()
        await mirrors.aclose()
