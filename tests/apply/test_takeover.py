"""What others left on an object of ours: folded into ours, taken off, or left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from towline.api.gitrepository import ForeignFields
from towline.apply import takeover
from towline.model import ObjectRef

from tests.apply.apiserver import SYNC, ApiServer, entry, held, opened
from tests.kube.loopback import status

REF = ObjectRef("", "ConfigMap", "shop", "a")
REMAINS = entry("kubectl", {"f:data": {"f:colour": {}, "f:size": {}}})
STALE = status(409, "Conflict")
ITEM = 'k:{"name":"main"}'
REMOVING = replace(SYNC, foreign=ForeignFields.REMOVE)


async def folded(server: ApiServer, body: dict[str, Any]) -> Any:
    async with opened(server) as door:
        return await takeover.fold(door.objects, body, REF, SYNC)


async def test_what_we_apply_is_taken_out_of_the_remains_of_others_in_the_version_that_was_read() -> None:
    body = held("a", "ConfigMap", REMAINS)
    server = ApiServer(body)
    await folded(server, body)
    ((_, _, (test, drop)),) = server.writes
    assert test == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    own, left = drop["value"]
    assert (drop["path"], own) == ("/metadata/managedFields", body["metadata"]["managedFields"][0])
    assert (left["manager"], left["fieldsV1"]) == ("kubectl", {"f:data": {"f:size": {}}})


async def test_an_object_that_nobody_shares_costs_no_request() -> None:
    server = ApiServer(held("a"))
    assert await folded(server, held("a")) == held("a")
    assert server.writes == []


async def test_what_somebody_writes_at_the_same_moment_is_read_once_more() -> None:
    body = held("a", "ConfigMap", REMAINS)
    server = ApiServer(held("a", "ConfigMap", REMAINS, resourceVersion="8"), answers=[STALE])
    await folded(server, body)
    assert [write.body[0]["value"] for write in server.writes] == ["7", "8"]


async def test_another_object_of_the_same_name_is_left_alone() -> None:
    body = held("a", "ConfigMap", REMAINS)
    server = ApiServer(held("a", "ConfigMap", REMAINS, uid="another"), answers=[STALE])
    assert await folded(server, body) == body
    assert len(server.writes) == 1


async def test_remains_that_cannot_be_taken_off_are_left_for_the_next_sync() -> None:
    body = held("a", "ConfigMap", REMAINS)
    refused = ApiServer(body, answers=[status(403, "Forbidden")])
    assert await folded(refused, body) == body
    busy = ApiServer(body, answers=[STALE] * 9)
    assert await folded(busy, body) == body
    assert (len(refused.writes), len(busy.writes)) == (1, 3)


def crowded() -> dict[str, Any]:
    """Return an object of ours into whose list item somebody added a field."""
    theirs = entry("kubectl", {"f:items": {ITEM: {"f:debug": {}}}})
    body = held("a", "ConfigMap", theirs) | {"items": [{"name": "main", "debug": True}]}
    own = body["metadata"]["managedFields"][0]
    own["fieldsV1"] = {**own["fieldsV1"], "f:items": {ITEM: {".": {}, "f:name": {}}}}
    return body


async def test_what_others_added_inside_our_list_items_goes_only_where_the_spec_says_so() -> None:
    body = crowded()
    server = ApiServer(body)
    async with opened(server) as door:
        assert await takeover.purge(door.objects, body, REF, SYNC) == body
        assert server.writes == []
        await takeover.purge(door.objects, body, REF, REMOVING)
    ((_, _, operations),) = server.writes
    assert operations == [
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "remove", "path": "/items/0/debug"},
    ]
