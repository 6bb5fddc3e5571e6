from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web
from towline.api import labels
from towline.errors import ClusterError
from towline.kube.discovery import Discovery
from towline.live import watch
from towline.live.index import Index
from towline.live.judge import Shift
from towline.model import CURRENT, GroupKind, Health, ObjectRef, State

from tests.kube.loopback import Handler, Server, cuts, says, served, status
from tests.owner_stamps import STAMPS

CART = GroupKind("shop.example", "Cart")
LABEL = "shop.app"
PATH = "/apis/shop.example/v1/carts"
SERVED = {
    "metadata": {"name": "shop.example"},
    "versions": [
        {
            "version": "v1",
            "freshness": "Current",
            "resources": [
                {
                    "resource": "carts",
                    "responseKind": {"kind": "Cart"},
                    "scope": "Namespaced",
                    "verbs": ["list"],
                }
            ],
        }
    ],
}
CRD = {"spec": {"group": "shop.example", "names": {"kind": "Cart"}}}


def cart(name: str, version: int) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "uid": f"u-{name}", "resourceVersion": str(version)}
    return {"metadata": {**metadata, "labels": {labels.REPOSITORY_LABEL: LABEL}}}


def marked(name: str, version: int) -> dict[str, Any]:
    """Return the metadata of a cart as we have written it, with an annotation that others may take off."""
    return {**cart(name, version)["metadata"], "annotations": {labels.DIGEST: "ours"}}


def unready(body: dict[str, Any], why: str) -> dict[str, Any]:
    return {**body, "status": {"conditions": [{"type": "Ready", "status": "False", "message": why}]}}


def event(kind: str, body: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": kind, "object": body}) + b"\n"


def bookmark(version: int, **annotations: str) -> bytes:
    return event("BOOKMARK", {"metadata": {"resourceVersion": str(version), "annotations": annotations}})


def listed(version: int) -> bytes:
    return bookmark(version, **{"k8s.io/initial-events-end": "true"})


def error(code: int) -> bytes:
    return event("ERROR", {"kind": "Status", "code": code, "reason": "Trouble", "message": "no"})


def says_events(*lines: bytes) -> Handler:
    """Send the events, and then nothing until the client goes away."""

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"".join(lines))
        await asyncio.sleep(60)
        return response

    return stream


def ends_after(*lines: bytes) -> Handler:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"".join(lines))
        return response

    return stream


class Carts:
    """What the server answers to each request about carts in turn, and what an index makes of it."""

    def __init__(self, *answers: Handler) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []
        self.accepts: list[str] = []
        self.groups = [SERVED]
        self.crds = [CRD]
        self.wakes: list[str] = []
        self.shifts: list[tuple[str, Shift]] = []
        self.losses = 0
        self.index: Index

    async def handle(self, request: web.Request) -> web.StreamResponse:
        lists = {
            "/api": {"items": []},
            "/apis": {"items": self.groups},
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": {"items": self.crds, "metadata": {}},
            "/apis/apiregistration.k8s.io/v1/apiservices": {"items": [], "metadata": {}},
        }
        if request.path in lists:
            return web.json_response(lists[request.path])
        assert request.path == PATH
        self.asked.append(dict(request.query))
        self.accepts.append(request.headers["Accept"])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)

    def lose(self) -> None:
        self.losses += 1

    @property
    def names(self) -> list[str]:
        return sorted(ref.name for ref in self.index.owned(LABEL))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a condition that an answer of the server brings about."""
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110  the condition is about several parts
                await asyncio.sleep(0.005)


@asynccontextmanager
async def watched(carts: Carts) -> AsyncIterator[Carts]:
    server = Server(carts.handle)
    async with served(server) as client:
        carts.index = Index(
            client,
            Discovery(client),
            lambda _, ref: carts.wakes.append(ref.name),
            lambda label, shift: carts.shifts.append((label, shift)),
            stamps=STAMPS,
            on_lost=carts.lose,
            jitter=lambda: -0.4,
        )
        try:
            yield carts
        finally:
            await carts.index.aclose()


ONE = says_events(event("ADDED", cart("a", 5)), listed(7))


async def test_the_objects_of_the_initial_list_are_known_when_ensure_returns() -> None:
    async with watched(Carts(ONE)) as carts:
        await carts.index.ensure([CART])
        assert carts.names == ["a"]
        assert carts.wakes == []
        assert carts.index.unseen([CART]) == set()
    assert carts.asked[0]["labelSelector"] == labels.REPOSITORY_LABEL
    assert carts.asked[0]["sendInitialEvents"] == "true"


async def test_ensuring_what_is_watched_asks_nothing() -> None:
    async with watched(Carts(ONE)) as carts:
        await asyncio.gather(*(carts.index.ensure([CART]) for _ in range(10)))
        await carts.index.ensure([CART], deadline=0)
    assert len(carts.asked) == 1


@pytest.mark.parametrize("code", [400, 422])
async def test_a_server_that_streams_no_lists_is_read_in_pages(code: int) -> None:
    first = says(200, {"metadata": {"continue": "more", "resourceVersion": "9"}, "items": [cart("a", 5)]})
    second = says(200, {"metadata": {"resourceVersion": "9"}, "items": [cart("b", 6)]})
    carts = Carts(status(code, "Invalid"), first, second, says_events(event("ADDED", cart("c", 10))))
    async with watched(carts):
        await carts.index.ensure([CART])
        assert carts.names == ["a", "b"]
        await carts.until(lambda: carts.names == ["a", "b", "c"])
    assert carts.asked[2]["continue"] == "more"
    assert carts.asked[3]["resourceVersion"] == "9"


async def test_a_server_that_ignores_the_wish_for_a_list_is_read_in_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "OPEN_SECONDS", 0.2)
    page = says(200, {"metadata": {"resourceVersion": "9"}, "items": [cart("a", 5)]})
    async with watched(Carts(says_events(event("ADDED", cart("a", 5))), page, says_events())) as carts:
        await carts.index.ensure([CART])
        assert carts.names == ["a"]


async def test_a_list_that_the_server_never_tells_whole_is_read_in_pages() -> None:
    page = says(200, {"metadata": {"resourceVersion": "9"}, "items": [cart("a", 5), cart("b", 6)]})
    half = ends_after(event("ADDED", cart("a", 5)))

    async def answers(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return await page(request)
        return await (half if "sendInitialEvents" in request.query else says_events())(request)

    async with watched(Carts(answers)) as carts:
        await carts.index.ensure([CART], deadline=3)
        assert carts.names == ["a", "b"]


async def test_a_list_that_is_cut_again_and_again_is_asked_for_less_and_less_often() -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(event("ADDED", cart("a", 5)))
        asked.append(asyncio.get_running_loop().time())
        return await cuts(request)

    asked: list[float] = []
    async with watched(Carts(half)) as carts:
        with pytest.raises(ClusterError):
            await carts.index.ensure([CART], deadline=0.01)
        await carts.until(lambda: len(asked) > 5)
    assert asked[5] - asked[0] > 0.1 * (
        0.2 + 0.4 + 0.8 + 1.6 + 3.2
    )  # by a tenth, which is the jitter of these tests


async def test_pages_that_expire_are_read_from_the_first_again() -> None:
    page = says(200, {"metadata": {"continue": "more", "resourceVersion": "9"}, "items": [cart("gone", 5)]})
    whole = says(200, {"metadata": {"resourceVersion": "12"}, "items": [cart("a", 11)]})
    carts = Carts(status(400, "Invalid"), page, status(410, "Expired"), whole, says_events())
    async with watched(carts):
        await carts.index.ensure([CART])
        assert carts.names == ["a"]
    assert "continue" not in carts.asked[3]


@pytest.mark.parametrize("end", [ends_after(error(410)), status(410, "Expired")], ids=["event", "answer"])
async def test_a_version_that_is_too_old_means_a_new_list(end: Handler) -> None:
    first = ends_after(event("ADDED", cart("a", 5)), event("ADDED", cart("b", 6)), listed(7))
    again = says_events(event("ADDED", cart("b", 6)), event("ADDED", cart("c", 20)), listed(21))
    async with watched(Carts(first, end, again)) as carts:
        await carts.index.ensure([CART])
        await carts.until(lambda: carts.names == ["b", "c"])
        assert sorted(carts.wakes) == ["a", "c"]
    assert carts.asked[1]["resourceVersion"] == "7"
    assert "resourceVersion" not in carts.asked[2]


async def test_a_watch_goes_on_where_it_ended() -> None:
    first = ends_after(event("ADDED", cart("a", 5)), listed(7), event("ADDED", cart("b", 8)))
    second = ends_after(bookmark(15))
    third = says_events(event("DELETED", cart("a", 16)))
    async with watched(Carts(first, second, third)) as carts:
        await carts.index.ensure([CART])
        await carts.until(lambda: carts.names == ["b"])
        assert carts.wakes == ["b", "a"]
    assert [query.get("resourceVersion") for query in carts.asked] == [None, "8", "15"]


FIRST = (event("ADDED", cart("a", 5)), event("ADDED", cart("b", 6)), listed(7))
RESTORED = says_events(event("ADDED", cart("b", 4)), event("ADDED", cart("c", 3)), listed(5))


async def breaks(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"".join(FIRST))
    return await cuts(request)


@pytest.mark.parametrize(
    "lost",
    [
        [breaks],
        [ends_after(*FIRST, error(500))],
        [ends_after(*FIRST), cuts],
        [ends_after(*FIRST), status(500, "InternalError")],
        [ends_after(*FIRST), status(503, "ServiceUnavailable")],
        [says_events(*FIRST)],
    ],
    ids=["cut", "error event", "refused connection", "500", "503", "silence"],
)
async def test_a_server_that_was_lost_may_come_back_with_an_older_store_and_is_listed_anew(
    lost: list[Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENCE_SECONDS", 0.5)
    async with watched(Carts(*lost, RESTORED)) as carts:
        await carts.index.ensure([CART])
        await carts.until(lambda: carts.names == ["b", "c"])
        assert sorted(set(carts.wakes)) == ["a", "c"]
        assert carts.losses >= 1
    assert "resourceVersion" not in carts.asked[-1]
    assert carts.asked[-1]["sendInitialEvents"] == "true"


async def test_an_older_state_under_a_version_that_was_seen_before_is_no_echo() -> None:
    ours = event("ADDED", {**cart("a", 5), "metadata": marked("a", 5)})
    theirs = event("ADDED", cart("a", 5))
    async with watched(
        Carts(ends_after(ours, listed(7), error(500)), says_events(theirs, listed(5)))
    ) as carts:
        await carts.index.ensure([CART])
        await carts.until(lambda: carts.wakes == ["a"])
        assert carts.index.owned(LABEL)[ObjectRef(*CART, "shop", "a")].digest == ""


async def test_a_busy_server_is_not_asked_for_a_list() -> None:
    answers = (ends_after(*FIRST), status(429, "TooManyRequests"), says_events(event("ADDED", cart("c", 8))))
    async with watched(Carts(*answers)) as carts:
        await carts.index.ensure([CART])
        await carts.until(lambda: carts.names == ["a", "b", "c"])
        assert carts.losses == 0
    assert carts.asked[2]["resourceVersion"] == "7"


async def test_a_server_that_asks_for_an_hour_is_asked_again_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LONGEST_SECONDS", 0.2)
    busy = says(429, Retry_After="3600")
    async with watched(Carts(busy, says_events(event("ADDED", cart("a", 5)), listed(7)))) as carts:
        await carts.index.ensure([CART], deadline=5)
        assert carts.names == ["a"]


async def test_a_watch_that_went_silent_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SILENCE_SECONDS", 0.2)
    second = says_events(event("ADDED", cart("a", 5)), event("ADDED", cart("b", 8)), listed(8))
    async with watched(Carts(ONE, second)) as carts:
        await carts.index.ensure([CART])
        await carts.until(lambda: carts.names == ["a", "b"])
        assert carts.wakes == ["b"]
    assert "resourceVersion" not in carts.asked[1]


async def test_a_quiet_watch_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "OPEN_SECONDS", 0.4)

    async def speaks_late(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(0.8)
        await response.write(event("ADDED", cart("b", 8)))
        return response

    first = ends_after(event("ADDED", cart("a", 5)), listed(7))
    async with watched(Carts(first, speaks_late)) as carts:
        await carts.index.ensure([CART])
        await carts.until(lambda: carts.names == ["a", "b"])
        assert len(carts.asked) == 2


async def test_a_list_that_is_cut_counts_for_nothing() -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(event("ADDED", cart("gone", 5)))
        return await cuts(request)

    async with watched(Carts(half, says_events(event("ADDED", cart("a", 6)), listed(7)))) as carts:
        await carts.index.ensure([CART])
        assert carts.names == ["a"]


@pytest.mark.parametrize(
    "refusal", [status(403, "Forbidden"), status(503, "ServiceUnavailable")], ids=["403", "503"]
)
async def test_a_kind_that_may_not_be_seen_is_named_and_tried_again(refusal: Handler) -> None:
    carts = Carts(refusal)
    async with watched(carts):
        with pytest.raises(ClusterError, match=r"Cart\.shop\.example: (Forbidden|ServiceUnavailable)!"):
            await carts.index.ensure([CART], deadline=0.5)
        assert carts.index.unseen([CART]) == {CART}
        carts.answers = [ONE]
        await carts.index.ensure([CART])
        assert carts.index.unseen([CART]) == set()


async def test_a_kind_that_may_not_be_seen_is_told_at_once_with_the_words_of_the_server() -> None:
    carts = Carts(status(403, "Forbidden"))
    async with watched(carts):
        assert await carts.index.denied([CART]) == {CART: "Forbidden!"}
        carts.answers = [ONE]
        await carts.index.ensure([CART])
        assert await carts.index.denied([CART]) == {}


async def test_a_kind_that_a_busy_server_does_not_show_is_not_denied() -> None:
    carts = Carts(status(503, "ServiceUnavailable"))
    async with watched(carts):
        assert await carts.index.denied([CART], deadline=0.3) == {}


async def test_what_was_known_stays_known_while_the_server_refuses() -> None:
    carts = Carts(ends_after(event("ADDED", cart("a", 5)), listed(7)), status(403, "Forbidden"))
    async with watched(carts):
        await carts.index.ensure([CART])
        await carts.until(lambda: bool(carts.index.unseen([CART])))
        assert carts.names == ["a"]


async def not_served(_: web.Request) -> web.Response:
    return web.Response(status=404, text="404 page not found\n")


async def test_a_kind_whose_definition_is_gone_has_no_objects() -> None:
    async def removed(request: web.Request) -> web.Response:
        carts.groups, carts.crds = [], []
        return await not_served(request)

    carts = Carts(ends_after(event("ADDED", cart("a", 5)), listed(7)), removed)
    async with watched(carts):
        await carts.index.ensure([CART])
        await carts.until(lambda: carts.names == [] and not carts.index.unseen([CART]))
        assert carts.wakes == ["a"]
        await carts.index.ensure([CART], deadline=2)
    assert len(carts.asked) == 2


async def test_a_kind_that_is_only_missing_from_discovery_keeps_its_objects() -> None:
    async def forgotten(request: web.Request) -> web.Response:
        carts.groups = []
        return await not_served(request)

    carts = Carts(ends_after(event("ADDED", cart("a", 5)), listed(7)), forgotten)
    async with watched(carts):
        await carts.index.ensure([CART])
        await carts.until(lambda: bool(carts.index.unseen([CART])))
        with pytest.raises(ClusterError, match="not served at the moment"):
            await carts.index.ensure([CART], deadline=0.5)
        assert carts.names == ["a"]


async def test_a_kind_that_never_existed_is_no_obstacle() -> None:
    async with watched(Carts(ONE)) as carts:
        await carts.index.ensure([GroupKind("no.such", "Thing")], deadline=2)
        assert carts.index.unseen([GroupKind("no.such", "Thing")]) == set()


async def test_a_bug_that_ends_a_watch_reaches_the_next_pass() -> None:
    broken = says_events(event("ADDED", {"metadata": {"resourceVersion": "5"}}), listed(7))
    async with watched(Carts(broken)) as carts:
        with pytest.raises(KeyError):
            await carts.index.ensure([CART])
        carts.answers = [ONE]
        await carts.index.ensure([CART])
        assert carts.names == ["a"]


async def test_an_object_that_we_write_before_its_kind_is_watched_is_known_at_once() -> None:
    ref = ObjectRef("shop.example", "Cart", "shop", "a")
    async with watched(Carts(ONE)) as carts:
        carts.index.record(ref, cart("a", 5))
        assert carts.names == ["a"]
        await carts.index.ensure([CART])
        assert carts.names == ["a"]
        assert carts.wakes == []


NOTHING = says_events(listed(3))


async def test_what_is_created_of_a_new_kind_is_told_when_it_is_there() -> None:
    async with watched(Carts(NOTHING, says_events(event("ADDED", cart("a", 5)), listed(7)))) as carts:
        assert await carts.index.denied([CART]) == {}
        await carts.index.ensure([CART])
        assert carts.index.unseen([CART]) == set()
        carts.index.record(ObjectRef(*CART, "shop", "a"), cart("a", 5))
        assert len(carts.asked) == 1
        await carts.index.resume([CART])
        assert carts.names == ["a"]
        assert carts.wakes == []
    assert carts.asked[0] == carts.asked[1]
    assert len(carts.asked) == 2


async def test_a_kind_that_is_listed_again_after_its_pause_is_waited_for_and_not_called_unreadable() -> None:
    held = asyncio.Event()

    async def lists_late(request: web.Request) -> web.StreamResponse:
        await held.wait()
        return await says_events(event("ADDED", cart("a", 5)), listed(7))(request)

    async with watched(Carts(NOTHING, lists_late)) as carts:
        assert await carts.index.denied([CART]) == {}
        carts.index.follow([CART])
        asked = asyncio.create_task(carts.index.unreadable([CART]))
        await carts.until(lambda: len(carts.asked) == 2)
        assert not asked.done()
        held.set()
        assert await asked == {}


async def test_a_new_kind_of_a_server_that_streams_no_lists_is_told_when_it_is_there() -> None:
    none = says(200, {"metadata": {"resourceVersion": "3"}, "items": []})
    one = says(200, {"metadata": {"resourceVersion": "7"}, "items": [cart("a", 5)]})
    async with watched(Carts(status(400, "Invalid"), none, one, says_events())) as carts:
        assert await carts.index.denied([CART]) == {}
        carts.index.record(ObjectRef(*CART, "shop", "a"), cart("a", 5))
        await carts.index.resume([CART])
        assert carts.names == ["a"]
        await carts.until(lambda: len(carts.asked) == 4)
        assert carts.wakes == []
    assert carts.asked[3]["resourceVersion"] == "7"


async def test_what_others_do_to_objects_of_a_new_kind_before_it_is_watched_is_seen() -> None:
    later = (event("ADDED", cart("a", 6)), event("ADDED", cart("c", 4)), listed(7))
    async with watched(Carts(NOTHING, says_events(*later))) as carts:
        await carts.index.denied([CART])
        carts.index.record(ObjectRef(*CART, "shop", "a"), {**cart("a", 5), "metadata": marked("a", 5)})
        carts.index.record(ObjectRef(*CART, "shop", "b"), cart("b", 5))
        await carts.index.resume([CART])
        assert carts.names == ["a", "c"]
        assert sorted(carts.wakes) == ["a", "b", "c"]


async def test_a_new_kind_that_nobody_wants_to_be_told_of_is_watched_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "PAUSE_SECONDS", 0.1)
    async with watched(Carts(NOTHING, ONE)) as carts:
        await carts.index.denied([CART])
        await carts.until(lambda: carts.names == ["a"])


async def test_a_pause_that_ends_by_itself_is_over_when_the_kind_is_listed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "PAUSE_SECONDS", 0.1)
    held = asyncio.Event()

    async def lists_late(request: web.Request) -> web.StreamResponse:
        await held.wait()
        return await says_events(listed(7))(request)

    async with watched(Carts(NOTHING, lists_late)) as carts:
        await carts.index.denied([CART])
        carts.index.record(ObjectRef(*CART, "shop", "a"), cart("a", 5))
        await carts.until(lambda: len(carts.asked) == 2)
        assert carts.index.unseen([CART]) == {CART}
        held.set()
        await carts.index.resume([CART])
        await carts.index.ensure([CART])
        assert carts.names == []


async def test_what_is_answered_while_a_list_is_on_its_way_is_not_taken_for_gone() -> None:
    begun, held = asyncio.Event(), asyncio.Event()

    async def lists_without_it(request: web.Request) -> web.StreamResponse:
        begun.set()
        await held.wait()
        later = (event("ADDED", cart("a", 5)), event("ADDED", cart("b", 6)))
        return await says_events(listed(4), *later)(request)

    async with watched(Carts(lists_without_it)) as carts:
        carts.index.follow([CART])
        await begun.wait()
        carts.index.record(ObjectRef(*CART, "shop", "a"), cart("a", 5))
        held.set()
        await carts.until(lambda: carts.names == ["a", "b"])
        assert carts.wakes == ["b"]


async def test_a_kind_that_was_needed_before_its_first_list_came_is_listed_once() -> None:
    async with watched(Carts(ONE)) as carts:
        carts.index.follow([CART])
        assert await carts.index.denied([CART]) == {}
        await carts.index.resume([CART])
        assert carts.names == ["a"]
    assert len(carts.asked) == 1


async def test_a_change_of_health_is_told_and_asks_for_no_plan() -> None:
    changes = (unready(cart("a", 8), "pulls"), unready(cart("a", 9), "pushes"), cart("a", 10))
    events = (event("MODIFIED", each) for each in changes)
    carts = Carts(says_events(event("ADDED", cart("a", 5)), listed(7), *events))
    async with watched(carts):
        await carts.index.ensure([CART])
        await carts.until(lambda: len(carts.shifts) == 3)
        assert carts.index.owned(LABEL)[ObjectRef(*CART, "shop", "a")].health == CURRENT
        assert carts.index.versions(LABEL) == 1
    assert carts.shifts == [(LABEL, Shift.STATE), (LABEL, Shift.WORDS), (LABEL, Shift.STATE)]
    assert carts.wakes == []


async def test_the_first_list_tells_how_objects_are_without_waking_anybody() -> None:
    body = unready(cart("a", 5), "pulls")
    async with watched(Carts(says_events(event("ADDED", body), listed(7)))) as carts:
        await carts.index.ensure([CART])
        found = carts.index.owned(LABEL)[ObjectRef(*CART, "shop", "a")]
        assert found.health == Health(State.IN_PROGRESS, "pulls")
    assert carts.shifts == []


async def test_whole_objects_are_asked_for_where_they_tell_how_they_are() -> None:
    async with watched(Carts(ONE)) as carts:
        await carts.index.ensure([CART])
    assert "PartialObjectMetadata" not in carts.accepts[0]
