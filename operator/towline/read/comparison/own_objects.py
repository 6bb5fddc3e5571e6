"""List what a repository owns in the cluster, as far as the user may list it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from towline.api import labels
from towline.health import assessment
from towline.live.observed import live_from, ref_from
from towline.model import Body, GroupKind, Health, Live, ObjectRef
from towline.read.cluster import Cluster
from towline.read.comparison.believed_stamps import BelievedStamps
from towline.read.permitted_list import PermittedList


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
        cluster: where, and as whom.
        assess: says how an object is.
    """

    def __init__(
        self, cluster: Cluster, assess: Callable[[Body, GroupKind], Health] = assessment.assess
    ) -> None:
        self._cluster = cluster
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
            resource = await self._cluster.discovery.resource(kind)
            if resource is None:
                continue
            selector = f"{labels.REPOSITORY_LABEL}={label}"
            listing = PermittedList(self._cluster, resource, namespaces, selector)
            async for body in listing.bodies():
                ref = ref_from(body["metadata"], kind)
                annotations[ref] = (body["metadata"].get("annotations") or {}).get(labels.OWNER, "")
                live[ref] = live_from(body, stamps, ref, assess=self._assess)
            if not listing.places:
                unread.add(kind)
            elif not listing.is_whole:
                partly.add(kind)
        known = replace(stamps, annotations=annotations)
        return OwnObjects(live=live, stamps=known, unread=frozenset(unread), partly=frozenset(partly))
