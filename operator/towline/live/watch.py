"""Watch the objects of one kind that carry Towline's label, and start the watch anew whenever it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from towline import log
from towline.api import labels
from towline.api.stateless_kinds import is_stateless
from towline.errors import ApiError, ClusterError
from towline.kube import calls, nesting
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.model import Body, GroupKind, Resource

SILENCE_SECONDS = 67.0
"""A server sends a bookmark each minute; when even that stays out, the connection is dead."""

OPEN_SECONDS = 15.0
"""How long a server may take to accept a watch, and between the events of its initial list."""

TROUBLE_SECONDS = 3.0
"""How long nothing may be heard of a kind that is not listed before it counts as one that cannot be read."""

LONGEST_SECONDS = 60.0
"""The longest pause before the server is asked again, whatever it demands: no drift is seen meanwhile."""

PAUSE_SECONDS = 5.0
"""How long a watch pauses at most: meanwhile others may change what was created."""

_STEP = 1 / 64
"""The alarm is set anew in steps of at least this fraction of its time: thousands of events come in a second."""

PAGE = "500"
WHOLE_PAGE = "100"
"""How many objects a list asks for at once, of metadata and of whole objects."""

_SILENT = "the API server has not listed it yet"
_LISTED = "k8s.io/initial-events-end"
_SELECTED = {"labelSelector": labels.REPOSITORY_LABEL}
_STREAMED = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
_NOT_STREAMED = frozenset({400, 405, 406, 415, 422})

_log = log.logger(__name__)


class Sink(Protocol):
    """Receives the events of a watch; the methods take metadata-only or whole objects."""

    def listing(self) -> None:
        """A complete list begins: what `listed` finds unseen by then does not exist."""

    def present(self, body: Body) -> None:
        """The object exists in this state."""

    def absent(self, body: Body) -> None:
        """The object was deleted, or lost Towline's label; `body` is its last state."""

    def listed(self) -> None:
        """The list is complete."""

    def gone(self) -> None:
        """The kind itself was removed, and all its objects with it."""


class Watch:
    """Follows one kind: its metadata, or whole objects where their health needs more.

    A watch that the server ends goes on from the version that was seen last. After silence, a lost connection or an
    error, the kind is listed anew, from etcd: the server may have come back with a store from before that version, and
    would tell nothing until as much was written as was lost.

    `ready` is set while the sink holds what the server has; `problem` says why it does not. `settled` is set
    while it is ready, `denied` holds the words by which the server has forbidden it, or it `is_troubled`: for seconds
    nothing was heard of a kind that is not listed.

    Args:
        client: of the API server.
        discovery: says where the kind is served.
        kind: the kind.
        sink: keeps its objects.
        jitter: random numbers from 0 to 1.
        pauses: whether the watch ends with its first list, and begins again when it is told to: thousands of creations
            are not told while they happen, but as the list with which the second watch begins.
        on_trouble: called when the kind begins to be in trouble, and when that is over.
        on_lost: called when a watch has ended so that the kind must be listed anew.
    """

    def __init__(  # noqa: PLR0913  whom it asks about what, whom it tells, and when
        self,
        client: Client,
        discovery: Discovery,
        kind: GroupKind,
        sink: Sink,
        *,
        jitter: Callable[[], float],
        pauses: bool = False,
        on_trouble: Callable[[], None] = lambda: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.kind = kind
        self._is_whole = not is_stateless(kind)
        self.ready = asyncio.Event()
        self.settled = asyncio.Event()
        self.denied = ""
        self.is_troubled = False
        self.problem = _SILENT
        self._client = client
        self._discovery = discovery
        self._sink = sink
        self._jitter = jitter
        self._resumed = asyncio.Event()
        if not pauses:
            self._resumed.set()
        self._version = ""
        self._paged = False
        self._failures = 0
        self._warned = False
        self._named = ("", "")
        self._on_trouble = on_trouble
        self._on_lost = on_lost
        self._heard_at = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def is_paused(self) -> bool:
        """Whether the kind was listed, and no event of it can come before it is listed again."""
        return self.ready.is_set() and not self._resumed.is_set()

    def resume(self) -> None:
        """End the pause: the watch is ready again when the kind is listed again."""
        if self.is_paused:
            self.ready.clear()
            self.problem = "not listed again yet"
            self._unsettle()
        self._resumed.set()

    async def run(self) -> None:
        """Follow the kind; return when it is gone for good."""
        self._expect()
        while True:
            try:
                resource = await self._discovery.resource(self.kind)
                if resource is None and await self._discovery.gone(self.kind):
                    break
                await self._session(resource)
                wait = self._backoff(4.0)
            except TimeoutError:
                self._paged = self._paged or not self._version  # a server that does not know initial events
                wait = self._failed(ClusterError("the watch went silent"))
            except ClusterError as error:
                wait = self._failed(error)
            await asyncio.sleep(wait)
        self._sink.gone()

    async def _session(self, resource: Resource | None) -> None:
        """Follow the kind until the server ends the connection, from a list of its objects if need be."""
        if resource is None:
            raise ClusterError("the kind is not served at the moment")
        start = _STREAMED
        if self._version or self._paged:
            start = {"resourceVersion": self._version or await self._list(resource)}
        if not self.is_paused:
            await self._stream(resource, start)
            self._paged = self._paged or not self._version  # it has ended before its list was told
        if self.is_paused:
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_SECONDS):
                    await self._resumed.wait()
            self.resume()
            self._version = ""
            await self._session(resource)

    async def _list(self, resource: Resource) -> str:
        """Read the objects in pages; return the version to watch from."""
        self._sink.listing()
        query = {**_SELECTED, "limit": WHOLE_PAGE if self._is_whole else PAGE}
        accept = calls.JSON if self._is_whole else calls.METADATA_LIST
        version = ""
        async for page in self._client.pages(resource.path(), query, accept=accept):
            self._heard_at = self._now()
            for item in page.get("items") or ():
                self._present(item)
            version = page["metadata"]["resourceVersion"]
        self._complete(version)
        return self._version

    async def _stream(self, resource: Resource, start: dict[str, str]) -> None:
        seconds = str(round(300 + 240 * self._jitter()))
        query = {**_SELECTED, **start, "watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": seconds}
        if not self._version:
            self._sink.listing()  # before the server lists: what is answered from now on may be missing in it
        async with (
            asyncio.timeout(OPEN_SECONDS) as patience,
            self._client.stream(
                resource.path(), query, accept=calls.JSON if self._is_whole else calls.METADATA
            ) as events,
        ):
            if self._version:
                self._works()
            patience.reschedule(self._patient_until())
            async for event in events:
                self._take(event)
                if self.is_paused:
                    break
                until = self._patient_until()
                if abs(until - (patience.when() or 0.0)) > _STEP * SILENCE_SECONDS:
                    patience.reschedule(until)
            patience.reschedule(None)

    def _patient_until(self) -> float:
        seconds = SILENCE_SECONDS if self._version else OPEN_SECONDS
        return self._now() + seconds

    def _take(self, event: dict[str, Any]) -> None:
        body: Body = event["object"]
        if event["type"] == "ERROR":
            raise calls.refusal_of(body)
        self._heard_at = self._now()
        version = body["metadata"]["resourceVersion"]
        match event["type"]:
            case "BOOKMARK":
                if self._version or (body["metadata"].get("annotations") or {}).get(_LISTED) == "true":
                    self._complete(version)
            case "DELETED":
                self._sink.absent(body)
            case _:
                self._present(body)
        # the initial events come in the order of names, and each list begins with them anew
        if self._version:
            self._version = version
            self._failures = 0

    def _present(self, body: Body) -> None:
        """Hand an object over; one that is nested too deeply to be read whole is named, once as it is."""
        if isinstance(body, nesting.Cut):
            metadata = body["metadata"]
            seen = (metadata["uid"], metadata["resourceVersion"])
            if seen != self._named:
                self._named = seen
                name = "/".join(filter(None, (metadata.get("namespace", ""), metadata["name"])))
                _log.warning("object is nested too deeply", object=f"{self.kind}/{name}")
        self._sink.present(body)

    def _complete(self, version: str) -> None:
        if not self._version:
            self._sink.listed()
        self._version = version
        self._works()

    def _works(self) -> None:
        if self._warned:
            _log.info("kind is watched again", kind=str(self.kind))
        self._warned = False
        self.problem = self.denied = ""
        self.finished()

    def finished(self) -> None:
        """Release everyone who waits for the kind."""
        self.ready.set()
        self.settled.set()
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        if self.is_troubled:
            self.is_troubled = False
            self._on_trouble()

    def _unsettle(self) -> None:
        """Let everyone who asks for the kind wait, unless it stays away for too long."""
        self.settled.clear()
        if self._alarm is None:
            self._expect()

    def _expect(self) -> None:
        """Set the alarm that rings unless the kind is ready in time, or is being listed."""
        self._heard_at = self._now()
        self._alarm = asyncio.get_running_loop().call_later(TROUBLE_SECONDS, self._overdue)

    def _overdue(self) -> None:
        left = self._heard_at + TROUBLE_SECONDS - self._now()
        if left > 0:
            self._alarm = asyncio.get_running_loop().call_later(left, self._overdue)
            return
        self._alarm = None
        self.is_troubled = True
        self.settled.set()
        self._on_trouble()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _failed(self, error: ClusterError) -> float:
        """Note why the watch ended; return the seconds until the next attempt."""
        code = error.code if isinstance(error, ApiError) else 0
        if code in _NOT_STREAMED and not self._version:
            self._paged = True
        if self._version and code != 429:  # a busy server is the one that it was
            self._version = ""
            self._on_lost()
        if code == 404:
            self._discovery.invalidate()
        self.problem = error.message
        self.ready.clear()
        self.denied = error.message if code == 403 else ""
        if self.denied or self.is_troubled:
            self.settled.set()
        else:
            self._unsettle()
        if self._failures and not self._warned:
            self._warned = True
            _log.warning("kind cannot be watched", kind=str(self.kind), error=error.message)
        return max(self._backoff(20.0 if code else 4.0), min(error.retry_after, LONGEST_SECONDS))

    def _backoff(self, cap: float) -> float:
        """Count one more end since the last event; a server that was away must be found again soon."""
        self._failures += 1
        return min(0.2 * 2.0 ** min(self._failures - 1, 10), cap) * (0.5 + self._jitter())
