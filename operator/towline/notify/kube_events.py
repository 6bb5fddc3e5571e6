"""Post Kubernetes Events about GitRepositories, which `kubectl describe` and `kubectl events` show."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import towline
from towline import log, text
from towline.api import labels
from towline.api.gitrepository import RESOURCE, GitRepository
from towline.errors import ApiError, ClusterError
from towline.kube import calls
from towline.kube.client import Client
from towline.model import Key
from towline.notify.announcement import Announcement

_log = log.logger(__name__)

_SECONDS = 5.0
"""Seconds for the answer to one Event: no pass waits longer for it."""

_MESSAGE_BYTES = 1024
"""What the API server takes as the message of an event."""


class KubeEvents:
    """Posts Events about GitRepositories.

    Args:
        client: sends the requests.
        instance: the name of this operator process.
        now: the current time, with its zone.
    """

    def __init__(self, client: Client, instance: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._instance = instance
        self._now = now

    async def post(self, repository: GitRepository, news: Announcement) -> None:
        """Post an announcement as an Event; a repetition raises its count, and a refused one is dropped."""
        try:
            await self._post(repository.key, self._event(repository, news))
        except ClusterError as error:
            _log.debug(
                "event not posted", repository=str(repository.key), reason=news.reason, error=error.message
            )

    def _event(self, repository: GitRepository, news: Announcement) -> dict[str, Any]:
        namespace, name = repository.key
        message = text.printable(news.message, _MESSAGE_BYTES)
        time = text.timestamp(self._now())
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
            "metadata": {
                "namespace": namespace,
                "name": _name(repository, news.weight, news.reason, message),
            },
            "involvedObject": about,
            "type": news.weight,
            "reason": news.reason,
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
        agent = labels.user_agent(towline.__version__, key, "", "")  # it belongs to no commit and no record
        try:
            await self._client.request("POST", events, body=body, user_agent=agent, timeout=_SECONDS)
        except ApiError as error:
            if error.status_reason != "AlreadyExists":
                raise
        else:
            return
        path = f"{events}/{body['metadata']['name']}"
        known = (await self._client.request("GET", path, timeout=_SECONDS)).body
        again = {"count": int(known.get("count") or 1) + 1, "lastTimestamp": body["lastTimestamp"]}
        await self._client.request(
            "PATCH",
            path,
            body=again,
            content_type=calls.MERGE_PATCH,
            user_agent=agent,
            timeout=_SECONDS,
        )


def _name(repository: GitRepository, *said: str) -> str:
    """Return a name that identifies equal Events, within the 253 bytes of a name."""
    digest = hashlib.sha256("\n".join((repository.uid, *said)).encode()).hexdigest()[:16]
    return f"{repository.key.name[:230].rstrip('.-')}.{digest}"
