from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

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


class Failing:
    """Work that fails when it is told to, and says when it has ended."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.ended = False

    async def run(self, _item: int = 0) -> None:
        try:
            await self.told.wait()
            raise KeyError("told")
        finally:
            self.ended = True


async def cancelled_after(task: asyncio.Task[None], work: Failing, turns: int) -> None:
    """Let work fail, and so many turns of the event loop later cancel who waits for it."""
    await asyncio.sleep(0.01)
    work.told.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=5)


@pytest.mark.parametrize("turns", range(8))
async def test_a_cancellation_in_the_moment_of_an_exception_ends_who_goes_on_after_exceptions(
    turns: int,
) -> None:
    work, other = Failing(), Failing()

    async def act(item: Failing) -> None:
        await item.run()

    async def go_on() -> None:
        with suppress(KeyError):
            await aio.gather(act, [work, other], 16)
        await asyncio.Event().wait()

    task = asyncio.create_task(go_on())
    await cancelled_after(task, work, turns)
    assert task.cancelled()
    assert other.ended


async def test_an_exception_in_one_step_does_not_spoil_a_deadline_around_it() -> None:
    work = Failing()
    work.told.set()

    async def go_on() -> None:
        async with asyncio.timeout(0.05):
            with suppress(KeyError):
                await aio.gather(work.run, [1], 16)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await go_on()


async def test_the_end_of_a_block_waits_for_what_was_joined_to_it() -> None:
    told, ended = asyncio.Event(), False

    async def work() -> None:
        nonlocal ended
        await told.wait()
        await asyncio.sleep(0)
        ended = True

    async with aio.joined(work()):
        told.set()
    assert ended


async def test_an_exception_of_what_was_joined_ends_the_block_and_is_raised_as_it_is() -> None:
    work = Failing()

    async def block() -> None:
        async with asyncio.timeout(5), aio.joined(work.run()):
            work.told.set()
            await asyncio.Event().wait()

    with pytest.raises(KeyError):
        await block()


async def test_an_exception_of_a_block_ends_what_was_joined_and_is_raised_as_it_is() -> None:
    work = Failing()

    async def block() -> None:
        async with aio.joined(work.run()):
            await asyncio.sleep(0)
            raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await block()
    assert work.ended


@pytest.mark.parametrize("waits", [True, False], ids=["within the block", "at its end"])
@pytest.mark.parametrize("turns", range(8))
async def test_a_cancellation_in_the_moment_in_which_joined_work_fails_is_not_lost(
    turns: int, *, waits: bool
) -> None:
    work = Failing()

    async def go_on() -> None:
        with suppress(KeyError):
            async with aio.joined(work.run()):
                if waits:
                    await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(go_on())
    await cancelled_after(task, work, turns)
    assert task.cancelled()
    assert work.ended


async def test_work_on_many_things_leaves_the_event_loop_and_work_on_few_does_not() -> None:
    assert await aio.aside(50, threading.get_ident) == threading.get_ident()
    assert await aio.aside(51, threading.get_ident) != threading.get_ident()
    assert await aio.aside(1, int, "11", base=2) == 3
