from __future__ import annotations

from collections.abc import Iterable

import pytest
from towline.cluster import lull
from towline.cluster.lull import Lull


async def waited(writes: Iterable[float], before: float | None = None) -> float:
    """Return for how long a lull is waited for while somebody writes at these seconds, and wrote `before`."""
    now = -1.0 if before is None else before
    left = sorted(writes)

    async def pause(seconds: float) -> None:
        nonlocal now
        end = now + seconds
        while left and left[0] <= end:
            now = left.pop(0)
            found.wrote()
        now = end

    found = Lull(lambda: now, pause)
    if before is not None:
        found.wrote()
    now = 0.0
    await found.wait()
    return now


async def test_the_end_of_the_writing_is_waited_for() -> None:
    assert 3.0 <= await waited(number / 10 for number in range(1, 30)) < 3.5


@pytest.mark.parametrize("before", [None, -0.1])
async def test_its_beginning_is_waited_for_whatever_was_written_before(before: float | None) -> None:
    assert 1.2 <= await waited([1.0], before) <= 1.5


async def test_nothing_is_waited_for_longer_than_is_good() -> None:
    limit = lull.LONGEST_SECONDS
    for writes in ([], [number / 10 for number in range(1, 100)]):
        assert limit <= await waited(writes) < limit + 0.5
