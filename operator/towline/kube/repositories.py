"""Read GitRepositories, and write their status and finalizer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import towline
from towline.api import gitrepository, labels
from towline.api.gitrepository import RESOURCE, GitRepository
from towline.errors import ApiError
from towline.fields.hidden.hidden_values import HiddenValues
from towline.kube import calls, refusals
from towline.kube.client import Client
from towline.model import Body, Key

_PAGE = "50"


class Repositories:
    """Reads and writes GitRepositories.

    Each write applies only to the version that was read: a change in between is never overwritten.

    Args:
        client: sends the requests.
        hidden: what no status may show.
        now: the current time, with its zone: what was read was so then.
    """

    def __init__(
        self,
        client: Client,
        hidden: HiddenValues | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._hidden = hidden or HiddenValues()
        self._now = now

    async def read(self, key: Key) -> GitRepository | None:
        """Return the resource as it is now, None where it does not exist.

        Raises:
            ClusterError: the API server could not be asked.
        """
        try:
            answer = await self._client.request("GET", RESOURCE.path(*key))
            return gitrepository.identify(answer.body, self._now())
        except ApiError as error:
            if refusals.is_absent(error):
                return None
            raise

    async def everyone(self, namespace: str = "") -> AsyncIterator[GitRepository]:
        """Yield every GitRepository of a namespace, or of the cluster, page by page: there may be thousands.

        Raises:
            ClusterError: the API server could not be asked.
        """
        async for page in self._client.pages(RESOURCE.path(namespace), {"limit": _PAGE}):
            for item in page.get("items") or ():
                yield gitrepository.identify(item, self._now())

    async def write_status(self, repository: GitRepository, status: Body) -> GitRepository | None:
        """Replace the status, if it differs; return the resource after it.

        None means that the resource was changed or deleted since it was read: decide anew.

        Raises:
            ClusterError: the API server refused it for another reason.
        """
        status = self._hidden.status(repository.key, status)
        if status == repository.status:
            return repository
        return await self._patched(repository, {"op": "add", "path": "/status", "value": status}, "/status")

    async def add_finalizer(self, repository: GitRepository) -> GitRepository | None:
        """Add Towline's finalizer, if it is not there; returns and raises as `write_status` does."""
        if labels.FINALIZER in repository.finalizers:
            return repository
        wanted = [*repository.finalizers, labels.FINALIZER]
        return await self._patched(repository, {"op": "add", "path": "/metadata/finalizers", "value": wanted})

    async def remove_finalizer(self, repository: GitRepository) -> bool:
        """Remove Towline's finalizer, which lets a deletion end; False if the resource must be read again.

        Raises:
            ClusterError: the API server refused it for another reason.
        """
        if labels.FINALIZER not in repository.finalizers:
            return True
        left = [name for name in repository.finalizers if name != labels.FINALIZER]
        operation = {"op": "add", "path": "/metadata/finalizers", "value": left}
        try:
            return await self._sent(repository, operation, "") is not None
        except ApiError as error:
            if refusals.is_absent(error):
                return True
            raise

    async def _patched(
        self, repository: GitRepository, operation: Body, subresource: str = ""
    ) -> GitRepository | None:
        try:
            return await self._sent(repository, operation, subresource)
        except ApiError as error:
            if refusals.is_absent(error):
                return None
            raise

    async def _sent(
        self, repository: GitRepository, operation: Body, subresource: str
    ) -> GitRepository | None:
        """Send one patch of the very version that was read; None on a conflict, ApiError where it is gone."""
        version = {"op": "replace", "path": "/metadata/resourceVersion", "value": repository.resource_version}
        try:
            answer = await self._client.request(
                "PATCH",
                RESOURCE.path(*repository.key) + subresource,
                body=[version, operation],
                content_type=calls.JSON_PATCH,
                user_agent=_agent(repository.key),
            )
        except ApiError as error:
            if error.code == 409:
                return None
            raise
        return gitrepository.identify(answer.body, self._now())


def _agent(key: Key) -> str:
    """Return the user agent of writes about a repository itself, which belong to no commit and no record."""
    return labels.user_agent(towline.__version__, key, "", "")
