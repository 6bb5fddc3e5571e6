"""Know which states of GitRepositories were told, and what was missed whenever kopf's watch begins anew.

kopf goes on from the version that it saw last, for as long as it runs. An API server whose store was restored from a
backup has not come so far: it would tell nothing until as much was written as was lost. So before each watch that goes
on from a version, all GitRepositories are listed, from etcd. The version of that list shows whether the store is older.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from typing import Any

from towline.api import labels
from towline.api.gitrepository import RESOURCE
from towline.kube import calls
from towline.kube.client import Client
from towline.model import Body, Key

_TRIGGERS = (labels.RECONCILE, labels.CONFIRM_PRUNE, labels.ACCEPT_PIN, labels.SUSPEND)
"""The annotations of a GitRepository that ask for a pass; any other metadata may change without one."""

_PAGE = "500"


class Resumption:
    """Wakes repositories by what is told of them, and by what a list tells that was not.

    `went_back` is set when the API server is found to have an older store than it had: nothing that is remembered of
    it is true any more.

    Args:
        pages: lists the metadata of all GitRepositories, page by page.
        wake: asks for a pass.
        lost: is called when a watch begins anew, before anything is listed.
        leave: asks for a pass of a repository that is being deleted or gone; `wake` does, where it is None.
    """

    def __init__(
        self,
        pages: Callable[[], AsyncIterator[Body]],
        wake: Callable[[Key], None],
        lost: Callable[[], None] = lambda: None,
        leave: Callable[[Key], None] | None = None,
    ) -> None:
        self._pages = pages
        self._wake = wake
        self._lost = lost
        self._leave = leave or wake
        self._seen: dict[Key, tuple[Hashable, str]] = {}
        self.went_back = asyncio.Event()

    def told(self, resource: Mapping[str, Any]) -> None:
        """Take the state of a resource from an event."""
        key, asked = _key(resource), _asked(resource)
        known, _ = self._seen.get(key, (None, ""))
        self._seen[key] = asked, resource["metadata"]["resourceVersion"]
        if known != asked:
            (self._leave if resource["metadata"].get("deletionTimestamp") else self._wake)(key)

    def ended(self, key: Key) -> None:
        """Take from an event that a resource was deleted."""
        self._seen.pop(key, None)
        self._leave(key)

    async def resume(self, version: str) -> None:
        """List all resources before a watch goes on from `version`; wake those of which a state was not told.

        The status counts, too: that of a restored resource is an older one.

        Raises:
            ClusterError: the API server could not be asked.
        """
        self._lost()
        listed, newest = set(), ""
        async for page in self._pages():
            for item in page.get("items") or ():
                listed.add(key := _key(item))
                self._compare(key, item)
            newest = page["metadata"]["resourceVersion"]
        for key in self._seen.keys() - listed:
            self.ended(key)
        if _is_older(newest, version):
            self.went_back.set()

    def _compare(self, key: Key, resource: Body) -> None:
        state = _asked(resource), resource["metadata"]["resourceVersion"]
        if self._seen.get(key) != state:
            self._seen[key] = state
            self._wake(key)


def pages(client: Client) -> AsyncIterator[Body]:
    """List the metadata of all GitRepositories as etcd holds them now."""
    return client.pages(RESOURCE.path(), {"limit": _PAGE}, accept=calls.METADATA_LIST)


def _is_older(version: str, before: str) -> bool:
    """Compare two versions of one store, which are the revisions of etcd; what is not a number tells nothing."""
    return version.isdecimal() and before.isdecimal() and int(version) < int(before)


def _key(resource: Mapping[str, Any]) -> Key:
    metadata = resource["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])


def _asked(resource: Mapping[str, Any]) -> Hashable:
    """Return what a person may change in a resource, without the status, which Towline writes."""
    metadata = resource["metadata"]
    annotations = metadata.get("annotations") or {}
    return (
        metadata["uid"],
        metadata.get("generation"),
        metadata.get("deletionTimestamp"),
        *(annotations.get(name) for name in _TRIGGERS),
    )
