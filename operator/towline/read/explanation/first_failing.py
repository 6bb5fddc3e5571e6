"""Find the first of several new commits that fails, by as few trials as it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def first_failing(commits: Sequence[T], fails: Callable[[T], Awaitable[bool]]) -> T | None:
    """Return the first commit that fails; None where even the newest does not.

    It takes the logarithm of their number of trials: what follows the first that fails is taken to fail, too. The
    newest is tried first.

    Args:
        commits: the oldest first.
        fails: tries one.
    """
    if not commits or not await fails(commits[-1]):
        return None
    low, high = 0, len(commits) - 1
    while low < high:
        middle = (low + high) // 2
        if await fails(commits[middle]):
            high = middle
        else:
            low = middle + 1
    return commits[high]
