"""Find which commits to revert, so that a folder of a branch is again as it was at an earlier commit of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from towline.errors import Reason, SourceError
from towline.read.git.git_content import GitContent
from towline.source.transport import GitCommand

_LIMIT = 32 * 1024**2
_EVERYTHING = ":(top)"
"""A pathspec leaves out commits that changed nothing, and merges that took nothing: they cannot be reverted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertStep:
    """One commit to revert; a merge is reverted as seen from the branch."""

    sha: str
    subject: str
    author: str
    is_merge: bool

    def as_json(self) -> dict[str, Any]:
        """Return it in the documented form."""
        return {"sha": self.sha, "subject": self.subject, "author": self.author, "merge": self.is_merge}


async def steps(content: GitContent, target: str, head: str, paths: Sequence[str]) -> tuple[RevertStep, ...]:
    """Return the commits to revert, the newest first: those of the branch since `target` that changed one of `paths`.

    No paths mean the whole tree.

    Raises:
        SourceError: the branch does not lead from one to the other, or Git cannot be read.
    """
    if not await content.leads_to(head, target):
        if await content.cut():
            raise SourceError(
                Reason.GIT_UNAVAILABLE,
                f"{content.place.title} is shallow: whether {target[:7]} is in the history of {head[:7]} is not known;"
                " run git fetch --unshallow there",
            )
        raise SourceError(
            Reason.REF_NOT_FOUND,
            f"{target[:7]} is not in the history of {head[:7]}: the branch was rewritten since, so that no revert leads"
            " back to it. Restore the branch, or take over the files with git restore",
        )
    span = f"{target}..{head}"
    line = await _listed(content, "rev-list", "--first-parent", "--parents", span)
    parents = {sha: tuple(others) for sha, *others in (row.split() for row in line)}
    oldest = next(reversed(parents), "")
    if not oldest or parents[oldest][:1] != (target,):
        raise SourceError(
            Reason.REF_NOT_FOUND,
            f"{target[:7]} came into the branch by a merge, together with others: name a record of a commit that was"
            " the newest one of the branch",
        )
    literal, below = (("--literal-pathspecs",), paths) if paths else ((), (_EVERYTHING,))
    changed = await _listed(content, *literal, "rev-list", "--first-parent", span, "--", *below)
    told = await content.revisions(changed)
    return tuple(
        RevertStep(
            sha=sha,
            subject=told[sha].subject,
            author=told[sha].author.name or told[sha].author.email,
            is_merge=len(parents[sha]) > 1,
        )
        for sha in changed
    )


async def _listed(content: GitContent, *arguments: str) -> Sequence[str]:
    command = GitCommand(arguments=arguments, limit=_LIMIT, repository=content.place.folder)
    answer = await content.git.run(command)
    if answer.code != 0:
        raise SourceError(
            Reason.GIT_UNAVAILABLE, f"{content.place.title} cannot be read: {answer.complaint.strip()}"
        )
    return answer.out.decode().splitlines()


def reverts(steps: Sequence[RevertStep]) -> Iterator[tuple[str, ...]]:
    """Yield the `git revert` commands, as words: neighbours that are reverted alike share one."""
    for is_merge, some in groupby(steps, key=lambda each: each.is_merge):
        mainline = ("-m", "1") if is_merge else ()
        yield "git", "revert", "--no-edit", *mainline, *(each.sha for each in some)
