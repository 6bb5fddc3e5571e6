"""Say how two commits of a clone are related."""

from __future__ import annotations

from enum import StrEnum

from towline.read.git.git_content import GitContent


class Kin(StrEnum):
    """How a commit is related to another one."""

    PART = "part"
    """The other one contains it."""
    AHEAD = "ahead"
    """It contains the other one: for who waits for it, it is to come."""
    APART = "apart"
    UNKNOWN = "unknown"


async def of(content: GitContent, sha: str, other: str) -> Kin:
    """Return how a commit is related to another one, as far as a clone tells; a shallow one may not know.

    Args:
        content: the clone.
        sha: the commit, or the digits that it begins with.
        other: the other one.

    Raises:
        SourceError: the clone cannot be read.
    """
    whole = await content.resolve(sha)
    if not whole.startswith(sha) or not await content.has(other):
        return Kin.UNKNOWN
    if await content.leads_to(other, whole):
        return Kin.PART
    if await content.leads_to(whole, other):
        return Kin.AHEAD
    return Kin.UNKNOWN if await content.cut() else Kin.APART
