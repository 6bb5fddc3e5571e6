"""asyncio as Towline uses it: tasks that end with their owner, many steps at a time, waiting with a deadline.

Nothing here loses a cancellation. In Python 3.11, `asyncio.gather`, `TaskGroup` and `wait_for` do, where a task ends in
the very moment in which its caller is cancelled: a loop that goes on after errors then never ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_P = ParamSpec("_P")

_FEW = 50
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks, and wait until each has ended, whatever it raises."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)  # noqa: TID251  errors are results here, which hide nothing


async def gather(act: Callable[[T], Awaitable[R]], items: Sequence[T], width: int) -> tuple[R, ...]:
    """Return what `act` gives for each item, in their order; at most `width` of them run at a time.

    The first exception cancels the other steps and is raised as it is.
    """
    results: dict[int, R] = {}
    rest = iter(enumerate(items))

    async def work() -> None:
        for index, item in rest:  # shared by all workers: each takes the next item when it is free
            results[index] = await act(item)

    workers = [asyncio.create_task(work()) for _ in range(min(width, len(items)))]
    if workers:
        await _all(workers)
    return tuple(results[index] for index in range(len(items)))


async def aside(count: int, work: Callable[_P, R], /, *args: _P.args, **kwargs: _P.kwargs) -> R:
    """Return what `work` gives, which is quick for each of `count` things: in a thread where they are many.

    For few, to go to a thread and back takes longer than the work itself.
    """
    if count <= _FEW:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)


async def _all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for tasks; the first exception ends the others and is raised."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await end(*tasks)
    for task in tasks:
        if task in done:
            task.result()


@asynccontextmanager
async def joined(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` beside a block, whose end waits for it.

    An exception of one of the two ends the other and is raised as it is.
    """
    failure = asyncio.timeout(None)  # it tells its own cancellation of the block from any other
    task = asyncio.create_task(work)

    def interrupt(ended: asyncio.Task[None]) -> None:
        if not ended.cancelled() and ended.exception():
            with suppress(RuntimeError):  # the block has ended
                failure.reschedule(0.0)

    try:
        async with failure:
            task.add_done_callback(interrupt)
            yield
            await asyncio.wait({task})
    except TimeoutError:
        if not failure.expired():
            raise
    finally:
        await end(task)
    task.result()


async def until(check: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Call `check` at growing intervals until it returns True, for at most `seconds`; return its last answer."""
    clock = asyncio.get_running_loop().time
    end_at = clock() + seconds
    pause = _FIRST_PAUSE
    while not await check():
        if clock() + pause > end_at:
            return False
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return True
