"""Many awaitable steps at a time, a bounded number of them begun."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from towline.cluster.client import IN_FLIGHT

T = TypeVar("T")
R = TypeVar("R")

WIDTH = IN_FLIGHT
"""Steps begun at a time: with more than the client has slots, each request would wait in a queue of our own first."""


async def run(act: Callable[[T], Awaitable[R]], items: Sequence[T]) -> tuple[R, ...]:
    """Return what `act` gives for each item, in their order.

    The first exception cancels the other steps and is raised as it is.
    """
    results: dict[int, R] = {}
    rest = iter(enumerate(items))

    async def work() -> None:
        for index, item in rest:  # shared by all workers: each takes the next item when it is free
            results[index] = await act(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(WIDTH, len(items))):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return tuple(results[index] for index in range(len(items)))
