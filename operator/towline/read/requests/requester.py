"""Ask GitRepositories for something by annotation and spec, as the user, and wait for what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from towline.api import gitrepository
from towline.api.gitrepository import RESOURCE, GitRepository
from towline.errors import ApiError, ClusterError
from towline.kube import calls
from towline.read import read_errors
from towline.read.cluster import Cluster
from towline.read.read_errors import AbsentError

MANAGER = "towline-cli"
"""The field manager of what commands write."""

_LOOK_SECONDS = 0.5
_REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


class LastLook(NamedTuple):
    """A repository as it was seen last, and whether it is as was waited for."""

    repository: GitRepository
    is_done: bool


class Requester:
    """Asks as one user.

    Args:
        cluster: where.
        now: the current time, with its zone.
        pause: seconds between two looks at what was asked for.
    """

    def __init__(self, cluster: Cluster, now: Callable[[], datetime], pause: float = _LOOK_SECONDS) -> None:
        self._cluster = cluster
        self._now = now
        self._pause = pause

    async def user(self) -> str:
        """Return the name of the user as the API server knows it; empty where it does not tell."""
        try:
            answer = await self._cluster.client.request("POST", _REVIEWS, body=_REVIEW)
        except ApiError:
            return ""
        status: Mapping[str, Any] = answer.body.get("status") or {}
        return str((status.get("userInfo") or {}).get("username", ""))

    async def read(self, name: str) -> GitRepository:
        """Return a repository of the namespace as it is now.

        Raises:
            AbsentError: there is none of that name.
        """
        body = await self._cluster.get(RESOURCE, self._cluster.namespace, name)
        return gitrepository.identify(body, self._now())

    async def change(
        self,
        repository: GitRepository,
        annotations: Mapping[str, str | None],
        spec: Mapping[str, Any] | None = None,
    ) -> GitRepository:
        """Set annotations, or remove those that are None, and fields of the spec; return the resource after it.

        Raises:
            NotAllowedError: the user may not patch it.
            ClusterError: it was refused, or is another resource of that name by now.
        """
        key = repository.key
        patch: dict[str, Any] = {"metadata": {"uid": repository.uid, "annotations": dict(annotations)}}
        if spec:
            patch["spec"] = dict(spec)
        with read_errors.named("patch", RESOURCE, key.namespace, key.name):
            try:
                answer = await self._cluster.client.request(
                    "PATCH",
                    RESOURCE.path(*key),
                    query={"fieldManager": MANAGER},
                    body=patch,
                    content_type=calls.MERGE_PATCH,
                )
            except ApiError as error:
                if error.code == 409:
                    raise ClusterError(
                        f"GitRepository {key} was made anew meanwhile: look at it again"
                    ) from error
                raise
        return gitrepository.identify(answer.body, self._now())

    async def until(
        self, repository: GitRepository, is_done: Callable[[GitRepository], bool], seconds: float
    ) -> LastLook:
        """Look at a repository until it is as wanted, at most for some seconds; it is looked at once at least.

        Raises:
            AbsentError: it is gone, or another one has its name.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while True:
            found = await self.read(repository.key.name)
            if found.uid != repository.uid:
                raise AbsentError(f"GitRepository {repository.key} was deleted meanwhile")
            if (done := is_done(found)) or clock() >= end:
                return LastLook(found, done)
            await asyncio.sleep(min(self._pause, max(0.0, end - clock())))
