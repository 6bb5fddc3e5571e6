"""Read SyncRecords as they are stored, of one repository, of a namespace, or of the cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator

from towline.api import syncrecord
from towline.model import Body
from towline.read import read_errors
from towline.read.cluster import Cluster

_PAGE = "50"
"""A record may have half a MiB, and most have a few KiB."""

EVERYWHERE = ""


async def bodies(cluster: Cluster, namespace: str, repository: str = "") -> AsyncIterator[Body]:
    """Yield records, those of each page in the order of their names.

    Args:
        cluster: where they are.
        namespace: that of their repositories, which need not be that of the records; all where it is EVERYWHERE.
        repository: the name of one repository, also one that is gone; empty for all.
    """
    chosen = {"spec.repository.namespace": namespace, "spec.repository.name": repository}
    selector = ",".join(f"{field}={value}" for field, value in chosen.items() if value)
    place = await cluster.records_place(namespace, selector) if namespace else EVERYWHERE
    query = {"fieldSelector": selector, "limit": _PAGE} if selector else {"limit": _PAGE}
    with read_errors.named("list", syncrecord.RESOURCE, place):
        async for page in cluster.client.pages(syncrecord.RESOURCE.path(place), query):
            for item in page.get("items") or ():
                yield {"apiVersion": syncrecord.API_VERSION, "kind": syncrecord.KIND, **item}
