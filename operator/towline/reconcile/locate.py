"""Find the commit, file and line that declare an object or one of its fields, by reading Git when they are needed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from towline import log
from towline.api.gitrepository import GitRepository
from towline.api.syncrecord import FieldChange, Trigger
from towline.errors import CostlyError, Failure, SourceError
from towline.model import APPLIES, Change, ChangedBy, Manifest, ObjectRef, Origin, Plan, Revision
from towline.reconcile.desired.head import Head
from towline.reconcile.rendered_fields import AskedField, RenderedFields
from towline.reconcile.rendered_history import RenderedHistory
from towline.reconcile.state import Fetched
from towline.render import documents
from towline.render.documents import YamlLimits
from towline.render.file_versions import Versions
from towline.render.written import written_object
from towline.source.access import Remote
from towline.source.authorship.blame import Blamed
from towline.source.authorship.walk import Wanted
from towline.source.mirror import Mirrors

_log = log.logger(__name__)

_LINES = 500
"""For how many changed objects the line of the first changed field is found; the others keep that of the object."""


class FieldLine(NamedTuple):
    """The file and the line of a field."""

    file: str
    line: int


_FIELDS = 5
"""How many fields of an object that a tool has made are looked for, until one of them has a line."""


class Locator:
    """Finds lines, for all repositories.

    Args:
        mirrors: read from Git.
        limits: those that files are parsed with.
        rendered: finds those of fields of objects that a tool has made.
    """

    def __init__(self, mirrors: Mirrors, limits: documents.YamlLimits, rendered: RenderedFields) -> None:
        self._mirrors = mirrors
        self._limits = limits
        self._rendered = rendered

    async def located(
        self, failures: tuple[Failure, ...], head: Head, manifests: Iterable[Manifest]
    ) -> tuple[Failure, ...]:
        """Return failures with the file and line of the field that they name, instead of those of their object.

        If the mirror cannot be read any more, they keep the line of their object.
        """
        named = {failure.object for failure in failures if failure.field}
        if not named:
            return failures
        declared = {name: each for each in manifests if (name := str(each.ref)) in named}
        asked = [
            AskedField(declared[each.object], each.field) for each in failures if each.object in declared
        ]
        found = await self._places(head, asked, confirm=True)
        return tuple(
            replace(failure, file=place.file, line=place.line)
            if (place := found.get((failure.object, failure.field)))
            else failure
            for failure in failures
        )

    async def lines(self, head: Head, manifest: Manifest, pointers: Iterable[str]) -> Mapping[str, FieldLine]:
        """Return the place of each field that a manifest declares; others, and what cannot be read, are left out."""
        asked = [AskedField(manifest, each) for each in pointers]
        return {field: place for (_, field), place in (await self._places(head, asked)).items()}

    async def _places(
        self, head: Head, asked: Sequence[AskedField], *, confirm: bool = False
    ) -> Mapping[tuple[str, str], FieldLine]:
        fields = [each for each in asked if each.pointer]
        rendered = [each for each in fields if each.manifest.origin.is_rendered]
        traced = (
            await self._rendered.places(head.remote, head.sha, rendered, confirm=confirm) if rendered else {}
        )
        found = {key: FieldLine(place.file, place.line) for key, place in traced.items()}
        plain = [each for each in fields if not each.manifest.origin.is_rendered]
        if not plain:
            return found
        try:
            blobs = sorted({each.manifest.origin.blob for each in plain})
            contents = await self._mirrors.blobs(head.remote, blobs)
        except SourceError:
            return found
        return found | await asyncio.to_thread(_lines, plain, contents, self._limits)


def _lines(
    asked: Iterable[AskedField], contents: Mapping[str, bytes], limits: documents.YamlLimits
) -> dict[tuple[str, str], FieldLine]:
    """Find the line of each field, reading each file once."""
    by_blob: dict[str, list[AskedField]] = defaultdict(list)
    for one in asked:
        by_blob[one.manifest.origin.blob].append(one)
    found: dict[tuple[str, str], FieldLine] = {}
    for blob, fields in by_blob.items():
        origins = [one.manifest.origin for one in fields]
        places = [(at.document, at.item, one.pointer) for at, one in zip(origins, fields, strict=True)]
        lines = documents.locate_all(contents[blob], places, limits)
        found |= {
            one.key: FieldLine(one.manifest.origin.file, line)
            for one, line in zip(fields, lines, strict=True)
        }
    return found


class Blame:
    """Finds in the history which commits made objects what a plan writes, for all repositories.

    Args:
        mirrors: read from Git.
        limits: those that files are parsed with.
        rendered: finds fields of objects that a tool has made.
    """

    def __init__(self, mirrors: Mirrors, limits: YamlLimits, rendered: RenderedFields) -> None:
        self._mirrors = mirrors
        self._limits = limits
        self._rendered = rendered
        self._history = RenderedHistory(mirrors, limits, rendered)
        self._known: dict[str, dict[ObjectRef, tuple[str, ChangedBy]]] = {}
        self._too_costly: dict[str, str] = {}

    async def changed_by(
        self,
        repository: GitRepository,
        fetched: Fetched,
        plan: Plan,
        since: Sequence[Revision],
        trigger: Trigger,
    ) -> Mapping[ObjectRef, ChangedBy]:
        """Return the commits that made objects what a plan writes; objects whose history does not tell are left out.

        Args:
            repository: the repository of the plan.
            fetched: the commit that declares the objects.
            plan: the writes.
            since: the commits that are known to lead to the fetched one, newest first; they are searched first.
            trigger: why the plan was made; a repaired object keeps the commit that was found when it was written.
        """
        known = self._known.setdefault(repository.uid, {})
        for change in plan.removals:
            known.pop(change.ref, None)
        changes = (*plan.applies, *plan.gated)
        manifests = [each.manifest for each in changes if each.manifest and not _is_stamped(each)]
        found: dict[ObjectRef, ChangedBy] = {}
        if trigger is Trigger.DRIFT:
            found = {
                each.ref: known[each.ref][1]
                for each in manifests
                if each.ref in known and known[each.ref][0] == each.digest
            }
        left = tuple(each for each in manifests if each.ref not in found)
        if left:
            found |= await self._read(repository.uid, fetched, left, since)
            known |= {each.ref: (each.digest, found[each.ref]) for each in left if each.ref in found}
        return found

    def forget(self, uid: str) -> None:
        """Forget what was found for a repository that is gone."""
        self._known.pop(uid, None)
        self._too_costly.pop(uid, None)

    async def _read(
        self, uid: str, fetched: Fetched, manifests: Sequence[Manifest], since: Sequence[Revision]
    ) -> Mapping[ObjectRef, ChangedBy]:
        """Read the history; if it cannot be read, log that and return nothing.

        One that is too costly to read is not tried again at each write, but with the next commit.
        """
        revision = fetched.revision
        if self._too_costly.get(uid) == revision.sha:
            return {}
        try:
            return await self._found(fetched.head.remote, revision, manifests, since)
        except SourceError as error:
            if isinstance(error, CostlyError):
                self._too_costly[uid] = revision.sha
            _log.warning(
                "objects are stamped with the commit that is applied: the history cannot be read",
                commit=revision.sha,
                error=error.message,
            )
            return {}

    async def _found(
        self, remote: Remote, revision: Revision, manifests: Sequence[Manifest], since: Sequence[Revision]
    ) -> Mapping[ObjectRef, ChangedBy]:
        if not revision.parents and not await self._mirrors.is_cut(remote, revision.sha):
            return _by_the_first(revision, manifests)
        versions = Versions(self._limits)
        wanted = await asyncio.to_thread(_wanted, manifests)
        span = tuple((each.sha, *each.parents) for each in since if not each.taken_back)
        blamed = await self._mirrors.blame(remote, revision.sha, span, wanted, versions.declared)
        missing = len(wanted.keys() - blamed.keys())
        if missing:
            _log.warning(
                "objects are stamped with the commit that is applied: the history does not tell who changed them",
                commit=revision.sha,
                objects=missing,
            )
        made = await self._rendered_changes(remote, revision, manifests, since)
        known = {each.sha: each for each in (revision, *since)}
        unread = {each.sha for each in blamed.values()}.union(made.values()) - known.keys()
        known |= await self._mirrors.revisions(remote, unread)
        moved = {each.blob for one, each in blamed.items() if not _same_file(wanted[one], each)}
        contents = await self._mirrors.blobs(remote, moved)

        def placed() -> Mapping[ObjectRef, ChangedBy]:
            return {
                each.ref: ChangedBy(revision=known[made[each.ref]], origin=each.origin)
                for each in manifests
                if each.ref in made
            } | {
                wanted[one].ref: ChangedBy(
                    revision=known[each.sha], origin=_origin(one, each, wanted[one], contents, versions)
                )
                for one, each in blamed.items()
            }

        return await asyncio.to_thread(placed)

    async def lines(self, remote: Remote, objects: Sequence[ChangedFields]) -> Mapping[ObjectRef, FieldLine]:
        """Return the place of the first changed field of each object; what cannot be read is left out."""
        plain = [each for each in objects if not each.origin.is_rendered][:_LINES]
        found = await self._rendered_lines(remote, [each for each in objects if each.origin.is_rendered])
        try:
            contents = await self._mirrors.blobs(remote, {each.origin.blob for each in plain})
        except SourceError as error:
            _log.warning("no lines of fields are recorded: the commit cannot be read", error=error.message)
            return found
        return found | await asyncio.to_thread(
            lambda: {
                each.ref: FieldLine(each.origin.file, line)
                for each in plain
                if (line := self._line(each, contents))
            }
        )

    async def _rendered_changes(
        self, remote: Remote, revision: Revision, manifests: Sequence[Manifest], since: Sequence[Revision]
    ) -> Mapping[ObjectRef, str]:
        """Return the commits that changed what tools have made; where only one is new, it is that one anyhow."""
        rendered = [each for each in manifests if each.origin.is_rendered]
        if not rendered or [each.sha for each in since] == [revision.sha]:
            return {}
        return await self._history.changed(remote, revision.sha, rendered, since)

    async def _rendered_lines(
        self, remote: Remote, objects: Sequence[ChangedFields]
    ) -> dict[ObjectRef, FieldLine]:
        """Return the likeliest places; nothing is built for that, as with each commit some fields change."""
        by_commit: dict[str, list[ChangedFields]] = defaultdict(list)
        for each in objects[:_LINES]:
            by_commit[each.commit].append(each)
        found: dict[ObjectRef, FieldLine] = {}
        for sha, changed in by_commit.items():
            asked = [AskedField(each.manifest, path) for each in changed for path in each.paths[:_FIELDS]]
            places = await self._rendered.places(remote, sha, asked, confirm=False)
            for one in reversed(asked):
                if place := places.get(one.key):
                    found[one.manifest.ref] = FieldLine(place.file, place.line)
        return found

    def _line(self, each: ChangedFields, contents: Mapping[str, bytes]) -> int:
        origin = each.origin
        places = [(origin.document, origin.item, path) for path in each.paths]
        return min(documents.locate_all(contents[origin.blob], places, self._limits), default=0)


class ChangedFields(NamedTuple):
    """An object whose fields change, with its place in a commit."""

    manifest: Manifest
    origin: Origin
    commit: str
    fields: Sequence[FieldChange]

    @property
    def ref(self) -> ObjectRef:
        """The object."""
        return self.manifest.ref

    @property
    def paths(self) -> Sequence[str]:
        """The pointers of the fields that the commit declares; of all of them where it declares none."""
        declared = [one.path for one in self.fields if one.new is not None]
        return declared or [one.path for one in self.fields]


def _is_stamped(change: Change) -> bool:
    """Tell whether the content of this object is unchanged, so that its live annotations stay."""
    live, manifest = change.live, change.manifest
    same = live and manifest and live.digest == manifest.digest
    return change.action not in APPLIES or bool(same and live and live.commit and live.source)


def _wanted(manifests: Iterable[Manifest]) -> dict[Wanted, Manifest]:
    return {
        Wanted(*written_object.identity(each.content), each.origin.file): each
        for each in manifests
        if not each.origin.is_rendered  # no file of the history holds what a tool has made
    }


def _by_the_first(revision: Revision, manifests: Iterable[Manifest]) -> Mapping[ObjectRef, ChangedBy]:
    """The first commit of a history made everything that it declares; what a tool has made stands in no file of it."""
    declared = (each for each in manifests if not each.origin.is_rendered)
    return {each.ref: ChangedBy(revision=revision, origin=each.origin) for each in declared}


def _same_file(manifest: Manifest, blamed: Blamed) -> bool:
    return (manifest.origin.file, manifest.origin.blob) == (blamed.file, blamed.blob)


def _origin(
    one: Wanted, blamed: Blamed, manifest: Manifest, contents: Mapping[str, bytes], versions: Versions
) -> Origin:
    """Return where the object is declared in the commit that made it what it is."""
    if _same_file(manifest, blamed):
        return manifest.origin
    found = versions.origin(contents[blamed.blob], one.ref, blamed.file, blamed.blob)
    return found or Origin(blamed.file, 0, blob=blamed.blob)
