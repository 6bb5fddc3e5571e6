"""The event loop's threads: what one repository computes holds up no other."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from towline.model import Key
from towline.shares import behalf
from towline.shares.behalf import OPERATOR
from towline.shares.cgroup import Capacity
from towline.shares.holds import Share
from towline.shares.pools import Pools
from towline.shares.threads import Threads
from towline.shares.usage import Usage


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    shared = Threads(Share(limit=3, slow=1, quick_seconds=0.05), time.monotonic, Usage(time.monotonic))
    asyncio.get_running_loop().set_default_executor(shared)
    yield shared
    shared.shutdown()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())  # the loop goes on without it


async def in_thread(name: str, call: object = None) -> str:
    with behalf.of(Key(name, name)):
        return await asyncio.to_thread(lambda: (call() if callable(call) else None, behalf.key().name)[1])


async def test_work_in_a_thread_knows_on_whose_behalf_it_runs(threads: Threads) -> None:
    assert await in_thread("app") == "app"
    assert await asyncio.to_thread(behalf.key) == OPERATOR


async def test_a_repository_that_computes_for_long_delays_no_other(threads: Threads) -> None:
    over = threading.Event()
    long = [asyncio.create_task(in_thread(f"long-{number % 4}", over.wait)) for number in range(40)]
    try:
        async with asyncio.timeout(10):
            assert await asyncio.gather(*(in_thread(f"small-{number}") for number in range(20)))
    finally:
        over.set()
    assert len(await asyncio.gather(*long)) == 40


async def test_an_error_in_a_thread_is_raised_where_it_is_waited_for(threads: Threads) -> None:
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(lambda: 1 / 0)
    assert await in_thread("next") == "next"


async def test_work_that_is_cancelled_before_its_turn_never_runs(threads: Threads) -> None:
    over, ran = threading.Event(), threading.Event()
    long = [asyncio.create_task(in_thread("long", over.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    late = asyncio.create_task(in_thread("long", ran.set))
    await asyncio.sleep(0)
    late.cancel()
    await asyncio.wait({late})
    await asyncio.sleep(0)  # in which the executor hears of it
    over.set()
    await asyncio.gather(*long)
    await in_thread("long")
    assert not ran.is_set()


async def test_work_that_waits_at_the_end_is_cancelled_and_none_begins_after_it(threads: Threads) -> None:
    over = threading.Event()
    long = [asyncio.create_task(in_thread("long", over.wait)) for _ in range(5)]
    await asyncio.sleep(0)
    over.set()
    threads.shutdown()
    ended = await asyncio.gather(*long, return_exceptions=True)
    assert {type(one) for one in ended} == {str, asyncio.CancelledError}
    with pytest.raises(RuntimeError):
        await in_thread("late")


@pytest.mark.parametrize(
    ("mib", "cpus", "children"), [(1024, 2, 4), (256, 1, 2), (24 * 1024, 2, 6), (24 * 1024, 16, 34)]
)
def test_children_are_as_many_as_the_container_has_room_for(mib: int, cpus: int, children: int) -> None:
    pools = Pools.of(Capacity(memory=mib * 1024**2, cpus=cpus), time.monotonic)
    taken = [pools.children.at_once(OPERATOR) for _ in range(children + 1)]
    assert taken.count(None) == 1
    assert pools.large_memory <= max(256, mib // 4) * 1024**2
