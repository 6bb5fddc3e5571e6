"""Slots at what is scarce: shared fairly, never all of them held by one, and none lost."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter

import pytest
from towline.model import Key
from towline.shares.behalf import OPERATOR
from towline.shares.holds import Share
from towline.shares.slots import Slots
from towline.shares.usage import Usage

from tests.source.waiting import until


class Door:
    """Slots, and who had them in which order; each visitor has one until it is let go."""

    def __init__(self, limit: int, *, quick_seconds: float = 60.0, usage: Usage | None = None) -> None:
        share = Share(limit=limit, slow=max(1, limit // 2), quick_seconds=quick_seconds)
        self.slots = Slots(share, time.monotonic, usage)
        self.entered: list[str] = []
        self.inside = 0
        self.most = 0

    async def visit(self, name: str, seconds: float = 0.0, namespace: str = "") -> None:
        async with self.slots.take(Key(namespace or name, name)):
            self.entered.append(name)
            self.inside += 1
            self.most = max(self.most, self.inside)
            try:
                await asyncio.sleep(seconds)
            finally:
                self.inside -= 1

    async def stay(self, name: str, namespace: str = "") -> asyncio.Task[None]:
        """Send somebody in, or into the line, who never leaves."""
        task = asyncio.create_task(self.visit(name, 3600.0, namespace))
        await asyncio.sleep(0)
        return task


async def test_no_more_than_the_limit_are_in_flight() -> None:
    door = Door(3)
    await asyncio.gather(*(door.visit(f"r{number % 4}") for number in range(100)))
    assert door.most == 3
    assert len(door.entered) == 100


async def test_one_write_does_not_wait_for_a_repository_of_thousands() -> None:
    door = Door(16)
    large = asyncio.gather(*(door.visit("large") for _ in range(5000)))
    await asyncio.sleep(0)
    await door.visit("small")
    assert door.entered.index("small") <= 48
    await large


async def test_namespaces_take_turns_and_in_each_its_repositories() -> None:
    door = Door(1)
    visits = [("a", "n"), ("a", "n"), ("b", "n"), ("b", "n"), ("c", "n"), ("z", "other"), ("z", "other")]
    await asyncio.gather(*(door.visit(name, namespace=namespace) for name, namespace in visits))
    assert door.entered == ["a", "a", "z", "b", "z", "c", "b"]


async def test_a_cancelled_visitor_takes_no_turn_with_it() -> None:
    door = Door(2)
    draw = random.Random(7)  # noqa: S311  a reproducible mess, no secret
    visits = [
        asyncio.create_task(door.visit(f"r{draw.randrange(5)}", draw.random() / 500)) for _ in range(200)
    ]
    while not all(visit.done() for visit in visits):
        draw.choice(visits).cancel()
        await asyncio.sleep(draw.random() / 5000)
    ended = Counter(visit.cancelled() for visit in visits)
    assert min(ended.values()) > 0
    before = len(door.entered)
    await asyncio.gather(*(door.visit("later") for _ in range(10)))
    assert door.most == 2
    assert len(door.entered) == before + 10
    assert door.slots.is_idle


async def test_a_turn_handed_over_to_a_cancelled_visitor_goes_to_the_next() -> None:
    door = Door(1)
    async with door.slots.take(Key("a", "a")):
        waiting = asyncio.create_task(door.visit("b"))
        await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(5), door.slots.take(Key("c", "c")):
        assert door.entered == []


@pytest.mark.parametrize("same", ["repository", "namespace"])
async def test_nobody_holds_the_last_free_turn_but_another_namespace_gets_it_at_once(same: str) -> None:
    door = Door(4)
    held = [
        await door.stay("greedy" if same == "repository" else f"greedy-{number}", "greedy")
        for number in range(20)
    ]
    assert door.inside == 3
    async with asyncio.timeout(5):
        await door.visit("small")
    await end(held)


async def test_those_who_hold_turns_for_long_leave_half_of_them_to_others() -> None:
    door = Door(4, quick_seconds=0.05)
    held = [await door.stay(f"slow-{number}") for number in range(4)]
    assert door.inside == 4
    async with asyncio.timeout(5):
        await asyncio.gather(*(door.visit(f"quick-{number}") for number in range(50)))
    assert 4 < door.most <= 6
    await end(held)


async def test_there_are_never_more_than_twice_the_turns() -> None:
    door = Door(2, quick_seconds=0.001)
    held = [await door.stay(f"slow-{number}") for number in range(10)]
    await until(lambda: door.inside == 4)
    quick = await door.stay("late")
    assert door.inside == 4
    held.pop(0).cancel()
    await until(lambda: "late" in door.entered or len(door.entered) == 5)
    assert door.inside == 4
    await end([*held, quick])


async def test_a_namespace_with_slow_turns_gets_no_more_than_those_that_slow_ones_have() -> None:
    door = Door(4, quick_seconds=0.05)
    held = [await door.stay(f"slow-{number}", "greedy") for number in range(40)]
    async with asyncio.timeout(5):
        await asyncio.gather(*(door.visit(f"quick-{number}") for number in range(50)))
    assert door.inside == 3
    await end(held)


async def test_who_used_much_has_half_of_the_turns_from_the_beginning() -> None:
    now = 0.0
    usage = Usage(lambda: now)
    door = Door(4, usage=usage)
    for number in range(4):
        usage.add(Key(f"heavy-{number}", f"heavy-{number}"), 30.0)
    held = [await door.stay(f"heavy-{number}") for number in range(4)]
    assert door.inside == 2
    now += 600.0
    held.append(await door.stay("heavy-9"))
    await until(lambda: door.inside == 4)
    await end(held)


async def test_the_operator_itself_may_have_every_turn() -> None:
    door = Door(2)
    async with door.slots.take(OPERATOR), asyncio.timeout(5), door.slots.take(OPERATOR):
        pass


async def end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
