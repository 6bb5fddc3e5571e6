"""An API server that holds objects, and answers each write by what it holds, or first as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from aiohttp import web
from towline.apply.objects import Objects, WriteContext
from towline.apply.write import Deadlines
from towline.apply.writer import Writer
from towline.fields.mask import Mask
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.live.observed import live_from
from towline.model import Action, Change, Key, Manifest, ObjectRef, Origin, Person, Revision
from towline.plan import manifest, stamp
from towline.plan.stamp import Identity

from tests.kube.loopback import Handler, Server, says, served, status
from tests.owner_stamps import STAMPS

OURS = "towline:shop/app"
ADA = Person(name="Ada", email="ada@example.com")
REVISION = Revision(
    sha="a" * 40,
    author=ADA,
    committer=ADA,
    authored_at="2026-01-01T00:00:00Z",
    committed_at="2026-01-01T00:00:00Z",
    subject="Begin",
)
SYNC = WriteContext(
    identity=Identity(key=Key("shop", "app"), uid="1"), revision=REVISION, mask=Mask(b"key"), stamps=STAMPS
)
_FIELDS = {"f:data": {"f:colour": {}}, "f:metadata": {"f:labels": {"f:towline.dev/repository": {}}}}


def _served(plural: str, kind: str) -> dict[str, Any]:
    return {"resource": plural, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": ["list"]}


_RESOURCES = [_served("configmaps", "ConfigMap"), _served("persistentvolumeclaims", "PersistentVolumeClaim")]
_CORE = {"metadata": {"name": ""}, "versions": [{"version": "v1", "resources": _RESOURCES}]}
_PLURALS = {each["responseKind"]["kind"]: each["resource"] for each in _RESOURCES}


class Write(NamedTuple):
    """One request that was no read; `operation` says what it asks for, and whether it is a dry run."""

    operation: str
    name: str
    body: Any


class ApiServer:
    """Holds objects; `answers` come before what it would say by itself."""

    def __init__(self, *objects: dict[str, Any], answers: Sequence[Handler] = ()) -> None:
        self.objects = {path(each["kind"], each["metadata"]["name"]): each for each in objects}
        self.answers = list(answers)
        self.writes: list[Write] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path in {"/api", "/apis"}:
            return web.json_response({"items": [_CORE] if request.path == "/api" else []})
        found = self.objects.get(request.path)
        if request.method == "GET":
            return await (says(200, found) if found else absent)(request)
        self.writes.append(_write(request, orjson.loads(await request.read())))
        answer = self.answers.pop(0) if self.answers else None
        return await (answer or self._usual(request, found))(request)

    def _usual(self, request: web.Request, found: dict[str, Any] | None) -> Handler:
        if request.method == "DELETE":
            return says(200, {"kind": "Status"}) if found else absent
        if request.method == "PATCH" and found:
            return says(200, found)
        sent = self.writes[-1].body
        if isinstance(sent, list):
            return absent
        return says(201, {**sent, "metadata": {**sent["metadata"], "uid": "new", "resourceVersion": "1"}})

    @property
    def operations(self) -> list[str]:
        return [f"{write.operation} {write.name}" for write in self.writes]


absent = status(404, "NotFound", details={"kind": "configmaps"})


def _write(request: web.Request, body: Any) -> Write:
    dry = "dryRun" in request.query or (isinstance(body, dict) and "dryRun" in body)
    verb = {"POST": "create", "DELETE": "delete"}.get(request.method, "apply")
    verb = "patch" if isinstance(body, list) else verb
    name = body["metadata"]["name"] if verb == "create" else request.path.rpartition("/")[2]
    return Write(f"{verb} (dry run)" if dry else verb, name, body)


def path(kind: str, name: str) -> str:
    return f"/api/v1/namespaces/shop/{_PLURALS[kind]}/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What writes to the server, and what knows its objects."""

    writer: Writer
    objects: Objects
    index: Index


@asynccontextmanager
async def opened(server: ApiServer) -> AsyncIterator[Door]:
    async with served(Server(server.answer)) as client:
        discovery = Discovery(client)
        index = Index(client, discovery, lambda _label, _ref: None, stamps=STAMPS)
        writer = Writer(client, discovery, index, Deadlines(pruned=0.1))
        yield Door(writer=writer, objects=Objects(client, discovery), index=index)
        await index.aclose()


def declared(name: str, kind: str = "ConfigMap", **annotations: str) -> Manifest:
    metadata: dict[str, Any] = {"namespace": "shop", "name": name}
    if annotations:
        metadata["annotations"] = {f"towline.dev/{key}": value for key, value in annotations.items()}
    body = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"colour": "blue"}}
    return manifest.declare(body, ObjectRef("", kind, "shop", name), f"v1:{name}", Origin("all.yaml", 1))


def held(name: str, kind: str = "ConfigMap", *others: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """Return an object of ours as the server holds it, with the entries of others."""
    of = declared(name, kind)
    body = stamp.stamp(of, SYNC.identity, SYNC.change_of(of), stamps=STAMPS)
    own = entry(OURS, _FIELDS, operation="Apply")
    more = {
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [own, *others],
    }
    return {**body, "metadata": {**body["metadata"], **more, **metadata}}


def entry(manager: str, fields: dict[str, Any], operation: str = "Update") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "time": "2026-01-01T00:00:00Z", "fieldsV1": fields}


def strangers(name: str) -> dict[str, Any]:
    """Return an object of that name that somebody else wrote."""
    labelled = {"labels": None, "annotations": None, "uid": "another"}
    return held(name) | {"metadata": held(name)["metadata"] | labelled | {"managedFields": [_KUBECTL]}}


_KUBECTL = entry("kubectl", {"f:data": {"f:colour": {}}})


def change(action: Action, body: dict[str, Any], wave: int = 0) -> Change:
    """Plan the end of an object as it is."""
    ref = ObjectRef("", body["kind"], "shop", body["metadata"]["name"])
    return Change(action=action, ref=ref, live=live_from(body, STAMPS, ref), wave=wave)


def applied(action: Action, name: str, kind: str = "ConfigMap", **annotations: str) -> Change:
    """Plan to apply what Git declares."""
    found = declared(name, kind, **annotations)
    return Change(action=action, ref=found.ref, manifest=found)
