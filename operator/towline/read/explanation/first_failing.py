"""Find the first of several new commits that fails, by as few trials as it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from towline.model import Revision

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


async def first_failing_revision(
    new: Sequence[Revision], fails: Callable[[Revision], Awaitable[bool]]
) -> Revision | None:
    """Return the first of several new commits that fails, also on a branch that one of them merged.

    Only along one line of parents what follows a commit that fails fails, too: of the branch itself first, then of
    what the merge brought with which that begins. None where even the newest does not fail.

    Args:
        new: the commits, the oldest first; the newest one leads to all of them.
        fails: tries one.
    """
    known = {each.sha: each for each in new}
    merged: Revision | None = None
    tips = [new[-1].sha] if new else []
    while tips:
        found = await first_failing(tuple(_line(tips.pop(0), known))[::-1], fails)
        if found is not None:
            merged, tips = found, [sha for sha in found.parents[1:] if sha in known]
    return merged


def _line(tip: str, known: Mapping[str, Revision]) -> Iterator[Revision]:
    """Yield a commit and its first parents, the newest first, as far as they are known."""
    while tip in known:
        yield known[tip]
        tip = next(iter(known[tip].parents), "")
