"""Find the commits that wrote lines: the newest of all lines of a leaf, with the pull request that brought it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from towline import aio
from towline.errors import SourceError
from towline.model import Revision
from towline.read.git.file_blame import BlamedLine
from towline.read.git.git_content import GitContent
from towline.render.helm import chart_parts
from towline.source.authorship.steps import Parents

_WIDTH = 4


class FilePart(NamedTuple):
    """Lines of a file, 1-based, the last one included."""

    file: str
    first: int
    last: int


class WrittenLine(NamedTuple):
    """The line of a part of a file that was written last, and the commit; None where the history does not tell."""

    file: str
    line: int
    revision: Revision | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCommits:
    """What `git blame` says of some files of one commit.

    Attributes:
        lines: of each file that could be read.
        newest: the commits that lead to the head by their age, the newest has 0.
        revisions: the commits that wrote these lines; those are left out at which the history ends here.
    """

    lines: Mapping[str, Mapping[int, BlamedLine]]
    newest: Mapping[str, int]
    revisions: Mapping[str, Revision]

    def last(self, parts: Sequence[FilePart]) -> WrittenLine:
        """Return which line of some parts was written last; of several of one commit, the first.

        Args:
            parts: that of a leaf, and then those through which it is where it is.
        """
        best: tuple[int, str, int, str] | None = None
        for part in parts:
            known = self.lines.get(part.file, {})
            for number in filter(known.__contains__, range(part.first, part.last + 1)):
                sha = known[number].sha
                age = self.newest.get(sha, len(self.newest))
                if best is None or age < best[0]:
                    best = (age, part.file, number, sha)
        if best is None:
            return WrittenLine(parts[0].file, parts[0].first, None)
        return WrittenLine(best[1], best[2], self.revisions.get(best[3]))


async def read(content: GitContent, head: str, parts: Iterable[FilePart]) -> LineCommits:
    """Return what `git blame` says of parts of files; of a large file only the lines around them are asked for.

    Args:
        content: where Git is read.
        head: the commit whose files they are.
        parts: of files; those that it does not have are left out.

    Raises:
        SourceError: the history cannot be read.
    """
    spans = _spans(parts)

    async def blamed(file: str) -> Mapping[int, BlamedLine]:
        if chart_parts.committed(file) != file:
            return await _of_archive(content, head, file, spans[file])
        try:
            return await content.blame(head, file, spans[file])
        except SourceError:
            if await content.file(head, file) is None:
                return {}
            raise

    wanted = sorted(spans)
    found = await aio.gather(blamed, wanted, _WIDTH)
    shas = {line.sha for each in found for line in each.values()} - await content.cut()
    revisions = await content.revisions(shas)
    ancestry = await content.ancestry(head) if shas else ()
    return LineCommits(
        lines=dict(zip(wanted, found, strict=True)),
        newest={step[0]: age for age, step in enumerate(ancestry)},
        revisions=await _with_pull_requests(content, revisions, ancestry),
    )


async def _of_archive(
    content: GitContent, head: str, file: str, span: tuple[int, int]
) -> Mapping[int, BlamedLine]:
    """Return the commit that last changed the archive that a file is in, for each of the lines."""
    last = await content.log(head, paths=(chart_parts.committed(file),), most=1)
    return {
        number: BlamedLine(each.sha, file, number) for each in last for number in range(span[0], span[1] + 1)
    }


def _spans(parts: Iterable[FilePart]) -> Mapping[str, tuple[int, int]]:
    """Return the first and the last line of each file that its parts have."""
    found: dict[str, tuple[int, int]] = {}
    for part in parts:
        first, last = found.get(part.file, (part.first, part.last))
        found[part.file] = (max(1, min(first, part.first)), max(1, last, part.last))
    return found


async def _with_pull_requests(
    content: GitContent, revisions: Mapping[str, Revision], ancestry: Sequence[Parents]
) -> Mapping[str, Revision]:
    """Give commits that name no pull request that of the merge that brought them to the branch."""
    silent = {sha for sha, each in revisions.items() if not each.pull_request}
    brought = await asyncio.to_thread(merges, ancestry, silent)
    known = await content.revisions(brought.values())
    found = dict(revisions)
    for sha, merge in brought.items():
        by = known[merge]
        if by.pull_request:
            found[sha] = replace(found[sha], pull_request=by.pull_request, merged_by=by.merged_by)
    return found


def merges(ancestry: Sequence[Parents], wanted: Iterable[str]) -> Mapping[str, str]:
    """Return for commits the merge that brought each to the line of first parents; those on it are left out.

    Args:
        ancestry: a history, children first, each commit with its parents.
        wanted: some of its commits.
    """
    parents = {step[0]: step[1:] for step in ancestry}
    mainline: dict[str, None] = {}
    here = ancestry[0][0] if ancestry else ""
    while here in parents and here not in mainline:
        mainline[here] = None
        here = next(iter(parents[here]), "")
    left = set(wanted) - mainline.keys()
    found: dict[str, str] = {}
    claimed = set(mainline)
    for merge in reversed(mainline):
        pending = list(parents[merge][1:]) if left else []
        while pending:
            sha = pending.pop()
            if sha in claimed or sha not in parents:
                continue
            claimed.add(sha)
            pending.extend(parents[sha])
            if sha in left:
                found[sha] = merge
                left.discard(sha)
    return found
