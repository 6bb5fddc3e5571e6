"""The repair lane: what was touched is looked at, however long the cluster keeps us from it."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from towline.api import gitrepository, schema
from towline.drift.last_written import LastWritten
from towline.errors import ClusterError
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.model import Manifest, ObjectRef, Origin, Person, Revision
from towline.reconcile import repair
from towline.reconcile.desired.head import Head
from towline.reconcile.drifted.drift_states import DriftStates
from towline.reconcile.repair import Repairs
from towline.reconcile.state import LastPass, Start
from towline.records.ledger import Ledger

from tests.kube.loopback import Server, served, status
from tests.owner_stamps import STAMPS

REF = ObjectRef("", "ConfigMap", "shop", "settings")
OTHER = REF._replace(name="other")
ADA = Person(name="Ada", email="ada@example.com")
REVISION = Revision(sha="1" * 40, author=ADA, committer=ADA, authored_at="", committed_at="", subject="Old")
CRD = yaml.safe_load((Path(__file__).parents[2] / "crds" / "gitrepositories.yaml").read_text())
RESOURCE = gitrepository.identify(
    {
        "metadata": {
            "namespace": "shop",
            "name": "app",
            "uid": "u-1",
            "generation": 1,
            "resourceVersion": "7",
        },
        "spec": {"url": "https://git.example/app.git"},
    }
)
SPEC = gitrepository.specify(RESOURCE, schema.validator(CRD))


def written(ref: ObjectRef) -> LastWritten:
    manifest = Manifest(ref=ref, api_version="v1", content=b"{}", digest="d", origin=Origin("a.yaml", 1))
    return LastWritten(manifest, REVISION)


class Lane:
    """The repairs of one repository, in a cluster whose API server answers as it is told.

    There is no door behind which anything could be written: what is to be restored fails, as it does while the API
    server is away.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self.start = Start(repository=RESOURCE, last=LastPass())
        self.restored: list[ObjectRef] = []
        nothing = cast("Any", None)
        self._drifts = DriftStates(nothing, clock=lambda: 0.0, now=lambda: datetime.now(UTC))
        head = Head(remote=nothing, name="main", sha=REVISION.sha, seen_at=-math.inf)
        self._drifts.recall(RESOURCE, SPEC, head, {each: written(each) for each in (REF, OTHER)})
        itself = cast("Any", self)
        self._repairs = Repairs(
            source=nothing,
            index=index,
            drifts=self._drifts,
            reader=nothing,
            executor=itself,
            recorder=itself,
            written_objects=Ledger(nothing, "", Path()).written_objects,
            announcer=nothing,
        )

    async def request(self, _repository: Any, _fetched: Any, plan: Any, _trigger: Any) -> Any:
        self.restored += [change.ref for change in plan.changes]
        raise ClusterError("the API server is away")

    async def mend(self, *, everything: bool = False) -> None:
        mended = await self._repairs.mend(self.start, SPEC, everything=everything)
        if mended.error:
            raise mended.error


@asynccontextmanager
async def lane(server: Server) -> AsyncIterator[Lane]:
    async with served(server) as client:
        index = Index(client, Discovery(client), lambda *_: None, stamps=STAMPS)
        try:
            yield Lane(index)
        finally:
            await index.aclose()


async def test_what_was_touched_is_restored_once_its_kind_is_watched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(repair, "_LIST_SECONDS", 0.01)
    async with lane(Server(status(503, "ServiceUnavailable"))) as repairs:
        repairs.index.disturbances.note(RESOURCE.label, (REF,))
        await repairs.mend()
        assert repairs.restored == []
        repairs.index.follow([REF.group_kind])
        repairs.index._watches[REF.group_kind].finished()
        with pytest.raises(ClusterError):
            await repairs.mend()
    assert repairs.restored == [REF]


async def test_all_that_a_restart_asks_to_look_at_is_looked_at_again_when_the_api_server_was_away() -> None:
    async with lane(Server(status(503, "ServiceUnavailable"))) as repairs:
        repairs.index.follow([REF.group_kind])
        repairs.index._watches[REF.group_kind].finished()
        with pytest.raises(ClusterError):
            await repairs.mend(everything=True)
        repairs.restored.clear()
        with pytest.raises(ClusterError):
            await repairs.mend()
    assert sorted(repairs.restored) == sorted([REF, OTHER])
