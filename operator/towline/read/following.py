"""Follow the objects of one kind as they change, through every connection that breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

from towline.errors import ApiError, ClusterError
from towline.kube import calls
from towline.model import Body, Resource
from towline.read import read_errors
from towline.read.cluster import Cluster

SILENCE_SECONDS = 67.0
"""An API server sends a bookmark each minute; when even that stays out, the connection is dead."""

LONGEST_PAUSE = 5.0
"""Seconds between two tries to reach an API server that is away."""

_REFUSED = frozenset({401, 403})


class SeenObject(NamedTuple):
    """One object as it is now, or as it was when it was deleted."""

    body: Body
    is_gone: bool = False


class Follower:
    """Follows what one list shows: first all of it, then what changes, then what has changed after an interruption.

    Args:
        cluster: where.
        resource: the kind.
        namespace: of the objects, empty for all.
        selector: of labels.
        fields: a field selector.
        on_trouble: called with a sentence when the API server is lost, and again when it is back.
    """

    def __init__(  # noqa: PLR0913  what kubectl's watch takes
        self,
        cluster: Cluster,
        resource: Resource,
        namespace: str = "",
        *,
        selector: str = "",
        fields: str = "",
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._cluster = cluster
        self._resource = resource
        self._namespace = namespace
        self._selector = selector
        self._fields = fields
        self._on_trouble = on_trouble
        self._known: dict[str, Body] = {}
        self._version = ""
        self._failures = 0
        self._unanswered = 0

    async def batches(self) -> AsyncIterator[Sequence[SeenObject]]:
        """Yield what is there, and then what changes, for ever.

        Raises:
            NotAllowedError: the user may not list or watch it.
            ClusterError: the first list had no answer; later the API server is asked again and again.
        """
        yield await self._listed()
        while True:
            try:
                if not self._version:
                    missed = await self._listed()
                    self._is_back()
                    if missed:
                        yield missed
                async for seen in self._watched():
                    yield (seen,)
            except TimeoutError:
                self._version = ""
            except ClusterError as error:
                if isinstance(error, ApiError) and error.code in _REFUSED:
                    raise
                self._version = ""
                self._is_lost(error)
            await asyncio.sleep(min(0.2 * 2.0**self._failures, LONGEST_PAUSE))

    async def _listed(self) -> list[SeenObject]:
        """List anew; return what is not as it was seen last."""
        given = {"labelSelector": self._selector, "fieldSelector": self._fields, "limit": "250"}
        query = {name: value for name, value in given.items() if value}
        items: dict[str, Body] = {}
        version = ""
        with read_errors.named("list", self._resource, self._namespace):
            async for page in self._cluster.client.pages(self._path, query):
                items.update({item["metadata"]["uid"]: self._whole(item) for item in page.get("items") or ()})
                version = page["metadata"].get("resourceVersion", "")
        gone = [SeenObject(body, is_gone=True) for uid, body in self._known.items() if uid not in items]
        news = [SeenObject(body) for uid, body in items.items() if self._is_news(uid, body)]
        self._known, self._version = items, version
        return [*gone, *news]

    async def _watched(self) -> AsyncIterator[SeenObject]:
        """Yield changes until the server ends the watch."""
        given = {
            "labelSelector": self._selector,
            "fieldSelector": self._fields,
            "resourceVersion": self._version,
        }
        query = {name: value for name, value in given.items() if value}
        more = {"watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": "540"}
        with read_errors.named("watch", self._resource, self._namespace):
            async with (
                asyncio.timeout(SILENCE_SECONDS) as patience,
                self._cluster.client.stream(self._path, {**query, **more}) as events,
            ):
                async for event in events:
                    patience.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)
                    if seen := self._taken(event):
                        patience.reschedule(None)  # whoever shows it may take as long as it likes
                        yield seen
                        patience.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)

    def _taken(self, event: dict[str, Any]) -> SeenObject | None:
        body: Body = event["object"]
        if event["type"] == "ERROR":
            raise calls.refusal_of(body)
        self._version = body["metadata"]["resourceVersion"]
        self._failures = 0
        if event["type"] == "BOOKMARK":
            return None
        uid = body["metadata"]["uid"]
        if event["type"] == "DELETED":
            self._known.pop(uid, None)
            return SeenObject(body, is_gone=True)
        self._known[uid] = body
        return SeenObject(body)

    def _is_news(self, uid: str, body: Body) -> bool:
        known = self._known.get(uid)
        return known is None or known["metadata"].get("resourceVersion") != body["metadata"].get(
            "resourceVersion"
        )

    @property
    def _path(self) -> str:
        return self._resource.path(self._namespace)

    def _whole(self, item: Body) -> Body:
        return {"apiVersion": self._resource.api_version, "kind": self._resource.kind, **item}

    def _is_lost(self, error: ClusterError) -> None:
        if isinstance(error, ApiError) and error.code == 410:
            return  # too old to go on from: listed anew, nothing is missed
        self._failures += 1
        self._unanswered += 1
        if self._unanswered == 2:
            self._on_trouble(f"the API server is lost, and asked again until it answers: {error.message}")

    def _is_back(self) -> None:
        """Say that lists are answered again; the next tries stay slow until a watch tells something, too."""
        if self._unanswered >= 2:
            self._on_trouble("the API server is back")
        self._unanswered = 0
