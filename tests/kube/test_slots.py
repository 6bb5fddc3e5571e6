from __future__ import annotations

import asyncio
import random
from collections import Counter

from towline.kube.slots import Slots


class Door:
    """Slots, and who went through them in which order; each visitor waits until it is let go."""

    def __init__(self, limit: int) -> None:
        self.slots = Slots(limit)
        self.entered: list[str] = []
        self.inside = 0
        self.most = 0

    async def visit(self, key: str, seconds: float = 0.0) -> None:
        async with self.slots.take(key):
            self.entered.append(key)
            self.inside += 1
            self.most = max(self.most, self.inside)
            try:
                await asyncio.sleep(seconds)
            finally:
                self.inside -= 1


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


async def test_everybody_who_waits_gets_a_slot_in_turn() -> None:
    door = Door(1)
    visits = [door.visit(key) for key in ("a", "a", "a", "a", "b", "b", "c")]
    await asyncio.gather(*visits)
    assert door.entered == ["a", "a", "b", "c", "a", "b", "a"]


async def test_a_cancelled_visitor_takes_no_slot_with_it() -> None:
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


async def test_a_slot_handed_over_to_a_cancelled_visitor_goes_to_the_next() -> None:
    door = Door(1)
    async with door.slots.take("a"):
        waiting = asyncio.create_task(door.visit("b"))
        await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(5), door.slots.take("c"):
        assert door.entered == []
