"""List what a repository owns in the cluster, as far as the user may list it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from towline.api import labels
from towline.errors import ApiError
from towline.health import assessment
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.live.observed import live_from, ref_from
from towline.model import Body, GroupKind, Health, Live, ObjectRef, Resource
from towline.read.comparison.believed_stamps import BelievedStamps

_PAGE = "250"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnObjects:
    """The live objects with a repository's label.

    `stamps` read their owner annotations. `unread` are the kinds that the user may not list, `partly` those of which
    only objects in some namespaces could be listed.
    """

    live: Mapping[ObjectRef, Live]
    stamps: BelievedStamps
    unread: frozenset[GroupKind] = frozenset()
    partly: frozenset[GroupKind] = frozenset()


class OwnObjectsReader:
    """Lists objects by label, with the rights of the user.

    Args:
        client: sends the requests.
        discovery: says how kinds are served.
        assess: says how an object is.
    """

    def __init__(
        self,
        client: Client,
        discovery: Discovery,
        assess: Callable[[Body, GroupKind], Health] = assessment.assess,
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._assess = assess

    async def read(self, label: str, kinds: Iterable[GroupKind], namespaces: Sequence[str]) -> OwnObjects:
        """Return the objects of some kinds: of all namespaces, or, where that is forbidden, of those that are named.

        Raises:
            ClusterError: the API server gives no answer.
        """
        stamps = BelievedStamps(key=b"")
        live: dict[ObjectRef, Live] = {}
        annotations: dict[ObjectRef, str] = {}
        unread, partly = set(), set()
        for kind in sorted(kinds):
            resource = await self._discovery.resource(kind)
            if resource is None:
                continue
            places = await self._places(resource, label, namespaces)
            if not places:
                unread.add(kind)
            elif places != ("",):
                partly.add(kind)
            for place in places:
                async for body in self._listed(resource, place, label):
                    ref = ref_from(body["metadata"], kind)
                    annotations[ref] = (body["metadata"].get("annotations") or {}).get(labels.OWNER, "")
                    live[ref] = live_from(body, stamps, ref, assess=self._assess)
        known = replace(stamps, annotations=annotations)
        return OwnObjects(live=live, stamps=known, unread=frozenset(unread), partly=frozenset(partly))

    async def _places(self, resource: Resource, label: str, namespaces: Sequence[str]) -> tuple[str, ...]:
        """Return where the user may list a kind: everywhere (empty), or in which of some namespaces."""
        if await self._may_list(resource, "", label):
            return ("",)
        if not resource.namespaced:
            return ()
        return tuple([place for place in namespaces if await self._may_list(resource, place, label)])

    async def _may_list(self, resource: Resource, namespace: str, label: str) -> bool:
        try:
            await self._client.request("GET", resource.path(namespace), query={**_query(label), "limit": "1"})
        except ApiError as error:
            if error.code in {403, 404, 405}:
                return False
            raise
        return True

    async def _listed(self, resource: Resource, namespace: str, label: str) -> AsyncIterator[Body]:
        async for page in self._client.pages(resource.path(namespace), _query(label)):
            for item in page.get("items") or ():
                yield {**item, "apiVersion": resource.api_version, "kind": resource.kind}


def _query(label: str) -> dict[str, str]:
    return {"labelSelector": f"{labels.REPOSITORY_LABEL}={label}", "limit": _PAGE}
