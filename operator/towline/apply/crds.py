"""Be patient with refusals that only mean that a new CRD is not served everywhere yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from towline import aio
from towline.apply.objects import Objects, WriteContext
from towline.errors import ApiError, Refusal
from towline.kube import refusals
from towline.kube.discovery import Discovery
from towline.model import Body, ObjectRef

R = TypeVar("R")

SETTLING_SECONDS = 30.0
"""Seconds after the write of a CRD in which "unknown field" in its group may be premature."""

PATIENCE_SECONDS = 5.0
"""Seconds for which one request is repeated; the next pass continues."""

_PASSING = frozenset({Refusal.UNKNOWN_FIELD, Refusal.UNKNOWN_KIND})


class Settling:
    """The groups whose CRDs were written in the last seconds, for all repositories."""

    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery
        self._until: dict[str, float] = {}

    async def established(self, objects: Objects, ref: ObjectRef, sync: WriteContext, seconds: float) -> str:
        """Wait until the CRD that was just written is served; return why it is not, empty where it is."""
        body: Body | None = None

        async def served() -> bool:
            nonlocal body
            body = await objects.read(ref, sync)
            return body is not None and _condition(body, "Established").get("status") == "True"

        fine = await aio.until(served, seconds)
        if body is not None:
            self._until[str(body["spec"]["group"])] = self._now() + SETTLING_SECONDS
        self._discovery.invalidate()
        return "" if fine else _why(body)

    async def patiently(self, group: str, act: Callable[[], Awaitable[R]]) -> R:
        """Call `act`, and again while its refusal may only mean that a CRD of `group` is not served yet."""
        if group not in self._until:
            return await act()
        now = self._now()
        end = min(self._until[group], now + PATIENCE_SECONDS)
        pause = 0.05
        while True:
            try:
                return await act()
            except ApiError as error:
                if self._now() + pause > end or not _passing(error):
                    raise
            self._discovery.invalidate()
            await asyncio.sleep(pause)
            pause *= 2

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _passing(error: ApiError) -> bool:
    return all(fault.reason in _PASSING for fault in refusals.faults(error))


def _condition(crd: Body, kind: str) -> Mapping[str, Any]:
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == kind), {})


def _why(crd: Body | None) -> str:
    if crd is None:
        return "it was deleted while we waited for it"
    for kind in ("NamesAccepted", "NonStructuralSchema", "Established"):
        found = _condition(crd, kind)
        if found.get("message") and found.get("status") == ("True" if kind.startswith("Non") else "False"):
            return str(found["message"])
    return "the API server has not established it yet"
