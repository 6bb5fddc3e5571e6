"""Search all kinds, once, for objects of a repository whose status no longer names their kinds."""

from __future__ import annotations

from towline import aio, log
from towline.api import labels
from towline.api.gitrepository import GitRepository
from towline.errors import ApiError
from towline.kube import calls
from towline.kube.client import IN_FLIGHT, Client
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.model import GroupKind, Resource
from towline.records.ledger import Ledger

_log = log.logger(__name__)


class Sweep:
    """Finds the kinds of owned objects by the label on them.

    Args:
        client: of the API server.
        discovery: knows the kinds that can be listed.
        index: the live objects of the kinds that are watched already.
        ledger: knows whether a repository of this name has ever written anything.
    """

    def __init__(self, client: Client, discovery: Discovery, index: Index, ledger: Ledger) -> None:
        self._client = client
        self._discovery = discovery
        self._index = index
        self._ledger = ledger

    async def kinds(self, repository: GitRepository) -> frozenset[GroupKind]:
        """Return the kinds of all objects with the repository's label; none if nothing hints that there are any.

        Objects with the label, Towline's finalizer, which is there before the first write, and a record are such hints.

        Raises:
            ClusterError: a kind that is served could not be listed.
        """
        hinted = (
            self._index.owned(repository.label)
            or labels.FINALIZER in repository.finalizers
            or await self._ledger.known(repository.key, repository.uid)
        )
        return await self.everywhere(repository.label) if hinted else frozenset()

    async def everywhere(self, label: str) -> frozenset[GroupKind]:
        """Return the kinds of all objects with `label`, by one list of at most one object for each kind.

        A kind that Towline may not list is left out: it may not write it either. A kind that cannot be read counts as
        one that has such objects.

        Raises:
            ClusterError: a kind that is served could not be listed.
        """
        denied: list[str] = []

        async def found(resource: Resource) -> GroupKind | None:
            query = {"labelSelector": f"{labels.REPOSITORY_LABEL}={label}", "limit": "1"}
            try:
                answer = await self._client.request(
                    "GET", resource.path(), query=query, accept=calls.METADATA_LIST
                )
            except ApiError as error:
                if error.code == 403:
                    denied.append(str(resource.group_kind))
                elif error.code >= 500:
                    return resource.group_kind  # it may hold some: whoever prunes waits until it can be read
                elif error.code not in {404, 405}:
                    raise
                return None
            return resource.group_kind if answer.body.get("items") else None

        kinds = await aio.gather(found, await self._discovery.listable(), IN_FLIGHT)
        if denied:
            _log.warning(
                "kinds skipped, for lack of the right to list them", label=label, kinds=sorted(denied)
            )
        return frozenset(kind for kind in kinds if kind)
