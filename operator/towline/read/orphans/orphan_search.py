"""Look through the metadata of all kinds for objects that nothing explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from towline import aio
from towline.api import labels
from towline.errors import ApiError
from towline.kube import calls
from towline.model import ObjectRef, Resource
from towline.read import read_errors
from towline.read.cluster import Cluster
from towline.read.orphans import explanations
from towline.read.orphans.explanations import KnownRepositories, Orphan
from towline.read.read_errors import AbsentError, NotAllowedError

_PAGE = "500"
_WIDTH = 8
_SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease"})
"""Namespaces of the cluster itself: with all namespaces, only what repositories left behind is reported of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanReport:
    """What was found, in the order of names, and what could not be looked at, each in words."""

    orphans: tuple[Orphan, ...]
    unread: tuple[str, ...]


async def search(cluster: Cluster, namespace: str) -> OrphanReport:
    """Look through one namespace, or through all of them and what has none where `namespace` is empty.

    Of objects without a namespace only what repositories left behind is reported. Nothing but metadata is read.

    Raises:
        ClusterError: there is no answer about what the API server serves, or about repositories.
    """
    repositories, unread = await _repositories(cluster, namespace)
    resources = [each for each in await cluster.discovery.listable() if each.namespaced or not namespace]

    async def found(resource: Resource) -> tuple[tuple[Orphan, ...], str]:
        try:
            return await _of_kind(cluster, resource, namespace, repositories), ""
        except AbsentError:
            return (), ""
        except NotAllowedError as error:
            return (), error.what
        except ApiError as error:
            if error.code in {404, 405}:
                return (), ""
            return (), f"list {resource.plural}: {error.message}"

    results = await aio.gather(found, resources, _WIDTH)
    orphans = sorted(
        (each for some, _ in results for each in some), key=lambda each: (each.ref.namespace, each.ref)
    )
    return OrphanReport(orphans=tuple(orphans), unread=(*unread, *(why for _, why in results if why)))


async def _repositories(cluster: Cluster, namespace: str) -> tuple[KnownRepositories, Sequence[str]]:
    """Return the repositories that the user may see, and in words those that may not be seen."""
    try:
        return explanations.known(await cluster.repositories(""), None), ()
    except NotAllowedError as error:
        place = namespace or cluster.namespace
        try:
            found = await cluster.repositories(place)
        except NotAllowedError:
            raise error from None
        unread = f"{error.what}: what GitRepositories of other namespaces made is taken as explained"
        return explanations.known(found, frozenset({place})), (unread,)


async def _of_kind(
    cluster: Cluster, resource: Resource, namespace: str, repositories: KnownRepositories
) -> tuple[Orphan, ...]:
    query = {"limit": _PAGE}
    if not resource.namespaced:
        query["labelSelector"] = labels.REPOSITORY_LABEL
    found: list[Orphan] = []
    place = namespace if resource.namespaced else ""
    with read_errors.named("list", resource, place):
        async for page in cluster.client.pages(resource.path(place), query, accept=calls.METADATA_LIST):
            for item in page.get("items") or ():
                metadata = item["metadata"]
                ref = ObjectRef(*resource.group_kind, metadata.get("namespace", ""), metadata["name"])
                orphan = explanations.orphan(ref, metadata, repositories)
                if orphan and (namespace or ref.namespace not in _SYSTEM or orphan.is_leftover):
                    found.append(orphan)
    return tuple(found)
