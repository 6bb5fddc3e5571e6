"""What we write about a repository itself: its status, its finalizer, its events."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Literal

import towline
from towline import log, text
from towline.api import gitrepository, labels
from towline.api.gitrepository import RESOURCE, GitRepository
from towline.errors import ApiError, ClusterError
from towline.kube import calls, refusals
from towline.kube.client import Client
from towline.model import Body, Key

_log = log.logger(__name__)

_PAGE = "50"
_EVENT_SECONDS = 5.0
_EVENT_BYTES = 1024
"""What the API server takes as the message of an event."""


def _utc() -> datetime:
    return datetime.now(UTC)


class Repositories:
    """Writes to GitRepositories and about them.

    Each write holds only for the resource that was read: what somebody changed meanwhile is not overwritten.

    Args:
        client: sends the requests.
        instance: which operator this is, in events.
        now: the current time, with its zone.
    """

    def __init__(self, client: Client, instance: str = "towline", now: Callable[[], datetime] = _utc) -> None:
        self._client = client
        self._instance = instance
        self._now = now

    async def read(self, key: Key) -> GitRepository | None:
        """Return the resource as it is now, None where it does not exist.

        Raises:
            ClusterError: the API server could not be asked.
        """
        try:
            return gitrepository.identify((await self._client.request("GET", RESOURCE.path(*key))).body)
        except ApiError as error:
            if refusals.is_absent(error):
                return None
            raise

    async def everyone(self, namespace: str = "") -> AsyncIterator[GitRepository]:
        """Give every GitRepository of a namespace, or of the cluster, a few at a time: they may be thousands.

        Raises:
            ClusterError: the API server could not be asked.
        """
        query = {"limit": _PAGE}
        while True:
            page = (await self._client.request("GET", RESOURCE.path(namespace), query=query)).body
            for item in page.get("items") or ():
                yield gitrepository.identify(item)
            if not (following := page["metadata"].get("continue")):
                return
            query = {"limit": _PAGE, "continue": following}

    async def write_status(self, repository: GitRepository, status: Body) -> GitRepository | None:
        """Replace the status, if it differs; return the resource after it.

        Returns None where the resource was changed or deleted since it was read: decide anew.

        Raises:
            ClusterError: the API server did not take it for another reason.
        """
        if status == repository.status:
            return repository
        return await self._patched(repository, {"op": "add", "path": "/status", "value": status}, "/status")

    async def add_finalizer(self, repository: GitRepository) -> GitRepository | None:
        """Add our finalizer, if it is not there; returns and raises as `write_status` does."""
        if labels.FINALIZER in repository.finalizers:
            return repository
        wanted = [*repository.finalizers, labels.FINALIZER]
        return await self._patched(repository, {"op": "add", "path": "/metadata/finalizers", "value": wanted})

    async def remove_finalizer(self, repository: GitRepository) -> bool:
        """Take our finalizer off, which lets a deleted resource go; False where it must be read again.

        Raises:
            ClusterError: the API server did not take it for another reason.
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

    async def event(
        self, repository: GitRepository, kind: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        """Post an event about a repository; the same once more is counted. A refused one is dropped."""
        body = self._event(repository, kind, reason, text.printable(message, _EVENT_BYTES))
        try:
            await self._post(repository.key, body)
        except ClusterError as error:
            _log.debug("event not posted", repository=str(repository.key), reason=reason, error=error.message)

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
        return gitrepository.identify(answer.body)

    def _event(self, repository: GitRepository, kind: str, reason: str, message: str) -> dict[str, Any]:
        namespace, name = repository.key
        time = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        about = {
            "apiVersion": f"{RESOURCE.group}/{RESOURCE.version}",
            "kind": RESOURCE.kind,
            "namespace": namespace,
            "name": name,
            "uid": repository.uid,
            "resourceVersion": repository.resource_version,
        }
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"namespace": namespace, "name": _event_name(repository, kind, reason, message)},
            "involvedObject": about,
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": time,
            "lastTimestamp": time,
            "source": {"component": "towline"},
            "reportingComponent": "towline.dev/operator",
            "reportingInstance": text.printable(self._instance, 128),
        }

    async def _post(self, key: Key, body: dict[str, Any]) -> None:
        events = f"/api/v1/namespaces/{key.namespace}/events"
        agent = _agent(key)
        try:
            await self._client.request("POST", events, body=body, user_agent=agent, timeout=_EVENT_SECONDS)
        except ApiError as error:
            if error.status_reason != "AlreadyExists":
                raise
        else:
            return
        path = f"{events}/{body['metadata']['name']}"
        known = (await self._client.request("GET", path, timeout=_EVENT_SECONDS)).body
        again = {"count": int(known.get("count") or 1) + 1, "lastTimestamp": body["lastTimestamp"]}
        await self._client.request(
            "PATCH",
            path,
            body=again,
            content_type=calls.MERGE_PATCH,
            user_agent=agent,
            timeout=_EVENT_SECONDS,
        )


def _agent(key: Key) -> str:
    """Return the user agent of writes about a repository itself, which belong to no commit and no record."""
    return labels.user_agent(towline.__version__, key, "", "")


def _event_name(repository: GitRepository, *said: str) -> str:
    """Return a name that the same event has again, and no other; names end at 253 bytes."""
    digest = hashlib.sha256("\n".join((repository.uid, *said)).encode()).hexdigest()[:16]
    return f"{repository.key.name[:230].rstrip('.-')}.{digest}"
