"""Which of several operators writes: one Lease, held by whoever renews it in time (`core.tenure` says how long)."""

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
"""How often the Lease is renewed, how often those who wait look at it, and how long each of that may take."""

RELEASE_SECONDS = 2.0

_KIND = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}

Pause = Callable[[float], Awaitable[None]]
Work = Callable[[], Coroutine[Any, Any, None]]

_log = log.logger(__name__)


class LeaseLostError(ClusterError):
    """Another operator leads, or may lead by now: this process must not go on as if it did."""


class Leadership(Protocol):
    """The right to write."""

    @property
    def stands_by(self) -> bool:
        """Whether another operator is known to lead, so that waiting is all that there is to do."""

    def seconds_left(self) -> float:
        """Return for how long we may still write; 0 or less where we may not."""

    async def lead(self, work: Work) -> None:
        """Run `work` while we may write.

        Raises:
            LeaseLostError: we may write no more; `work` has been cancelled.
        """


class Alone:
    """The only operator, who need not ask anybody."""

    stands_by = False

    def seconds_left(self) -> float:
        """Return infinity: we may always write."""
        return math.inf

    async def lead(self, work: Work) -> None:
        """Run `work`."""
        await work()


class Elector:
    """Competes for the Lease `towline` of a namespace.

    Args:
        client: has nothing else to do, so that a renewal never waits behind other requests.
        namespace: where the Lease lies.
        holder: names this process, and no other one ever.
        clock: monotonic seconds.
        now: the current time, with its zone; it is only shown.
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
        """Whether the Lease names somebody else."""
        return self._seen is not None and not self._seen.is_held_by(self._holder)

    def seconds_left(self) -> float:
        """Return for how long we may still write; 0 or less where we may not."""
        return self._until - self._clock()

    async def lead(self, work: Work) -> None:
        """Wait until the Lease is ours, run `work` as long as it is, and give it back in the end.

        Raises:
            LeaseLostError: it could not be renewed in time, or somebody else has it.
        """
        try:
            await self._acquire()
            await self._working(work)
        finally:
            await self._release()

    async def _working(self, work: Work) -> None:
        """Run `work` and the renewals side by side; the renewals go on until `work` has ended, however it does."""
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
        """Look at the Lease once, and take or renew it where we may; the next try mends what fails."""
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
        """Tell whether we led and had to stop: others may have led since, and what we began is out of date."""
        return -math.inf < self._until <= self._clock()

    async def _look(self) -> Mapping[str, Any] | None:
        lease = await self._client.found(f"{self._folder}/{NAME}")
        if lease is None:
            return None  # what it said last still holds: its holder may not have seen yet that it is gone
        spec, now = lease.get("spec") or {}, self._clock()
        self._seen = self._seen.then(spec, now) if self._seen else Sighting(spec=spec, since=now)
        return lease

    async def _write(self, lease: Mapping[str, Any] | None, holder: str) -> bool:
        """Write the Lease in the very version that was read; False where somebody was quicker."""
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
        """Stop writing, then say so, that the next one need not wait until the Lease runs out."""
        self._until = -math.inf
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                lease = await self._look()
                if lease and self._seen and self._seen.is_held_by(self._holder):
                    await self._write(lease, "")
        except (ClusterError, TimeoutError) as error:
            _log.warning("the Lease was not released", error=str(error) or "no answer in time")
