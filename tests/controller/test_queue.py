from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from towline.controller.queue import Work, WorkQueue
from towline.model import Key

A, B = Key("ns", "a"), Key("ns", "b")


@asynccontextmanager
async def running(work: Work, rescue: float = 60.0) -> AsyncIterator[WorkQueue]:
    queue = WorkQueue(work, time.monotonic, rescue)
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_pass_that_hangs_delays_no_other_repository() -> None:
    done = asyncio.Event()

    async def work(key: Key) -> float | None:
        if key == A:
            await asyncio.Event().wait()
        done.set()
        return None

    async with running(work) as queue:
        queue.wake(A)
        queue.wake(B)
        async with asyncio.timeout(5):
            await done.wait()


async def test_triggers_during_a_pass_lead_to_exactly_one_more_pass() -> None:
    passes = 0
    started, go_on, finished, idle = (asyncio.Event() for _ in range(4))

    async def work(_key: Key) -> float | None:
        nonlocal passes
        passes += 1
        started.set()
        await go_on.wait()
        if passes == 2:
            finished.set()
            asyncio.get_running_loop().call_later(0.05, idle.set)
        return None

    async with running(work) as queue:
        queue.wake(A)
        async with asyncio.timeout(5):
            await started.wait()
        for _ in range(100):
            queue.wake(A)
        go_on.set()
        async with asyncio.timeout(5):
            await finished.wait()
            await idle.wait()
    assert passes == 2


async def test_a_pass_comes_again_after_the_seconds_it_asked_for() -> None:
    moments: list[float] = []
    done = asyncio.Event()

    async def work(_key: Key) -> float | None:
        moments.append(time.monotonic())
        if len(moments) == 3:
            done.set()
            return None
        return 0.05

    async with running(work) as queue, asyncio.timeout(5):
        queue.wake(A)
        await done.wait()
    assert all(later - earlier >= 0.05 for earlier, later in itertools.pairwise(moments))


async def test_a_bug_in_one_pass_is_survived_and_tried_again() -> None:
    passes = 0
    done = asyncio.Event()

    async def work(_key: Key) -> float | None:
        nonlocal passes
        passes += 1
        if passes == 1:
            raise RuntimeError("a bug")
        done.set()
        return None

    async with running(work, rescue=0.01) as queue, asyncio.timeout(5):
        queue.wake(A)
        await done.wait()
    assert passes == 2


async def test_stopping_cancels_the_pass_in_flight_and_waits_for_it() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work(_key: Key) -> float | None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return None

    async with running(work) as queue:
        queue.wake(A)
        async with asyncio.timeout(5):
            await started.wait()
    assert ended.is_set()


async def test_wakes_that_may_wait_lead_to_passes_that_begin_apart() -> None:
    began: list[float] = []
    twice = asyncio.Event()

    async def work(_key: Key) -> float | None:
        began.append(time.monotonic())
        if len(began) == 2:
            twice.set()
        return 60.0

    async with running(work) as queue:
        for _ in range(100):
            queue.wake(A, apart=0.3)
            await asyncio.sleep(0.001)
        async with asyncio.timeout(5):
            await twice.wait()
    assert len(began) == 2
    assert began[1] - began[0] >= 0.3


async def test_an_urgent_wake_does_not_wait_for_one_that_may() -> None:
    began: list[float] = []
    twice = asyncio.Event()

    async def work(_key: Key) -> float | None:
        began.append(time.monotonic())
        if len(began) == 2:
            twice.set()
        return 60.0

    async with running(work) as queue:
        queue.wake(A)
        async with asyncio.timeout(5):
            while not began:  # noqa: ASYNC110  the first pass
                await asyncio.sleep(0.001)
            queue.wake(A, apart=60)
            queue.wake(A)
            await twice.wait()


async def test_a_repository_that_waits_for_a_trigger_is_known_until_it_is_gone() -> None:
    waits = iter((math.inf, None))
    passed = asyncio.Event()

    async def work(_key: Key) -> float | None:
        passed.set()
        return next(waits)

    async with running(work) as queue, asyncio.timeout(5):
        for known in ({A}, set()):
            queue.wake(A)
            await passed.wait()
            passed.clear()
            await asyncio.sleep(0)
            assert queue.known == known
