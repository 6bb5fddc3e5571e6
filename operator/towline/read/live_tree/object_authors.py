"""Find out who wrote the commits of objects, and in which lines their files declare them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from towline.api.gitrepository import GitRepository
from towline.api.syncrecord import SyncRecord
from towline.errors import TowlineError
from towline.model import Manifest, ObjectRef
from towline.read.cluster import Cluster
from towline.read.git.git_content import GitContent
from towline.read.live_tree.live_tree_reader import LiveTree
from towline.read.live_tree.tree_object import TreeObject
from towline.read.read_errors import NotAllowedError
from towline.render import plain
from towline.render.documents import YamlLimits

RECORDS = 40
"""How many records are read at most, from the newest on."""


@dataclass(slots=True, kw_only=True)
class KnownPlaces:
    """Authors by commit, and lines by object and commit, as far as they have been found."""

    authors: dict[str, str] = field(default_factory=dict)
    lines: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def lacks(self, objects: Iterable[TreeObject]) -> bool:
        """Tell whether an author or a line is still to be found."""
        return any(
            each.commit and (each.commit not in self.authors or not (each.line or self._line(each)))
            for each in objects
        )

    def take(self, record: SyncRecord) -> None:
        """Learn what a record says; a newer record has been read before an older one."""
        for commit in record.intent.commits:
            self.authors.setdefault(commit.sha, commit.writer.name or commit.writer.email)
        for change in record.intent.changes:
            if change.line:
                self.lines.setdefault((change.object, change.commit), (change.file, change.line))

    def put(self, each: TreeObject) -> TreeObject:
        """Return an object with its author and its line, where they are known."""
        line = each.line or self._line(each)
        return replace(each, author=self.authors.get(each.commit, ""), line=line)

    def _line(self, each: TreeObject) -> int:
        file, line = self.lines.get((str(each.ref), each.commit), ("", 0))
        return line if file == each.file else 0


async def located(
    objects: Sequence[TreeObject], repository: GitRepository, cluster: Cluster, content: GitContent | None
) -> LiveTree:
    """Return objects with their authors and lines, from Git where its content is at hand, else from the newest records.

    `unread` of what is returned says where the records may not be read.

    Args:
        objects: with their commits and files.
        repository: whose objects they are.
        cluster: holds the records.
        content: of the repository; None where it is not at hand.
    """
    known = KnownPlaces()
    applied = repository.status.get("applied") or {}
    if repository.applied and applied.get("author"):
        known.authors[repository.applied] = str(applied["author"])
    if content:
        await _read_git(known, objects, content)
    unread = await _read_records(known, objects, repository, cluster) if known.lacks(objects) else ()
    return LiveTree(objects=tuple(known.put(each) for each in objects), unread=unread)


async def _read_records(
    known: KnownPlaces, objects: Sequence[TreeObject], repository: GitRepository, cluster: Cluster
) -> tuple[str, ...]:
    """Learn from records until nothing lacks; return what the user may not read."""
    try:
        async for record in cluster.newest_records(repository.key, repository.uid, RECORDS):
            known.take(record)
            if not known.lacks(objects):
                break
    except NotAllowedError as error:
        return (f"you may not {error.what}, which name authors and lines",)
    return ()


async def _read_git(known: KnownPlaces, objects: Sequence[TreeObject], content: GitContent) -> None:
    """Learn authors and lines from Git; what it lacks is left to the records."""
    by_file: dict[tuple[str, str], list[TreeObject]] = defaultdict(list)
    for each in objects:
        if each.commit and each.file and not each.line:
            by_file[each.commit, each.file].append(each)
    try:
        commits = {each.commit for each in objects if each.commit}
        here = commits - set(await content.lacks(commits))
        revisions = await content.revisions(sorted(here))
        known.authors |= {sha: each.writer.name or each.writer.email for sha, each in revisions.items()}
        for (commit, file), declared in by_file.items():
            text = await content.file(commit, file) if commit in here else None
            if text is not None:
                lines = await asyncio.to_thread(_lines, file, text, [each.ref for each in declared])
                known.lines |= {(str(ref), commit): (file, line) for ref, line in lines.items()}
    except (TowlineError, ValueError):
        return


def _lines(file: str, content: bytes, refs: Iterable[ObjectRef]) -> Mapping[ObjectRef, int]:
    """Return the lines at which a file declares objects; a file that a tool renders may name them otherwise."""
    manifests, _ = plain.manifests(file, "", content, YamlLimits())
    found = ((ref, _line(manifests, ref)) for ref in refs)
    return {ref: line for ref, line in found if line}


def _line(manifests: Iterable[Manifest], ref: ObjectRef) -> int:
    """Return the line of the one manifest that can be this object, 0 where none or several can.

    A namespace that the manifest does not name comes from the repository, or from an overlay.
    """
    same = [each for each in manifests if (each.ref.group_kind, each.ref.name) == (ref.group_kind, ref.name)]
    if len(same) > 1:
        same = [each for each in same if each.ref.namespace in {ref.namespace, ""}]
    return same[0].origin.line if len(same) == 1 else 0
