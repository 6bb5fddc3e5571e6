"""Find what a commit declares for one live object, by the rules by which the operator reads a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from towline import aio
from towline.model import Manifest, ObjectRef
from towline.plan import ignore_fields
from towline.read.comparison.declared_revision import RevisionRenderer
from towline.read.git.git_content import GitContent
from towline.read.revisions import revision_source
from towline.read.revisions.revision_source import RevisionSource
from towline.render import formats, plain
from towline.render.documents import YamlLimits
from towline.render.units import unit_kinds
from towline.source import selection
from towline.source.selection import Entry, Selection, SourceLimits


class FoundObject(NamedTuple):
    """What a commit declares for an object, None where it does not, and the content of the file that does."""

    manifest: Manifest | None
    content: bytes = b""


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
    def source(self) -> RevisionSource:
        """What lists and reads the commit."""
        spec = self.renderer.spec
        return revision_source.of_commit(self.content, self.sha, spec.url, spec.path)

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
        first = [entry for entry in selected.files if source in {entry.path, entry.reached}]
        has_tools = selected.units or self.renderer.spec.helm.chart
        if has_tools or self.renderer.treated.treatment.keys:  # a binary may be needed to decrypt
            plain = await self._plain(first, ref) if self._are_apart(selected) else None
            return plain or await self._rendered(ref)
        rest = [entry for entry in selected.files if entry not in first]
        return await self._plain(first, ref) or await self._plain(rest, ref) or FoundObject(None)

    def _are_apart(self, selected: Selection) -> bool:
        """Tell whether files next to units are read as they are: no kustomization reads them, too."""
        spec = self.renderer.spec
        kinds = unit_kinds.split(selected.units, spec.render)
        return not (kinds.kustomizations or spec.helm.chart or self.renderer.treated.treatment.keys)

    async def _selected(self) -> Selection:
        spec, revision = self.renderer.spec, self.source
        listed = await revision.files.listed(revision.head, spec.path)
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
        declared = await self.renderer.render(self.source, was_applied=True)
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
