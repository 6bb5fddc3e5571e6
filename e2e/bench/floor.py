"""The floor: what a bare concurrent client needs for the same bodies, on the same control plane.

It has nothing to decide: the bodies lie there as bytes, answers are read and dropped.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import aiohttp
import orjson
import yarl

from e2e.harness import identity
from e2e.harness.audit import AuditEvent
from e2e.harness.controlplane import ControlPlane

IN_FLIGHT = 16

APPLY = "application/apply-patch+yaml"

_VERBS = {"create": "POST", "patch": "PATCH"}
_PATCHES = {
    "gitrepositories": "application/json-patch+json",
    "syncrecords": "application/merge-patch+json",
}

LABEL = b'"towline.dev/repository":'
UNSEEN = b'"towline-not/repository":'
"""The same number of bytes in its place: no watch of the operator selects the floor's objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One write, ready to be sent, a server-side apply unless it says otherwise; `target` holds path and query."""

    target: str
    agent: str
    body: bytes
    verb: str = "PATCH"
    content_type: str = APPLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the floor needed: seconds by the clock, and seconds of this process's processor time."""

    seconds: float
    cpu: float


def look(url: str, times: int) -> float:
    """Return the seconds of processor time of one bare `git ls-remote` with its own children."""
    return sum(_looked(url) for _ in range(times)) / times


def _looked(url: str) -> float:
    process = subprocess.Popen(["git", "ls-remote", url], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)  # the Git server has children of its own in this very process
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ValueError(f"git ls-remote {url}: {process.returncode}")
    return used.ru_utime + used.ru_stime


def requests(events: Iterable[AuditEvent], places: Mapping[str, str]) -> Iterator[Request]:
    """Turn the operator's applies into the same requests in other namespaces, old to new, in their order."""
    for event in events:
        old, new = event.namespace, places[event.namespace]
        body = {**event.body, "metadata": {**event.body["metadata"], "namespace": new}}
        yield Request(
            target=event.request_uri.replace(f"/namespaces/{old}/", f"/namespaces/{new}/"),
            agent=event.user_agent,
            body=orjson.dumps(body).replace(LABEL, UNSEEN),
        )


def replayed(events: Iterable[AuditEvent], old: str, new: str) -> Iterator[Request]:
    """Turn all writes of one namespace, dry runs too, into the same in another one, in their order.

    Nothing is read, so what binds a write to a version is left out.
    """
    for event in events:
        if event.namespace != old or event.verb not in _VERBS or not event.succeeded:
            continue
        body = event.body
        if isinstance(body, list):
            body = [each for each in body if each["path"] != "/metadata/resourceVersion"]
        yield Request(
            target=event.request_uri.replace(old, new),
            agent=event.user_agent,
            body=orjson.dumps(body).replace(old.encode(), new.encode()),
            verb=_VERBS[event.verb],
            content_type=_content_type(event),
        )


def _content_type(event: AuditEvent) -> str:
    return "application/json" if event.verb == "create" else _PATCHES.get(event.resource, APPLY)


def run(plane: ControlPlane, wanted: Sequence[Request]) -> Run:
    """Send all of them, 16 at a time over connections that are kept; raises `ValueError` for what is refused."""
    return replay(plane, [(each,) for each in wanted])


def replay(plane: ControlPlane, chains: Sequence[Sequence[Request]]) -> Run:
    """Send chains of requests, 16 chains at a time, each one in its order; raises `ValueError` for what is refused."""
    return asyncio.run(_timed(plane, chains))


async def _timed(plane: ControlPlane, chains: Sequence[Sequence[Request]]) -> Run:
    tls = ssl.create_default_context(cafile=str(plane.site.identity.certificate_authority))
    token = plane.site.identity.tokens[identity.ADMIN]
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT, ssl=tls)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        left = iter(chains)
        started, used = time.monotonic(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(_work(session, plane.site.server, left))
        return Run(seconds=time.monotonic() - started, cpu=time.process_time() - used)


async def _work(session: aiohttp.ClientSession, server: str, left: Iterator[Sequence[Request]]) -> None:
    for chain in left:
        for request in chain:
            await _send(session, server, request)


async def _send(session: aiohttp.ClientSession, server: str, request: Request) -> None:
    url = yarl.URL(server + request.target, encoded=True)
    headers = {"User-Agent": request.agent, "Content-Type": request.content_type}
    async with session.request(request.verb, url, data=request.body, headers=headers) as response:
        content = await response.read()
        if response.status not in {200, 201}:
            raise ValueError(f"{request.verb} {request.target}: {response.status} {content[:300]!r}")
