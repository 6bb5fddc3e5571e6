from __future__ import annotations

import asyncio

import pytest
from towline import aio


async def test_results_come_in_the_order_of_the_items_however_long_each_takes() -> None:
    last_done = asyncio.Event()

    async def act(item: int) -> int:
        if item == 2:
            last_done.set()
        await last_done.wait()
        return item * 10

    assert await aio.gather(act, [0, 1, 2], 16) == (0, 10, 20)


async def test_no_more_than_the_width_is_begun_at_a_time() -> None:
    begun = highest = 0

    async def act(_item: int) -> None:
        nonlocal begun, highest
        begun += 1
        highest = max(highest, begun)
        await asyncio.sleep(0)
        begun -= 1

    await aio.gather(act, range(80), 16)

    assert highest == 16


async def test_the_first_exception_is_raised_as_it_is_and_ends_the_others() -> None:
    ended: list[int] = []

    async def act(item: int) -> None:
        if item == 1:
            raise KeyError(item)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(item)

    with pytest.raises(KeyError):
        await aio.gather(act, [0, 1, 2], 16)
    assert 0 in ended


async def test_nothing_to_do_is_no_error() -> None:
    async def act(item: int) -> int:
        return item

    assert await aio.gather(act, [], 16) == ()
