"""Read what a commit declares from what the commit before declares, and from the files that differ."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from towline.api.gitrepository import Spec
from towline.errors import BuildError, SourceError, SpecError
from towline.model import GroupKind, Manifest
from towline.plan import ignore_fields, scope
from towline.render import declared, formats, links
from towline.render.cache import Cache
from towline.render.declared import DeclaredFiles
from towline.render.documents import YamlLimits
from towline.render.rendered import Reading
from towline.source import selection
from towline.source.access import Remote
from towline.source.mirror import Mirrors
from towline.source.selection import Entry, Kind
from towline.source.trees.tree_reader import TreeChange

_MOST = 500
"""Of so many changed files, reading the commit whole costs hardly more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitPair:
    """Two commits of one remote repository, as one spec reads them."""

    remote: Remote
    spec: Spec
    old: str
    new: str


class NextCommit(NamedTuple):
    """What the later of two commits declares, and those of its objects that were read anew."""

    files: DeclaredFiles
    read: tuple[Manifest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextCommitReader:
    """Reads commits that follow others; whatever is out of the ordinary is left to the reader of whole commits."""

    mirrors: Mirrors
    cache: Cache
    limits: selection.SourceLimits
    yaml: YamlLimits

    async def read(
        self, commits: CommitPair, before: DeclaredFiles, scopes: Mapping[GroupKind, bool]
    ) -> NextCommit | None:
        """Return what the new commit declares; None where it must be read whole, to know or to say what is wrong.

        Args:
            commits: from which to which.
            before: what the old one declares, without any failure.
            scopes: which of its kinds live in namespaces by now.

        Raises:
            SourceError: the mirror could not be read.
        """
        if scopes != before.scopes:
            return None
        changes = await self.mirrors.changes(commits.remote, commits.old, commits.new, commits.spec.path)
        if changes is None or len(changes) > _MOST or any(_is_special(change) for change in changes):
            return None
        blobs = {
            change.entry.sha for change in changes if change.entry and selection.is_manifest(change.entry)
        }
        try:
            contents = await self.mirrors.blobs(commits.remote, blobs)
            return await self._patched(commits.spec, before, changes, contents)
        except (BuildError, SourceError, SpecError):
            return None

    async def _patched(
        self,
        spec: Spec,
        before: DeclaredFiles,
        changes: Sequence[TreeChange],
        contents: Mapping[str, bytes],
    ) -> NextCommit | None:
        entries = [
            replace(change.entry, size=len(contents.get(change.entry.sha, b"")))
            for change in changes
            if change.entry
        ]
        selected = await asyncio.to_thread(_selected, entries, spec, self.limits)
        if selected is None:
            return None

        async def read(shas: Sequence[str]) -> Mapping[str, bytes]:
            return {sha: contents[sha] for sha in shas}

        files = [(entry.path, entry.sha, entry.size) for entry in selected]
        raw = await self.cache.render(
            files, read, Reading(self.yaml), skip_non_manifests=spec.skip_non_manifests
        )
        placed, failures = scope.place(raw, before.scopes, spec.default_namespace)
        if failures:
            return None
        manifests = ignore_fields.marked(placed, spec.ignore_fields)
        sizes = {path: size for path, _, size in files}
        gone = [change.path for change in changes if change.path not in sizes]
        found = await asyncio.to_thread(declared.patched, before, sizes, manifests, gone)
        if found is None:
            return None
        more = sum(change.was is None for change in changes) - sum(change.entry is None for change in changes)
        found = replace(found, entries=found.entries + more)
        return NextCommit(found, manifests) if self._is_usual(found) else None

    def _is_usual(self, found: DeclaredFiles) -> bool:
        """Tell whether a commit declares something, and is within the limits."""
        return (
            0 < len(found.refs) <= self.yaml.objects
            and found.entries <= self.limits.entries
            and len(found.files) <= self.limits.files
            and found.written <= self.limits.content_bytes
            and found.size <= self.yaml.expanded_commit(found.written)
        )


def _is_special(change: TreeChange) -> bool:
    """Tell whether a change may matter to other files: a symlink, a submodule, or the marker of another format."""
    kinds = {change.was, change.entry.kind if change.entry else None}
    return not kinds <= {Kind.FILE, None} or change.path.rpartition("/")[2] in formats.MARKERS


def _selected(
    entries: Sequence[Entry], spec: Spec, limits: selection.SourceLimits
) -> tuple[Entry, ...] | None:
    """Return the manifests among some entries; None where one of them is refused."""
    listed = links.Links(entries, links.Listing((), {}), limits.entries)
    found = selection.select(listed, spec.path, formats.markers(spec.render), spec.exclude, limits)
    return None if found.failures else found.files
