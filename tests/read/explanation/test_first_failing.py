from __future__ import annotations

import math

import pytest
from towline.read.explanation.first_failing import first_failing


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 100])
async def test_the_first_commit_that_fails_is_found_by_few_trials(count: int) -> None:
    for first in range(count):
        tried: list[int] = []

        async def fails(commit: int, first: int = first, tried: list[int] = tried) -> bool:
            tried.append(commit)
            return commit >= first

        assert await first_failing(range(count), fails) == first
        assert len(tried) <= 1 + math.ceil(math.log2(count)) + 1


async def test_where_the_newest_does_not_fail_none_does() -> None:
    async def fails(_: int) -> bool:
        return False

    assert await first_failing(range(5), fails) is None
    assert await first_failing((), fails) is None
