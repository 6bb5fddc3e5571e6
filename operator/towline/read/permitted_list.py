"""List the objects of one kind as far as a user may: in all namespaces, or else in some."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from towline.errors import ApiError
from towline.kube import calls
from towline.model import Body, Resource
from towline.read.cluster import Cluster
from towline.read.read_errors import AbsentError, NotAllowedError

_NO_LIST = 405
"""Method Not Allowed: the kind cannot be listed at all."""


class PermittedList:
    """One listing, with what it could not list.

    Args:
        cluster: where, and as whom.
        resource: the kind.
        namespaces: where it is listed where the user may not list all namespaces.
        selector: of labels.
        accept: which encoding, whole objects or metadata alone.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        namespaces: Sequence[str],
        selector: str = "",
        accept: str = calls.JSON,
    ) -> None:
        self._cluster = cluster
        self._namespaces = namespaces
        self._selector = selector
        self._accept = accept
        self.resource = resource
        self.refused: list[str] = []
        """What the user may not do: `list secrets in namespace shop`."""
        self.places: list[str] = []
        """Where it was listed; "" stands for everywhere."""

    @property
    def is_whole(self) -> bool:
        """Whether everything was listed."""
        return self.places == [""]

    async def bodies(self) -> AsyncIterator[Body]:
        """Yield the objects.

        Raises:
            ClusterError: the API server gives no answer.
        """
        async for body in self._listed(""):
            yield body
        if self.is_whole or not self.resource.namespaced:
            return
        for place in self._namespaces:
            async for body in self._listed(place):
                yield body

    async def _listed(self, place: str) -> AsyncIterator[Body]:
        try:
            async for body in self._cluster.listed(self.resource, place, self._selector, accept=self._accept):
                yield body
        except NotAllowedError as error:
            self.refused.append(error.what)
        except (AbsentError, ApiError) as error:
            if isinstance(error, ApiError) and error.code != _NO_LIST:
                raise
            self.refused.append(f"list {self.resource.plural}")
        else:
            self.places.append(place)
