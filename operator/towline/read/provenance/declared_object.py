"""Find what a commit declares for one live object, by the rules by which the operator reads a commit."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from towline import aio
from towline.model import Manifest, ObjectRef
from towline.plan import ignore_fields
from towline.read.comparison import revision_folder
from towline.read.comparison.declared_revision import RevisionRenderer
from towline.read.git.git_content import GitContent
from towline.reconcile.desired.commit_files import CommitFiles
from towline.reconcile.desired.head import Head
from towline.render import formats, plain
from towline.render.documents import YamlLimits
from towline.source import selection
from towline.source.access import Remote
from towline.source.selection import Entry, Selection, SourceLimits


class FoundObject(NamedTuple):
    """What a commit declares for an object, None where it does not, and the content of the file that does."""

    manifest: Manifest | None
    content: bytes = b""


class ClonedCommits:
    """The commits of one clone, for what reads those of mirrors."""

    def __init__(self, content: GitContent) -> None:
        self._content = content

    async def entries(self, remote: Remote, sha: str, path: str) -> tuple[Entry, ...]:
        """Return what is below a path of a commit."""
        del remote
        return tuple(await self._content.entries(sha, path))

    async def blobs(self, remote: Remote, shas: Iterable[str]) -> Mapping[str, bytes]:
        """Return contents by their ids."""
        del remote
        return await self._content.blobs(shas)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFinder:
    """Finds objects in one commit of a repository.

    Attributes:
        content: where Git is read.
        sha: the commit.
        renderer: renders the whole commit, where a tool makes objects of it.
        limits: how much of a file is read.
    """

    content: GitContent
    sha: str
    renderer: RevisionRenderer
    limits: YamlLimits

    @property
    def head(self) -> Head:
        """The commit, as what reads mirrors names it."""
        return Head(remote=Remote(url=self.renderer.spec.url), name=self.sha, sha=self.sha, seen_at=0.0)

    @property
    def files(self) -> CommitFiles:
        """What lists and reads the commit."""
        return CommitFiles(mirrors=ClonedCommits(self.content), limits=SourceLimits())

    async def find(self, ref: ObjectRef, source: str) -> FoundObject:
        """Return what the commit declares for an object.

        Args:
            ref: the live object.
            source: the file that its annotation names, which is looked at first.

        Raises:
            SourceError: the commit cannot be read.
            BuildError: it cannot be rendered here.
        """
        selected = await self._selected()
        if selected.units or self.renderer.treated.treatment.keys:  # a binary may be needed to decrypt
            return await self._rendered(ref)
        first = [entry for entry in selected.files if source in {entry.path, entry.reached}]
        rest = [entry for entry in selected.files if entry not in first]
        return await self._plain(first, ref) or await self._plain(rest, ref) or FoundObject(None)

    async def _selected(self) -> Selection:
        spec = self.renderer.spec
        listed = await self.files.listed(self.head, spec.path)
        markers = formats.markers(spec.render)
        return await asyncio.to_thread(
            selection.select, listed, spec.path, markers, spec.exclude, SourceLimits()
        )

    async def _plain(self, entries: Sequence[Entry], ref: ObjectRef) -> FoundObject | None:
        """Look for an object in plain files; those that do not even hold its name are not parsed."""
        is_filled = self.renderer.treated.treatment.substitution is not None
        contents = await self.content.blobs(entry.sha for entry in entries)
        for entry in entries:
            content = contents[entry.sha]
            if not is_filled and ref.name.encode() not in content:
                continue
            found = await aio.aside(len(content), self._parsed, entry, content, ref)
            if found:
                return FoundObject(found, content)
        return None

    def _parsed(self, entry: Entry, content: bytes, ref: ObjectRef) -> Manifest | None:
        treatment = self.renderer.treated.treatment
        made = plain.treated(entry.path, entry.sha, content, self.limits, treatment)
        return self._chosen(made.manifests, ref)

    async def _rendered(self, ref: ObjectRef) -> FoundObject:
        with tempfile.TemporaryDirectory(prefix="towline-") as top:
            entries = await self.content.entries(self.sha)
            await revision_folder.write(Path(top), entries, self.content.blobs)
            declared = await self.renderer.render(Path(top) / self.renderer.spec.path, self.sha)
        found = self._chosen(declared.declared.values(), ref)
        content = await self.content.file(self.sha, found.origin.file) if found else None
        return FoundObject(found, content or b"")

    def _chosen(self, made: Iterable[Manifest], ref: ObjectRef) -> Manifest | None:
        spec = self.renderer.spec
        for one in made:
            placed = one.ref.namespace or one.release_namespace or spec.default_namespace
            if one.ref._replace(namespace=placed if ref.namespace else "") == ref:
                (marked,) = ignore_fields.marked((replace(one, ref=ref),), spec.ignore_fields)
                return marked
        return None
