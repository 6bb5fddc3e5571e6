from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.api import labels
from towline.errors import ApiError, ClusterError
from towline.kube.calls import Answer
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.live import observed
from towline.live.index import Index
from towline.live.observed import Interned
from towline.live.relist import KindFeed
from towline.live.watch import Watch
from towline.model import GroupKind, Key, ObjectRef

from tests.owner_stamps import STAMPS

CONFIG_MAP = GroupKind("", "ConfigMap")
REF = ObjectRef("", "ConfigMap", "shop", "settings")
LABEL = "shop.app"
FIELDS: dict[str, Any] = {"f:data": {"f:a": {}}}


def entry(manager: str, **more: Any) -> dict[str, Any]:
    time = "2026-01-01T00:00:00Z"
    return {"manager": manager, "operation": "Apply", "time": time, "fieldsV1": FIELDS, **more}


def config_map(**metadata: Any) -> dict[str, Any]:
    base = {"name": "settings", "namespace": "shop", "uid": "u1", "resourceVersion": "1"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**base, **metadata}}


def test_an_object_tells_who_owns_it_and_what_we_hold() -> None:
    stamps = {
        labels.OWNER: "r:ConfigMap/shop/settings",
        labels.DIGEST: "d",
        labels.COMMIT: "c",
        labels.SOURCE: "s",
    }
    body = config_map(
        labels={labels.REPOSITORY_LABEL: LABEL},
        annotations={**stamps, labels.PRUNE: "disabled"},
        managedFields=[entry("kubectl"), entry("towline:shop/app")],
        generation=4,
        deletionTimestamp="2026-01-01T00:00:09Z",
    )
    found = observed.live_from(body, STAMPS)
    assert (found.ref, found.uid, found.resource_version, found.generation) == (REF, "u1", "1", 4)
    assert (found.label, found.owner, found.digest) == (LABEL, "r", "d")
    assert (found.commit, found.source) == ("c", "s")
    assert (found.manager, found.entry_time) == ("towline:shop/app", "2026-01-01T00:00:00Z")
    assert orjson.loads(found.fields) == FIELDS
    assert (found.terminating, found.prune_disabled) == (True, True)


@pytest.mark.parametrize(
    "value",
    ["r:ConfigMap/shop/original", "r:Secret/shop/settings", ":ConfigMap/shop/settings", "r", "r:", ":", ""],
)
def test_an_owner_annotation_that_does_not_name_this_very_object_names_no_owner(value: str) -> None:
    body = config_map(labels={labels.REPOSITORY_LABEL: LABEL}, annotations={labels.OWNER: value})
    assert observed.live_from(body, STAMPS).owner == ""


def test_an_object_tells_whether_it_is_older_than_the_key() -> None:
    since = replace(STAMPS, since="2026-01-01T00:00:05Z")
    found = [
        observed.live_from(config_map(creationTimestamp=f"2026-01-01T00:00:0{second}Z"), since).early
        for second in (4, 5, 6)
    ]
    assert found == [True, False, False]


def test_an_object_that_nobody_marked_is_read_as_such() -> None:
    found = observed.live_from(config_map(labels=None, annotations=None, managedFields=[{}]), STAMPS)
    assert (found.label, found.owner, found.manager, found.fields, found.entry_time) == ("", "", "", b"", "")
    assert (found.generation, found.terminating, found.prune_disabled) == (-1, False, False)


def test_metadata_alone_is_read_as_the_object_that_was_asked_for() -> None:
    body = {**config_map(), "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}
    assert observed.live_from(body, STAMPS, REF).ref == REF


LONG = Key("n" * 60, "r" * 40)
LONGER = Key("n" * 60, "r" * 200)


@pytest.mark.parametrize("key", [Key("shop", "app"), Key("shop", "a.b"), LONG, LONGER])
def test_of_several_entries_the_one_of_the_label_counts(key: Key) -> None:
    manager = labels.field_manager(key)
    entries = [entry("towline:other/app"), entry(manager), entry("towline:shop/app2")]
    body = config_map(labels={labels.REPOSITORY_LABEL: labels.repository_label(key)}, managedFields=entries)
    assert observed.live_from(body, STAMPS).manager == manager


@pytest.mark.parametrize(
    "foreign", [{"operation": "Update"}, {"subresource": "status"}, {"manager": "kubectl"}], ids=str
)
def test_an_entry_that_is_no_apply_of_ours_gives_no_fields(foreign: dict[str, str]) -> None:
    body = config_map(
        labels={labels.REPOSITORY_LABEL: LABEL}, managedFields=[{**entry("towline:shop/app"), **foreign}]
    )
    assert observed.live_from(body, STAMPS).fields == b""


@pytest.mark.parametrize("depth", [300, 950])
def test_an_object_with_entries_that_are_nested_without_end_can_be_read(depth: int) -> None:
    nested = orjson.loads(depth * b'{"f:a":' + b"{}" + depth * b"}")
    item: dict[str, Any] = {"f:list": {'k:{"name":"x"}': {"f:own": {}}}}
    inside = {"f:list": {'k:{"name":"x"}': {"f:theirs": nested}}}
    marked = {labels.REPOSITORY_LABEL: LABEL}
    ours, theirs = entry("towline:shop/app", fieldsV1=item), entry("kubectl", fieldsV1=inside)
    assert (
        orjson.loads(
            observed.live_from(config_map(labels=marked, managedFields=[ours, theirs]), STAMPS).fields
        )
        == item
    )
    forged = entry("towline:shop/app", fieldsV1=nested)
    assert observed.live_from(config_map(labels=marked, managedFields=[forged, forged]), STAMPS).fields == b""


def test_objects_of_one_shape_share_it() -> None:
    intern = Interned()
    one, other = (
        observed.live_from(
            config_map(name=n, managedFields=[entry("towline:shop/app")]), STAMPS, None, intern
        )
        for n in "ab"
    )
    assert one.fields is other.fields
    assert one.ref.namespace is other.ref.namespace


@dataclass
class World:
    """One ConfigMap on a server, a watch over it that lags behind, and an index that also writes it.

    `truth` is the state on the server, `told` the events that the watch has not delivered yet.
    """

    wakes: list[str] = field(default_factory=list)
    truth: dict[str, Any] | None = None
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    version: int = 0
    in_flight: ExitStack | None = None
    answer: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        client = Client(_never)
        discovery = Discovery(client)
        self.index = Index(client, discovery, lambda label, _: self.wakes.append(label), stamps=STAMPS)
        self.roll = KindFeed(CONFIG_MAP, self.index._inventory, self.index._echoes, self.index._read)
        self.index._watches[CONFIG_MAP] = Watch(client, discovery, CONFIG_MAP, self.roll, jitter=float)
        self.relist()

    def own_apply(self) -> None:
        self._begin()
        if self.answer is None:
            state = self._change(f"own-{self.version}", LABEL)
            self.answer = lambda: self.index.record(REF, state)

    def own_delete(self) -> None:
        self._begin()
        if self.answer is None:
            self._delete()
            self.answer = lambda: self.index.record(REF, None)

    def own_answer(self) -> None:
        if self.answer:
            self.answer()
        self.fail()

    def fail(self) -> None:
        if self.in_flight:
            self.in_flight.close()
        self.in_flight = self.answer = None

    def foreign_edit(self) -> None:
        if self.truth:
            self._change(f"foreign-{self.version}", self._label())

    def foreign_unlabel(self) -> None:
        if self.truth:
            self._change("foreign", "")

    def foreign_delete(self) -> None:
        if self.truth:
            self._delete()

    def foreign_create(self) -> None:
        if not self.truth:
            self._change(f"copy-{self.version}", LABEL)

    def hear(self) -> None:
        if self.told:
            kind, body = self.told.pop(0)
            self.roll.absent(body) if kind == "DELETED" else self.roll.present(body)

    def relist(self) -> None:
        self.told.clear()
        self.roll.listing()
        if self.truth and self._label():
            self.roll.present(self.truth)
        self.roll.listed()

    def settle(self) -> None:
        self.own_answer()
        while self.told:
            self.hear()
        self.index._echoes.give_up(math.inf)

    def _begin(self) -> None:
        if not self.in_flight:
            self.in_flight = ExitStack()
            self.in_flight.enter_context(self.index.writing(REF))

    def _label(self) -> str:
        assert self.truth
        found: str = self.truth["metadata"]["labels"].get(labels.REPOSITORY_LABEL, "")
        return found

    def _change(self, digest: str, label: str) -> dict[str, Any]:
        """Write the object as the server does, and let the label-selected watch tell it."""
        self.version += 1
        before, was = self.truth, bool(self.truth and self._label())
        state = config_map(
            uid=before["metadata"]["uid"] if before else f"u{self.version}",
            resourceVersion=str(self.version),
            labels={labels.REPOSITORY_LABEL: label} if label else {},
            annotations={labels.DIGEST: digest},
        )
        self.truth = state
        if label:
            self.told.append(("MODIFIED" if was else "ADDED", state))
        elif was and before:
            self.told.append(("DELETED", _at(before, self.version)))
        return state

    def _delete(self) -> None:
        self.version += 1
        if self.truth and self._label():
            self.told.append(("DELETED", _at(self.truth, self.version)))
        self.truth = None


def _never() -> Any:
    raise AssertionError("nothing is asked over the network")


def _at(body: dict[str, Any], version: int) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version)}}


STEPS = [
    "own_apply", "own_delete", "own_answer", "fail", "hear", "hear", "relist",
    "foreign_edit", "foreign_unlabel", "foreign_delete", "foreign_create",
]  # fmt: skip
OWN = ["own_apply", "own_delete", "own_answer", "hear", "relist"]


async def played(steps: list[str]) -> World:
    world = World()
    for step in steps:
        getattr(world, step)()
    world.settle()
    await world.index.aclose()
    return world


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=14))
def test_the_index_ends_with_what_the_server_has_whatever_the_order(steps: list[str]) -> None:
    world = asyncio.run(played(steps))
    known = world.index.anyone(REF)
    if world.truth and world._label():
        assert known
        assert known.resource_version == world.truth["metadata"]["resourceVersion"]
    else:
        assert known is None
    assert set(world.index.owned(LABEL)) == ({REF} if known else set())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(OWN), max_size=14))
def test_our_own_writes_wake_nobody(steps: list[str]) -> None:
    assert asyncio.run(played(steps)).wakes == []


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(STEPS), max_size=12),
    st.sampled_from(["foreign_edit", "foreign_unlabel", "foreign_delete"]),
)
def test_a_change_by_somebody_else_wakes_the_repository(steps: list[str], last: str) -> None:
    async def play() -> World:
        world = await played([*steps, "own_answer", "own_apply", "own_answer"])
        world.wakes.clear()
        getattr(world, last)()
        world.settle()
        return world

    assert LABEL in asyncio.run(play()).wakes


async def test_a_snapshot_does_not_change_under_a_planner() -> None:
    world = World()
    world.own_apply()
    world.own_answer()
    snapshot = world.index.owned(LABEL)
    before = dict(snapshot)
    world.foreign_edit()
    world.settle()
    assert snapshot == before
    assert world.index.owned(LABEL) != before
    await world.index.aclose()


async def test_the_version_of_a_label_moves_only_with_what_may_matter() -> None:
    world = World()
    world.own_apply()
    world.own_answer()
    written = world.index.versions(LABEL)
    world.hear()
    assert world.index.versions(LABEL) == written
    assert world.truth
    world.roll.present(_at(world.truth, 99))
    assert world.index.versions(LABEL) == written
    world.foreign_edit()
    world.settle()
    assert world.index.versions(LABEL) > written
    assert world.index.versions("shop.other") == 0
    await world.index.aclose()


async def test_an_object_that_changes_hands_wakes_both_repositories() -> None:
    world = World()
    world.own_apply()
    world.own_answer()
    world._change("theirs", "shop.other")
    world.settle()
    assert set(world.wakes) == {LABEL, "shop.other"}
    assert REF not in world.index.owned(LABEL)
    assert REF in world.index.owned("shop.other")
    await world.index.aclose()


async def test_a_kind_that_cannot_be_watched_is_named_at_the_deadline() -> None:
    def fails() -> Any:
        raise ClusterError("no configuration")

    client = Client(fails)
    watched = Index(client, Discovery(client), lambda *_: None, stamps=STAMPS)
    with pytest.raises(ClusterError, match="cannot watch ConfigMap: no configuration"):
        await watched.ensure([CONFIG_MAP], deadline=0.3)
    assert watched.unseen([CONFIG_MAP]) == {CONFIG_MAP}
    await watched.aclose()


class Refusing(Client):
    """An API server that refuses one of two requests when it is told to, and answers no other."""

    def __init__(self) -> None:
        super().__init__(lambda: pytest.fail("nothing is sent"))
        self.told = asyncio.Event()

    async def request(self, *call: Any, **_: Any) -> Answer:
        if "/api" in call:
            await self.told.wait()
            raise ApiError(403, "Forbidden")
        never: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        return await never


@pytest.mark.parametrize("turns", range(8))
async def test_a_watch_ends_also_in_the_moment_in_which_the_api_server_refuses_something(turns: int) -> None:
    client = Refusing()
    watched = Index(client, Discovery(client), lambda *_: None, stamps=STAMPS)
    watched.follow([CONFIG_MAP])
    await asyncio.sleep(0.01)
    client.told.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    (watch,) = watched._tasks
    async with asyncio.timeout(5):
        await watched.aclose()
    assert watch.cancelled()
