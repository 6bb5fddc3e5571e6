"""Elect the replica that writes: the one that holds the Lease and renews it in time (see `lease_terms`)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, Protocol

from towline import log
from towline.controller import lease_terms
from towline.controller.lease_terms import Sighting
from towline.errors import ApiError, ClusterError
from towline.kube.client import Client

NAME = "towline"

RENEW_SECONDS = 2.5
LOOK_SECONDS = 1.0
TRY_SECONDS = 5.0
"""Seconds between renewals, between the looks of waiting replicas, and the deadline of each."""

RELEASE_SECONDS = 2.0

_KIND = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}

Pause = Callable[[float], Awaitable[None]]
Work = Callable[[], Coroutine[Any, Any, None]]

_log = log.logger(__name__)


class LeaseLostError(ClusterError):
    """Another replica leads, or may lead by now: this process must not write any more."""


class Leadership(Protocol):
    """The right to write."""

    @property
    def stands_by(self) -> bool:
        """Whether another replica is known to lead, so that this one only waits."""

    def seconds_left(self) -> float:
        """Return for how many seconds this process may still write; 0 or less if it may not."""

    async def lead(self, work: Work) -> None:
        """Run `work` while this process may write.

        Raises:
            LeaseLostError: this process may not write any more; `work` has been cancelled.
        """


class Alone:
    """The right to write of the only replica, which needs no Lease."""

    stands_by = False

    def seconds_left(self) -> float:
        """Return infinity: the only replica may always write."""
        return math.inf

    async def lead(self, work: Work) -> None:
        """Run `work`."""
        await work()


class Elector:
    """Competes for the Lease `towline` of a namespace.

    Args:
        client: used for nothing else, so that a renewal never waits behind other requests.
        namespace: of the Lease.
        holder: a name that no other process ever has.
        clock: monotonic seconds.
        now: the current time, with its zone, only for people to read.
        pause: waits a number of seconds.
    """

    def __init__(  # noqa: PLR0913  the door, who we are, and time
        self,
        client: Client,
        namespace: str,
        holder: str,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._client = client
        self._folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._namespace = namespace
        self._holder = holder
        self._clock = clock
        self._now = now
        self._pause = pause
        self._seen: Sighting | None = None
        self._until = -math.inf
        self._complaint = ""

    @property
    def stands_by(self) -> bool:
        """Whether the Lease names another replica."""
        return self._seen is not None and not self._seen.is_held_by(self._holder)

    def seconds_left(self) -> float:
        """Return for how many seconds this process may still write; 0 or less if it may not."""
        return self._until - self._clock()

    async def lead(self, work: Work) -> None:
        """Wait for the Lease, run `work` while this replica holds it, and release it at the end.

        Raises:
            LeaseLostError: it could not be renewed in time, or another replica holds it.
        """
        try:
            await self._acquire()
            await self._working(work)
        finally:
            await self._release()

    async def _working(self, work: Work) -> None:
        """Run `work` and renew the Lease until `work` has ended, however it ends."""
        working = asyncio.create_task(work(), name="lead")
        renewing = asyncio.create_task(self._renew(), name="renew the lease")
        try:
            await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (working, renewing):
                task.cancel()
                await asyncio.wait({task})
        for task in (renewing, working):
            if not task.cancelled():
                task.result()

    async def _acquire(self) -> None:
        _log.info("waiting to lead", lease=f"{self._namespace}/{NAME}", holder=self._holder)
        while True:
            await self._try(TRY_SECONDS)
            if self.seconds_left() > 0:
                break
            await self._pause(self._until_next_look())
        _log.info("leading", lease=f"{self._namespace}/{NAME}", holder=self._holder)

    def _until_next_look(self) -> float:
        runs_out = self._seen.runs_out() if self._seen else math.inf
        return min(max(runs_out - self._clock(), 0.05), LOOK_SECONDS)

    async def _renew(self) -> None:
        while (left := self.seconds_left()) > 0:
            await self._pause(min(LOOK_SECONDS if self._complaint else RENEW_SECONDS, left))
            await self._try(min(TRY_SECONDS, self.seconds_left()))
        raise LeaseLostError("the Lease is lost: another operator leads, or may lead by now")

    async def _try(self, seconds: float) -> None:
        """Read the Lease once, and take or renew it if allowed; a failure is left to the next try."""
        try:
            async with asyncio.timeout(seconds):
                await self._claim()
        except (ClusterError, TimeoutError) as error:
            complaint = str(error) or "no answer in time"
            if complaint != self._complaint:
                _log.warning("cannot use the Lease", lease=f"{self._namespace}/{NAME}", error=complaint)
            self._complaint = complaint
        else:
            self._complaint = ""

    async def _claim(self) -> None:
        lease = await self._look()
        if self._is_taken() or self._has_lapsed():
            self._until = -math.inf
            return
        began = self._clock()
        if await self._write(lease, self._holder):
            self._until = lease_terms.writes_until(began)

    def _is_taken(self) -> bool:
        seen = self._seen
        return seen is not None and not seen.is_held_by(self._holder) and seen.runs_out() > self._clock()

    def _has_lapsed(self) -> bool:
        """Tell whether this replica led and had to stop: another may have led since, so its knowledge is outdated."""
        return -math.inf < self._until <= self._clock()

    async def _look(self) -> Mapping[str, Any] | None:
        lease = await self._client.found(f"{self._folder}/{NAME}")
        if lease is None:
            return None  # what it said last still holds: its holder may not have seen yet that it is gone
        spec, now = lease.get("spec") or {}, self._clock()
        self._seen = self._seen.then(spec, now) if self._seen else Sighting(spec=spec, since=now)
        return lease

    async def _write(self, lease: Mapping[str, Any] | None, holder: str) -> bool:
        """Write the Lease if it still has the version that was read; False if another replica was quicker."""
        found = lease or {**_KIND, "metadata": {"name": NAME, "namespace": self._namespace}}
        body = {**found, "spec": lease_terms.claim(found.get("spec") or {}, holder, self._now())}
        verb, path = ("PUT", f"{self._folder}/{NAME}") if lease else ("POST", self._folder)
        try:
            await self._client.request(verb, path, body=body)
        except ApiError as error:
            if error.code == 409:
                return False
            raise
        return True

    async def _release(self) -> None:
        """Stop writing, then release the Lease, so that the next replica need not wait until it expires."""
        self._until = -math.inf
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                lease = await self._look()
                if lease and self._seen and self._seen.is_held_by(self._holder):
                    await self._write(lease, "")
        except (ClusterError, TimeoutError) as error:
            _log.warning("the Lease was not released", error=str(error) or "no answer in time")
