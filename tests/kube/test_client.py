from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from towline.errors import ApiError, ClusterError
from towline.kube import calls
from towline.kube.client import IN_FLIGHT, TOKEN_SECONDS, Client
from towline.kube.impersonated import Impersonated
from towline.model import Key

from tests.kube.loopback import Handler, Server, cuts, events, hangs, says, served, status

PATH = "/api/v1/namespaces/shop/configmaps/settings"
LIST = "/api/v1/namespaces/shop/configmaps"

OK = says(200, {"kind": "ConfigMap"})


async def test_an_answer_carries_code_body_and_warnings() -> None:
    server = Server(says(201, {"kind": "ConfigMap"}, Warning='299 - "unknown field \\"spec.replcas\\""'))
    async with served(server) as client:
        answer = await client.request("GET", PATH)
    assert answer == calls.Answer(
        code=201, body={"kind": "ConfigMap"}, warnings=('unknown field "spec.replcas"',)
    )


async def test_a_request_says_who_asks_and_wants_no_compression() -> None:
    server = Server(OK)
    async with served(server) as client:
        await client.request("GET", PATH, query={"labelSelector": "a in (b,c)"})
        await client.request(
            "PATCH", PATH, body={"a": 1}, content_type=calls.APPLY, user_agent="towline/1 (commit=c)"
        )
    first, second = server.requests
    assert first.headers["User-Agent"].startswith("towline/")
    assert first.headers["Authorization"] == "Bearer token-0"
    assert first.headers["Accept-Encoding"] == "identity"
    assert first.query["labelSelector"] == "a in (b,c)"
    assert second.headers["User-Agent"] == "towline/1 (commit=c)"
    assert second.headers["Content-Type"] == calls.APPLY
    assert server.bodies == [b"", b'{"a":1}']


@pytest.mark.parametrize(
    "missing", [status(404, "NotFound", details={"kind": "configmaps"}), says(404)], ids=["object", "kind"]
)
async def test_what_the_server_does_not_have_is_none_and_no_error(missing: Handler) -> None:
    server = Server(missing, says(200, {"kind": "ConfigMap"}))
    async with served(server) as client:
        assert await client.found(PATH, accept=calls.METADATA) is None
        assert await client.found(PATH) == {"kind": "ConfigMap"}
    assert server.requests[0].headers["Accept"] == calls.METADATA


async def test_an_object_that_may_not_be_read_is_not_taken_for_a_missing_one() -> None:
    async with served(Server(status(403, "Forbidden"))) as client:
        with pytest.raises(ApiError) as caught:
            await client.found(PATH)
    assert caught.value.code == 403


async def test_a_list_comes_page_by_page_each_asked_for_with_the_token_of_the_one_before() -> None:
    pages: list[dict[str, Any]] = [
        {"items": [1, 2], "metadata": {"continue": "second"}},
        {"items": [3], "metadata": {"continue": "third"}},
        {"items": None, "metadata": {"resourceVersion": "7"}},
    ]
    server = Server(*(says(200, page) for page in pages))
    query = {"labelSelector": "app", "limit": "2"}
    async with served(server) as client:
        assert [page async for page in client.pages(LIST, query, accept=calls.METADATA_LIST)] == pages
    assert [dict(request.query) for request in server.requests] == [
        query,
        {**query, "continue": "second"},
        {**query, "continue": "third"},
    ]
    assert {request.headers["Accept"] for request in server.requests} == {calls.METADATA_LIST}


async def test_a_page_that_is_refused_ends_the_list_with_the_refusal() -> None:
    server = Server(says(200, {"items": [1], "metadata": {"continue": "old"}}), status(410, "Expired"))
    async with served(server) as client:
        pages = client.pages(LIST, {"limit": "1"})
        assert (await anext(pages))["items"] == [1]
        with pytest.raises(ApiError) as caught:
            await anext(pages)
    assert caught.value.code == 410


async def test_a_refusal_tells_reason_causes_and_kind() -> None:
    details = {
        "kind": "namespaces",
        "causes": [{"reason": "FieldValueInvalid", "message": "bad", "field": "spec.a"}],
    }
    async with served(Server(status(422, "Invalid", details=details))) as client:
        with pytest.raises(ApiError) as caught:
            await client.request("PATCH", PATH, content_type=calls.APPLY, body={})
    error = caught.value
    assert (error.code, error.status_reason, error.details_kind, error.message) == (
        422,
        "Invalid",
        "namespaces",
        "Invalid!",
    )
    assert [(cause.reason, cause.message, cause.field) for cause in error.causes] == [
        ("FieldValueInvalid", "bad", "spec.a")
    ]


async def test_a_kind_that_is_not_served_is_a_404_without_a_reason() -> None:
    async def not_found(_: web.Request) -> web.Response:
        return web.Response(status=404, text="404 page not found\n")

    async with served(Server(not_found)) as client:
        with pytest.raises(ApiError) as caught:
            await client.request("GET", "/apis/shop.example/v1/carts")
    assert (caught.value.code, caught.value.status_reason, caught.value.message) == (
        404,
        "",
        "404 page not found",
    )


@pytest.mark.parametrize(
    "trouble",
    [says(429), says(500), says(502), says(503), says(504), cuts],
    ids=["429", "500", "502", "503", "504", "cut"],
)
@pytest.mark.parametrize(
    "call",
    [
        {"verb": "GET"},
        {"verb": "PATCH", "content_type": calls.APPLY, "body": {}},
        {"verb": "DELETE", "body": {"preconditions": {"uid": "u"}}},
        {"verb": "POST", "query": {"dryRun": "All"}, "body": {}},
        {"verb": "PATCH", "content_type": calls.JSON_PATCH, "query": {"dryRun": "All"}, "body": []},
    ],
    ids=["read", "apply", "guarded deletion", "dry run of a creation", "dry run of a patch"],
)
async def test_what_may_be_repeated_gets_through_a_bad_moment(trouble: Handler, call: dict[str, Any]) -> None:
    server = Server(trouble, trouble, OK)
    async with served(server) as client:
        answer = await client.request(path=PATH, **call)
    assert answer.code == 200
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "message",
    [
        "failed to create typed patch object (t/web; apps/v1, Kind=Deployment): .a: field not declared in schema",
        "request is too large",
        'Internal error occurred: failed calling webhook "w.example.com": no endpoints available',
    ],
    ids=["an unknown field", "too large", "a webhook that is down"],
)
async def test_a_500_that_blames_the_object_or_a_webhook_is_not_repeated(message: str) -> None:
    server = Server(status(500, "InternalError", message=message), OK)
    async with served(server) as client:
        with pytest.raises(ApiError):
            await client.request("PATCH", PATH, body={}, content_type=calls.APPLY)
    assert len(server.requests) == 1


async def test_a_plain_500_is_repeated_a_bounded_number_of_times() -> None:
    server = Server(*[says(500)] * 20)
    async with served(server) as client:
        with pytest.raises(ApiError):
            await client.request("GET", PATH)
    assert len(server.requests) == calls.PLAIN_ATTEMPTS


async def test_the_server_says_how_long_to_wait() -> None:
    server = Server(says(429, Retry_After="1"), OK)
    clock = asyncio.get_running_loop().time
    async with served(server) as client:
        began = clock()
        await client.request("GET", PATH)
    assert clock() - began >= 1


async def test_a_wait_that_is_too_long_is_handed_to_the_caller() -> None:
    server = Server(says(429, Retry_After="600"))
    async with served(server) as client:
        with pytest.raises(ApiError) as caught:
            await client.request("GET", PATH)
    assert caught.value.retry_after == 600
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"details": [], "message": 7, "reason": {}, "code": "x"},
        {"details": {"causes": {}, "retryAfterSeconds": "soon", "kind": 1}},
        {"details": {"causes": ["one", {"message": 1, "field": None}]}},
    ],
)
async def test_a_refusal_that_is_written_oddly_is_a_refusal_all_the_same(odd: dict[str, Any]) -> None:
    async with served(Server(says(409, {"kind": "Status", **odd}))) as client:
        with pytest.raises(ApiError) as caught:
            await client.request("GET", PATH)
    assert (caught.value.code, caught.value.message, caught.value.retry_after) == (409, "no message", 0)


@pytest.mark.parametrize(
    "trouble", [cuts, says(500), says(502), says(503), says(504)], ids=["cut", "500", "502", "503", "504"]
)
@pytest.mark.parametrize("verb", ["POST", "PATCH"])
async def test_what_may_have_been_done_is_not_done_twice(trouble: Handler, verb: str) -> None:
    server = Server(trouble, OK)
    async with served(server) as client:
        with pytest.raises(ClusterError):
            await client.request(verb, PATH, body={}, content_type=calls.JSON_PATCH)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "refusal", [says(429), says(503, Retry_After="1")], ids=["429", "503 asking to come back"]
)
async def test_a_creation_that_was_turned_away_is_sent_again(refusal: Handler) -> None:
    server = Server(refusal, OK)
    async with served(server) as client:
        answer = await client.request("POST", PATH, body={"a": 1})
    assert answer.code == 200
    assert server.bodies == [b'{"a":1}'] * 2


async def test_a_refusal_for_good_is_not_repeated() -> None:
    server = Server(status(403, "Forbidden"))
    async with served(server) as client:
        with pytest.raises(ApiError, match="Forbidden!"):
            await client.request("GET", PATH)
    assert len(server.requests) == 1


async def test_rotated_credentials_are_read_again_once() -> None:
    server = Server(OK)
    server.tokens = ["old", "new"]

    async def strict(request: web.Request) -> web.StreamResponse:
        return await (
            OK if request.headers["Authorization"] == "Bearer new" else status(401, "Unauthorized")
        )(request)

    server.answers = [strict]
    async with served(server) as client:
        await asyncio.gather(*(client.request("GET", PATH) for _ in range(20)))
    assert server.loads == 2


async def test_a_token_that_is_old_is_asked_for_once_however_many_requests_need_it() -> None:
    server, asked = Server(OK), 0

    def authorization() -> str:
        nonlocal asked
        asked += 1  # a plugin takes its time, in a thread of which there are few
        return f"Bearer {asked}"

    now = 1000.0
    async with served(server):
        access = replace(server.load(), authorization=authorization)
        async with Client(lambda: access, clock=lambda: now) as client:
            await client.request("GET", PATH)
            now += 2 * TOKEN_SECONDS
            await asyncio.gather(*(client.request("GET", PATH) for _ in range(20)))
    assert asked == 2
    assert {request.headers["Authorization"] for request in server.requests[1:]} == {"Bearer 2"}


async def test_refused_credentials_are_no_refusal_of_one_object() -> None:
    server = Server(status(401, "Unauthorized"))
    async with served(server) as client:
        with pytest.raises(ClusterError, match="credentials") as caught:
            await client.request("GET", PATH)
    assert not isinstance(caught.value, ApiError)
    assert len(server.requests) == 2


async def test_a_request_without_an_answer_ends_at_its_deadline() -> None:
    async with served(Server(hangs)) as client, asyncio.timeout(5):
        with pytest.raises(ClusterError, match="no answer in time"):
            await client.request("POST", PATH, body={}, timeout=0.2)


async def test_an_api_server_that_is_away_is_named_without_its_address() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = Server(OK)
        server.url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with Client(server.load, jitter=lambda: -0.5) as client:
            with pytest.raises(ClusterError) as caught:
                await client.request("POST", PATH, body={})
    assert caught.value.message == f"POST {PATH}: the API server cannot be reached (Connection refused)"


async def test_something_that_is_no_api_server_is_told() -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>Sign in</html>", content_type="text/html")

    async with served(Server(page)) as client:
        with pytest.raises(ClusterError, match="not JSON"):
            await client.request("GET", PATH)


async def test_a_redirect_is_not_followed() -> None:
    server = Server(says(302, Location="/api/v1/namespaces/shop"))
    async with served(server) as client:
        with pytest.raises(ApiError):
            await client.request("PATCH", PATH, body={}, content_type=calls.APPLY)
    assert server.verbs == ["PATCH"]


@pytest.mark.parametrize("name", ["..", ".", "", "../../secrets/token", "a/../b"])
async def test_a_name_never_leads_to_another_path(name: str) -> None:
    server = Server(OK)
    async with served(server) as client:
        with pytest.raises(ClusterError, match="not a path"):
            await client.request("PATCH", f"/api/v1/namespaces/shop/configmaps/{name}", body={})
    assert server.requests == []


@pytest.mark.parametrize("name", ["a?dryRun=All", "a#b", "a%2Fb", "system:node", "a b", "ä"])
async def test_a_name_arrives_as_it_was_declared(name: str) -> None:
    server = Server(OK)
    async with served(server) as client:
        await client.request("GET", f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}")
    assert server.requests[0].path == f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}"
    assert not server.requests[0].query


async def test_requests_of_one_repository_do_not_hold_up_another() -> None:
    full, gate = asyncio.Event(), asyncio.Event()

    async def waits(_: web.Request) -> web.StreamResponse:
        if len(server.requests) == IN_FLIGHT - 1:
            full.set()
        await gate.wait()
        return web.json_response({})

    server = Server(waits)
    async with served(server) as client, asyncio.timeout(10):
        large = asyncio.gather(*(client.request("GET", PATH, key=Key("a", "large")) for _ in range(300)))
        await full.wait()
        small = asyncio.create_task(client.request("GET", PATH + "2", key=Key("a", "small")))
        await asyncio.sleep(0)
        assert len(server.requests) == IN_FLIGHT - 1
        gate.set()
        await small
        assert [request.path for request in server.requests].index(PATH + "2") <= 32
        await large


async def read(client: Client) -> list[dict[str, Any]]:
    async with client.stream("/api/v1/configmaps", {"watch": "1"}) as stream:
        return [event async for event in stream]


async def test_events_come_whole_however_the_network_cuts_them() -> None:
    first = b'{"type":"ADDED","object":{"a":"' + b"x" * 300_000 + b'"}}\n'
    second = b'{"type":"DELETED","object":{"b":"\xc3\xa4"}}\n'
    chunks = (first[:1000], first[1000:] + second[:-5], second[-5:])
    async with served(Server(events(*chunks))) as client:
        found = await read(client)
    assert [event["type"] for event in found] == ["ADDED", "DELETED"]
    assert len(found[0]["object"]["a"]) == 300_000
    assert found[1]["object"] == {"b": "ä"}


async def test_many_events_in_one_piece_are_all_read() -> None:
    line = b'{"type":"ADDED","object":{}}\n'
    async with served(Server(events(line * 5000))) as client:
        assert len(await read(client)) == 5000


@pytest.mark.parametrize(
    "garbage", [b"<html>\n", b'{"type":1,"object":{}}\n', b'{"type":"ADDED"}\n', b"[]\n"]
)
async def test_what_is_no_event_ends_the_stream_with_an_error(garbage: bytes) -> None:
    async with served(Server(events(garbage))) as client:
        with pytest.raises(ClusterError):
            await read(client)


async def test_a_refused_watch_is_an_error_before_any_event() -> None:
    async with served(Server(status(410, "Expired"))) as client:
        with pytest.raises(ApiError) as caught:
            await read(client)
    assert caught.value.code == 410


async def test_a_watch_that_is_cut_is_an_error() -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"type":"ADDED","object":{}}\n')
        return await cuts(request)

    async with served(Server(half)) as client:
        with pytest.raises(ClusterError, match="connection was lost"):
            await read(client)


async def test_requests_and_watches_are_sent_as_the_user_who_is_impersonated() -> None:
    server = Server(OK)
    async with (
        served(server),
        Client(lambda: replace(server.load(), impersonated=Impersonated(user="jane"))) as client,
    ):
        await client.request("GET", PATH)
        async with client.stream(LIST, {"watch": "1"}):
            pass
    assert [request.headers.get("Impersonate-User") for request in server.requests] == ["jane", "jane"]


async def test_groups_and_extra_fields_of_the_impersonated_user_are_sent_as_kubectl_sends_them() -> None:
    server = Server(OK)
    jane = Impersonated(user="jane", uid="7", groups=("a", "b"), extra={"Example.org/Sc%é": ("x", "y")})
    async with served(server), Client(lambda: replace(server.load(), impersonated=jane)) as client:
        await client.request("GET", PATH)
    headers = server.requests[0].headers
    assert headers["Impersonate-Uid"] == "7"
    assert headers.getall("Impersonate-Group") == ["a", "b"]
    assert headers.getall("Impersonate-Extra-Example.org%2fsc%25%c3%a9") == ["x", "y"]


async def test_a_user_whose_name_would_be_read_as_another_header_is_not_impersonated() -> None:
    server = Server(OK)
    jane = Impersonated(user="jane\r\nX: y")
    async with served(server), Client(lambda: replace(server.load(), impersonated=jane)) as client:
        with pytest.raises(ClusterError, match="control character"):
            await client.request("GET", PATH)
    assert server.requests == []
