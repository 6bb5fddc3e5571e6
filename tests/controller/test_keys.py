"""Which keys mask secrets and stamp objects: those of the cluster, wherever they can be had."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web
from structlog.testing import capture_logs
from towline.controller import keys
from towline.controller.keys import Keys
from towline.kube.client import Client

from tests.controller.clock import Time
from tests.kube import loopback
from tests.kube.loopback import Handler, Server, says, status

OWN = Keys(mask=b"o" * 32, owner=b"w" * 32, since="2026-01-01T00:00:00Z", checkpoint=b"p" * 32)
OTHER = Keys(mask=b"a" * 32, owner=b"b" * 32, since="2025-01-01T00:00:00Z", checkpoint=b"c" * 32)
FOLDER = "/api/v1/namespaces/towline-system/secrets"


@dataclass(slots=True)
class Store:
    """Secrets as an API server keeps them, all replicas together."""

    held: dict[str, bytes] = field(default_factory=dict)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        if request.method == "GET":
            found = self.held.get(request.path)
            return web.Response(body=found, content_type="application/json", status=200 if found else 404)
        body = await request.read()
        path = f"{request.path}/{json.loads(body)['metadata']['name']}"
        if path in self.held:
            return web.json_response({"kind": "Status", "reason": "AlreadyExists"}, status=409)
        self.held[path] = body
        return web.Response(body=body, content_type="application/json", status=201)


def entries(found: Keys) -> dict[str, str]:
    held = {
        "mask": found.mask,
        "owner": found.owner,
        "owner.since": found.since.encode(),
        "checkpoint": found.checkpoint,
    }
    return {name: base64.b64encode(value).decode() for name, value in held.items()}


def secret(found: Keys) -> Handler:
    return says(200, {"data": entries(found)})


def from_before(found: Keys) -> Handler:
    """Answer with a Secret that an operator without owner stamps has made."""
    return says(200, {"metadata": {"resourceVersion": "7"}, "data": {"mask": entries(found)["mask"]}})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with loopback.served(server) as client:
        yield client


async def asked(client: Client, own: Keys = OWN, time: Time | None = None) -> Keys:
    time = time or Time()
    return await keys.shared(client, "towline-system", own, clock=lambda: time.now, pause=time.pause)


async def test_the_first_operator_stores_its_own_keys(server: Server, client: Client) -> None:
    server.answers = [status(404, "NotFound"), says(201)]
    assert await asked(client) == OWN
    assert [(one.method, one.path) for one in server.requests] == [
        ("GET", f"{FOLDER}/towline-keys"),
        ("POST", FOLDER),
    ]
    body = json.loads(server.bodies[-1])
    assert body["data"] == entries(OWN)
    assert (body["metadata"]["name"], body["metadata"]["namespace"]) == ("towline-keys", "towline-system")


async def test_an_operator_that_lost_its_folder_goes_on_with_the_keys_of_the_cluster(
    server: Server, client: Client
) -> None:
    server.answers = [secret(OTHER)]
    assert await asked(client) == OTHER
    assert server.verbs == ["GET"]


async def test_of_replicas_that_start_together_all_take_the_same_keys(server: Server, client: Client) -> None:
    server.answers = [Store().answer]
    found = await asyncio.gather(*(asked(client, numbered(number)) for number in range(5)))
    assert len(set(found)) == 1
    assert server.verbs.count("POST") > 1


async def test_a_secret_from_before_owner_stamps_gains_their_key_and_keeps_the_other(
    server: Server, client: Client
) -> None:
    server.answers = [from_before(OTHER), says(200)]
    assert await asked(client) == replace(OWN, mask=OTHER.mask)
    assert [(one.method, one.path) for one in server.requests] == [
        ("GET", f"{FOLDER}/towline-keys"),
        ("PATCH", f"{FOLDER}/towline-keys"),
    ]
    body = json.loads(server.bodies[-1])
    assert body["data"] == {name: text for name, text in entries(OWN).items() if name != "mask"}
    assert body["metadata"] == {"resourceVersion": "7"}


async def test_a_secret_from_before_checkpoints_gains_their_key_alone(server: Server, client: Client) -> None:
    held = {name: text for name, text in entries(OTHER).items() if name != "checkpoint"}
    server.answers = [says(200, {"metadata": {"resourceVersion": "7"}, "data": held}), says(200)]
    assert await asked(client) == replace(OTHER, checkpoint=OWN.checkpoint)
    assert json.loads(server.bodies[-1])["data"] == {"checkpoint": entries(OWN)["checkpoint"]}


async def test_of_replicas_that_add_a_key_together_the_slower_ones_take_that_of_the_quickest(
    server: Server, client: Client
) -> None:
    server.answers = [from_before(OTHER), status(409, "Conflict"), secret(OTHER)]
    assert await asked(client) == OTHER


async def test_without_the_right_to_add_a_key_to_the_secret_its_masking_key_serves_and_the_log_says_so(
    server: Server, client: Client
) -> None:
    server.answers = [from_before(OTHER), status(403, "Forbidden")]
    with capture_logs() as logs:
        assert await asked(client) == replace(OWN, mask=OTHER.mask)
    (line,) = logs
    assert line["event"] == "a new key is in the data folder alone"
    assert (line["log_level"], line["secret"]) == ("warning", "towline-system/towline-keys")
    assert line["error"]


def numbered(number: int) -> Keys:
    return Keys(
        mask=bytes([number]) * 32,
        owner=bytes([number + 10]) * 32,
        since=f"{2000 + number}",
        checkpoint=bytes([number + 20]) * 32,
    )


@pytest.mark.parametrize(
    "answers",
    [
        [status(403, "Forbidden")],
        [status(404, "NotFound"), status(403, "Forbidden")],
        [status(404, "NotFound")],
        [secret(replace(OTHER, mask=b"short"))],
        [secret(replace(OTHER, owner=b"short"))],
        [secret(replace(OTHER, checkpoint=b"short"))],
        [says(200, {"data": {"else": "eA=="}})],
        [says(200, {})],
    ],
)
async def test_without_a_usable_secret_the_key_of_the_folder_serves_and_the_log_says_so_once(
    server: Server, client: Client, answers: list[Handler]
) -> None:
    server.answers = answers
    with capture_logs() as logs:
        assert await asked(client) == OWN
    (line,) = logs
    assert line["event"] == "the masking key is in the data folder alone"
    assert (line["log_level"], line["secret"]) == ("warning", "towline-system/towline-keys")
    assert line["error"]


async def test_a_refusal_that_ends_by_itself_is_waited_for(server: Server, client: Client) -> None:
    time = Time(passed=lambda: server.answers.insert(0, secret(OTHER)))
    server.answers = [status(501, "Wait"), status(501, "Wait")]
    with capture_logs() as logs:
        assert await asked(client, time=time) == OTHER
    assert logs == []


async def test_a_refusal_that_does_not_end_holds_nothing_up_for_ever(server: Server, client: Client) -> None:
    time = Time(now=0.0)
    server.answers = [status(501, "Broken")]
    assert await asked(client, time=time) == OWN
    assert 30 <= time.now < 40


async def test_a_server_that_cannot_be_asked_is_waited_for_as_long_as_it_takes(
    server: Server, client: Client
) -> None:
    def passed() -> None:
        if time.now > 1000:
            server.answers = [secret(OTHER)]

    time = Time(now=0.0, passed=passed)
    server.answers = [says(401)]
    with capture_logs() as logs:
        assert await asked(client, time=time) == OTHER
    assert [line["event"] for line in logs] == ["waiting for the API server"]


async def test_the_log_never_holds_a_key(server: Server, client: Client) -> None:
    for key in (OWN.mask, OWN.owner):
        encoded = base64.b64encode(key).decode()
        server.answers = [
            status(404, "NotFound"),
            says(422, {"kind": "Status", "code": 422, "message": f"denied: {encoded} or {key.decode()}"}),
        ]
        with capture_logs() as logs:
            assert await asked(client) == OWN
        assert "denied: *** or ***" in str(logs)
        assert key.decode() not in str(logs)
        assert encoded.rstrip("=") not in str(logs)
    assert OWN.owner.decode() not in f"{OWN} {OWN.stamps}"
