"""asyncio as Towline uses it: tasks that end with their owner, many steps at a time, waiting with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks, and wait until each has ended, however it does."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def gather(act: Callable[[T], Awaitable[R]], items: Sequence[T], width: int) -> tuple[R, ...]:
    """Return what `act` gives for each item, in their order; at most `width` of them run at a time.

    The first exception cancels the other steps and is raised as it is.
    """
    results: dict[int, R] = {}
    rest = iter(enumerate(items))

    async def work() -> None:
        for index, item in rest:  # shared by all workers: each takes the next item when it is free
            results[index] = await act(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(width, len(items))):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return tuple(results[index] for index in range(len(items)))


async def until(check: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Ask `check` at growing intervals until it says yes, for at most `seconds`; return its last answer."""
    clock = asyncio.get_running_loop().time
    end_at = clock() + seconds
    pause = _FIRST_PAUSE
    while not await check():
        if clock() + pause > end_at:
            return False
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return True
