"""Repair drift during a pass, while the pass waits for something else.

It needs neither a fetch nor a render, so that it goes on while a Git server is silent or a new commit does not build.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from towline import aio
from towline.api.gitrepository import Mode, Spec
from towline.errors import TowlineError
from towline.live.index import Index
from towline.reconcile.drifted.drift_states import DriftStates
from towline.reconcile.repair import Repairs
from towline.reconcile.state import Repaired, Start
from towline.status import drift_fields

RECALL_SECONDS = 2.0
"""How long a restarted operator waits for Git before it repairs from the commit that was applied last."""


class Lanes:
    """Makes the repair lanes of all repositories.

    Args:
        repairs: restore, one after the other.
        drifts: know what was written last, and what differs.
        index: tells when another client changes an object.
    """

    def __init__(self, repairs: Repairs, drifts: DriftStates, index: Index) -> None:
        self._repairs = repairs
        self._drifts = drifts
        self._index = index

    def lane(self, start: Start) -> Lane:
        """Return the lane of one pass; nothing is repaired before it is opened."""
        return Lane(self._repairs, self._drifts, self._index, start)


class Lane:
    """The repairs during one pass.

    Attributes:
        repaired: the result of all repairs so far.
    """

    def __init__(self, repairs: Repairs, drifts: DriftStates, index: Index, start: Start) -> None:
        self._repairs = repairs
        self._drifts = drifts
        self._index = index
        self._start = start
        self._repository = start.repository
        self.repaired = Repaired()

    @asynccontextmanager
    async def open(self, spec: Spec) -> AsyncIterator[None]:
        """Repair what was changed since the last pass and, during the block, what others change.

        The end of the block waits for the last repair. After a restart, all objects are checked once the block takes
        long, or fails. Under Observe nothing is repaired.

        Raises:
            TowlineError: the block's own, or that of a repair, which ends the block.
        """
        await self._begin(spec)
        ended = asyncio.Event()
        failed: TowlineError | None = None
        async with aio.joined(self._mend_until(ended, spec)):
            try:
                yield
            except TowlineError as error:  # it must not cancel a repair that is being written
                failed = error
            ended.set()
        if failed:
            if self._is_recalled():
                await self._mend(spec, everything=True)
            raise failed

    async def go_on(self) -> None:
        """Repair what was changed although the spec is invalid by now, as the last valid one asked for.

        Raises:
            TowlineError: the API server could not be asked.
        """
        raw = self._repository.raw_spec
        known = self._drifts.known(self._repository)
        if known and not self._repository.is_suspended and raw.get("mode") != Mode.OBSERVE:
            await self._mend(known.spec)

    async def _begin(self, spec: Spec) -> None:
        if spec.mode is Mode.OBSERVE:
            self._drifts.forget(self._repository.key)
            self.repaired = Repaired(drift=drift_fields.UNASSESSED)
            return
        await self._repairs.recall(self._repository, spec)
        await self._mend(spec)

    async def _mend(self, spec: Spec, *, everything: bool = False) -> None:
        mended = await self._repairs.mend(self._start, spec, everything=everything)
        before, now = self.repaired, mended.repaired
        self.repaired = replace(
            before,
            record=now.record or before.record,
            drift=before.drift if now.drift is None else now.drift,
            restored=before.restored | now.restored,
        )
        if mended.error:
            raise mended.error

    async def _mend_until(self, ended: asyncio.Event, spec: Spec) -> None:
        """Repair whenever an owned object is changed; after a restart also after a while without a change."""
        over = asyncio.ensure_future(ended.wait())
        try:
            while not ended.is_set():
                await self._touched(over)
                if not ended.is_set():
                    await self._mend(spec, everything=self._is_recalled())
        finally:
            await aio.end(over)

    async def _touched(self, over: asyncio.Future[Any]) -> None:
        """Wait until an owned object is changed, or the block is over."""
        touched = asyncio.ensure_future(self._index.disturbances.wait(self._repository.label))
        try:
            limit = RECALL_SECONDS if self._is_recalled() else None
            await asyncio.wait({over, touched}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            touched.cancel()

    def _is_recalled(self) -> bool:
        known = self._drifts.known(self._repository)
        return known is not None and known.is_recalled
