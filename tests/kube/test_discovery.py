from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from towline.errors import ApiError
from towline.kube import discovery
from towline.kube.discovery import Discovery
from towline.model import GroupKind

from tests.kube.loopback import Server, served

WIDGET = GroupKind("parts.example", "Widget")


def resource(
    kind: str, plural: str, *, scope: str = "Namespaced", verbs: str = "get list watch"
) -> dict[str, Any]:
    return {"resource": plural, "responseKind": {"kind": kind}, "scope": scope, "verbs": verbs.split()}


def group(
    name: str, *versions: tuple[str, list[dict[str, Any]]], freshness: str = "Current"
) -> dict[str, Any]:
    served = [{"version": v, "resources": r, "freshness": freshness} for v, r in versions]
    return {"metadata": {"name": name}, "versions": served}


WIDGETS = [resource("Widget", "widgets")]
PARTS = group(
    "parts.example", ("v2", WIDGETS), ("v1", [*WIDGETS, resource("Gear", "gears", scope="Cluster")])
)


def test_the_first_version_that_the_server_names_is_preferred() -> None:
    table = discovery.table([PARTS], {})
    assert [each.version for each in table[WIDGET]] == ["v2", "v1"]
    gear = table[GroupKind("parts.example", "Gear")][0]
    assert (gear.plural, gear.namespaced, gear.version) == ("gears", False, "v1")


def test_a_group_whose_server_is_down_keeps_what_it_had() -> None:
    before = discovery.table([PARTS], {})
    down = group("parts.example", ("v2", []), ("v1", []), freshness="Stale")
    assert discovery.table([down], before) == before


def test_a_current_group_that_lost_a_kind_has_lost_it() -> None:
    before = discovery.table([PARTS], {})
    assert WIDGET not in discovery.table([group("parts.example", ("v2", []))], before)


def test_kinds_of_other_groups_that_a_resource_answers_with_are_none_of_its_own() -> None:
    scale = {**resource("Scale", "scales"), "responseKind": {"group": "autoscaling", "kind": "Scale"}}
    assert discovery.table([group("parts.example", ("v1", [scale]))], {}) == {}


class Api:
    """What the server says about its kinds, and how often it was asked."""

    def __init__(self) -> None:
        core = [
            resource("Pod", "pods"),
            resource("Event", "events"),
            resource("Binding", "bindings", verbs="create"),
        ]
        self.groups: list[dict[str, Any]] = [PARTS]
        self.lists: dict[str, list[dict[str, Any]]] = {"customresourcedefinitions": [], "apiservices": []}
        self.core = [group("", ("v1", core))]
        self.asked: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path == "/api":
            return web.json_response({"items": self.core})
        if request.path == "/apis":
            return web.json_response({"items": self.groups})
        items = self.lists[request.path.rpartition("/")[2]]
        if "continue" in request.query:
            return web.json_response({"items": items[1:], "metadata": {}})
        return web.json_response({"items": items[:1], "metadata": {"continue": "c"} if items[1:] else {}})


async def test_a_table_is_read_once_however_many_ask() -> None:
    api = Api()
    async with served(Server(api.handle)) as client:
        known = Discovery(client)
        found = await asyncio.gather(*(known.resource(WIDGET) for _ in range(20)))
    assert {each.path("a", "b") for each in found if each} == {
        "/apis/parts.example/v2/namespaces/a/widgets/b"
    }
    assert sorted(api.asked) == ["/api", "/apis"]


async def test_a_version_can_be_asked_for() -> None:
    async with served(Server(Api().handle)) as client:
        known = Discovery(client)
        found = await known.resource(WIDGET, "v1")
        assert found
        assert found.version == "v1"
        assert await known.resource(WIDGET, "v9") is None
        assert await known.versions(WIDGET) == ("parts.example/v2", "parts.example/v1")


async def test_a_kind_of_the_same_name_is_found_in_other_groups() -> None:
    api = Api()
    api.groups.append(
        group("apps", ("v1", [resource("Pod", "pods")]), ("v1beta1", [resource("Pod", "pods")]))
    )
    old, known_only_here = GroupKind("extensions", "Pod"), GroupKind("parts.example", "Widget")
    async with served(Server(api.handle)) as client:
        found = await Discovery(client).namesakes([old, known_only_here])
    assert found == {old: ("v1", "apps/v1")}


async def test_missing_kinds_do_not_make_the_server_busy() -> None:
    api = Api()
    async with served(Server(api.handle)) as client:
        known = Discovery(client)
        for _ in range(50):
            assert await known.resource(GroupKind("no.such", "Thing")) is None
    assert len(api.asked) == 2


async def test_a_new_kind_is_found_at_once_after_its_definition_was_written() -> None:
    api = Api()
    async with served(Server(api.handle)) as client:
        known = Discovery(client)
        assert await known.resource(GroupKind("new.example", "Thing")) is None
        api.groups = [PARTS, group("new.example", ("v1", [resource("Thing", "things")]))]
        known.invalidate()
        assert await known.resource(GroupKind("new.example", "Thing"))


async def test_a_new_kind_is_found_after_a_moment_whoever_wrote_its_definition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(discovery, "REFRESH_SECONDS", 0.0)
    api = Api()
    async with served(Server(api.handle)) as client:
        known = Discovery(client)
        assert await known.resource(GroupKind("new.example", "Thing")) is None
        api.groups = [PARTS, group("new.example", ("v1", [resource("Thing", "things")]))]
        assert await known.resource(GroupKind("new.example", "Thing"))


async def test_scopes_are_told_for_what_is_served() -> None:
    gear = GroupKind("parts.example", "Gear")
    async with served(Server(Api().handle)) as client:
        assert await Discovery(client).scopes([WIDGET, gear, GroupKind("", "Thing")]) == {
            WIDGET: True,
            gear: False,
        }


async def test_a_sweep_leaves_out_what_cannot_be_listed_and_events() -> None:
    async with served(Server(Api().handle)) as client:
        kinds = {each.kind for each in await Discovery(client).listable()}
    assert kinds == {"Pod", "Widget", "Gear"}


async def test_a_sweep_finds_kinds_that_came_after_the_last_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "REFRESH_SECONDS", 0.0)
    api = Api()
    async with served(Server(api.handle)) as client:
        known = Discovery(client)
        assert await known.resource(WIDGET)
        api.groups.append(group("late.example", ("v1", [resource("Late", "lates")])))
        kinds = {each.kind for each in await known.listable()}
    assert "Late" in kinds


@pytest.mark.parametrize(
    ("definition", "gone"),
    [
        ({}, True),
        ({"customresourcedefinitions": {"group": "lost.example", "names": {"kind": "Thing"}}}, False),
        ({"customresourcedefinitions": {"group": "lost.example", "names": {"kind": "Other"}}}, True),
        ({"apiservices": {"group": "lost.example", "service": {"name": "aggregated"}}}, False),
        ({"apiservices": {"group": "lost.example", "service": None}}, True),
    ],
    ids=["nothing", "its CRD", "another CRD", "its server", "a group of the API server's own"],
)
async def test_absence_is_proved_by_what_could_bring_the_kind(definition: dict[str, Any], gone: bool) -> None:  # noqa: FBT001  an expectation
    api = Api()
    first = {"group": "first.example", "names": {"kind": "First"}, "service": None}
    for name, spec in definition.items():
        api.lists[name] = [{"spec": first}, {"spec": spec}]
    async with served(Server(api.handle)) as client:
        known = Discovery(client)
        assert await known.gone(GroupKind("lost.example", "Thing")) is gone
        assert not await known.gone(WIDGET)


async def test_a_server_that_fails_is_asked_again_the_next_time() -> None:
    api = Api()

    async def fails(_: web.Request) -> web.Response:
        return web.Response(status=500)

    server = Server(fails)
    async with served(server) as client:
        known = Discovery(client)
        with pytest.raises(ApiError):
            await known.resource(WIDGET)
        server.answers = [api.handle]
        assert await known.resource(WIDGET)


async def test_what_is_served_is_asked_for_once_until_something_changes() -> None:
    api = Api()

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/version":
            api.asked.append(request.path)
            return web.json_response({"gitVersion": "v1.35.2"})
        return await api.handle(request)

    async with served(Server(handle)) as client:
        known = Discovery(client)
        first, again = await known.served(), await known.served()
        assert first == again
        assert first.version == "v1.35.2"
        assert {"v1", "v1/Pod", "parts.example/v1/Gear", "parts.example/v2"} <= first.api_versions
        assert sorted(api.asked) == ["/api", "/apis", "/version"]
        api.groups.append(group("news.example", ("v1", WIDGETS)))
        known.invalidate()
        assert "news.example/v1/Widget" in (await known.served()).api_versions
