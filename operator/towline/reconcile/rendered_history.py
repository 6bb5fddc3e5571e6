"""Find the commit that made an object what a tool makes of it: the newest that changed a value that it has."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from towline.model import Manifest, ObjectRef, Revision
from towline.reconcile.rendered_fields import RenderedFields
from towline.render.chart_lines.traced_chart import TracedChart
from towline.render.documents import YamlLimits
from towline.render.marks import attribution, site_versions
from towline.render.marks.site_versions import FileVersion, SiteKey
from towline.render.marks.tracing import Traced
from towline.source.access import Remote
from towline.source.authorship.blame import Contents, Parse
from towline.source.authorship.walk import Wanted
from towline.source.mirror import Mirrors

_PARTS = 1000
"""Into how many parts of files the objects of a sync are taken apart; of more, the commits of whole files count."""


_ALL = SiteKey(0, "", "", (), is_raw=True)

_LEAVES = 2000
"""Fields of the objects of a chart that are traced at most; for further objects, files of values count as a whole."""


class _Part(NamedTuple):
    """What one object has of one file."""

    ref: ObjectRef
    file: str
    keys: tuple[SiteKey, ...]

    @property
    def name(self) -> ObjectRef:
        """What stands for it in a search that knows objects."""
        return self.ref._replace(name=f"{self.ref.name} {self.file}")


class _Unit(NamedTuple):
    """The files of a unit as the head has them, and its objects with their parts."""

    files: Mapping[str, FileVersion]
    parts: Mapping[ObjectRef, tuple[_Part, ...]]


class RenderedHistory:
    """Searches histories, for all repositories.

    Args:
        mirrors: read from Git.
        limits: those that files are parsed with.
        rendered: opens units.
    """

    def __init__(self, mirrors: Mirrors, limits: YamlLimits, rendered: RenderedFields) -> None:
        self._mirrors = mirrors
        self._limits = limits
        self._rendered = rendered

    async def changed(
        self, remote: Remote, head: str, manifests: Sequence[Manifest], since: Sequence[Revision]
    ) -> Mapping[ObjectRef, str]:
        """Return the sha of the commit that changed each object; those of which history does not tell are left out.

        Args:
            remote: the repository.
            head: the commit that declares the objects.
            manifests: objects that kustomize or Helm has made.
            since: the commits that are known to lead to the head since the objects were written, newest first.

        Raises:
            SourceError: the history could not be read.
        """
        opened = await self._rendered.units(remote, head, manifests)
        charts = await self._rendered.charts(remote, head, manifests)
        if not (opened or charts):
            return {}
        units = [await asyncio.to_thread(_unit, traced, made, self._limits) for traced, made in opened]
        units += [await asyncio.to_thread(_chart, each.traced, made, self._limits) for each, made in charts]
        if sum(len(parts) for unit in units for parts in unit.parts.values()) > _PARTS:
            units = [unit._replace(parts=dict.fromkeys(unit.parts, ())) for unit in units]
        span = tuple((each.sha, *each.parents) for each in since if not each.taken_back)
        blamed = await self._mirrors.blame(remote, head, span, *await asyncio.to_thread(self._asked, units))
        commits = {one.ref: each.sha for one, each in blamed.items()}
        order = {each.sha: -index for index, each in enumerate(since)}
        revisions = await self._mirrors.revisions(remote, set(commits.values()) - order.keys())
        times = {sha: each.committed_at for sha, each in revisions.items()}
        found: dict[ObjectRef, str] = {}
        for unit in units:
            files = {commits[name] for file in unit.files if (name := _whole(file)) in commits}
            for ref, parts in unit.parts.items():
                values = {commits[one.name] for one in parts if one.name in commits}
                if newest := _newest(values, files, order, times):
                    found[ref] = await self._last(remote, newest)
        return found

    async def _last(self, remote: Remote, shas: Sequence[str]) -> str:
        """Return the one of some commits that comes after the others."""
        last = shas[0]
        for sha in shas[1:]:
            if await self._mirrors.leads_to(remote, sha, last):
                last = sha
        return last

    def _asked(self, units: Sequence[_Unit]) -> tuple[Sequence[Wanted], Parse]:
        """Return what is searched for, and what reads a version of any file: a part is there if its first value is."""
        parts = [one for unit in units for of_object in unit.parts.values() for one in of_object]
        files = {file: version for unit in units for file, version in unit.files.items()}
        wanted = [Wanted(one.name, files[one.file].digest(one.keys), one.file) for one in parts]
        wanted += [Wanted(_whole(file), version.whole, file) for file, version in files.items()]

        def parse(content: bytes) -> Contents:
            version = FileVersion(content, self._limits)
            found = {one.name: version.digest(one.keys) for one in parts if version.has(one.keys[0])}
            return found | dict.fromkeys(map(_whole, files), version.whole)

        return wanted, parse


def _whole(file: str) -> ObjectRef:
    return ObjectRef("", "", "", file)


def _unit(traced: Traced, manifests: Sequence[Manifest], limits: YamlLimits) -> _Unit:
    """Take objects apart by the files that their fields come from; remote bases are in another history."""
    sites_of, unit = traced.replayed.candidates, traced.replayed.unit
    files = {
        path: FileVersion(unit.contents[path], limits) for path, name in unit.names.items() if path == name
    }
    found: dict[ObjectRef, tuple[_Part, ...]] = {}
    for manifest in manifests:
        keys: dict[str, dict[SiteKey, None]] = defaultdict(dict)
        for field in attribution.fields(manifest.body, manifest.origin):
            for site in sites_of(field)[:1]:
                keys[site.file][site_versions.key_of(unit, site)] = None
        parts = (_Part(manifest.ref, file, tuple(each)) for file, each in keys.items() if file in files)
        found[manifest.ref] = tuple(parts)
    return _Unit(files, found)


def _chart(traced: TracedChart, manifests: Sequence[Manifest], limits: YamlLimits) -> _Unit:
    """Take objects apart by the values that their fields come from, and their templates, each as a whole."""
    sources = traced.sources
    files = {path: FileVersion(sources.contents[path], limits) for path in sources.committed}
    found: dict[ObjectRef, tuple[_Part, ...]] = {}
    left = _LEAVES
    for manifest in manifests:
        keys: dict[str, dict[SiteKey, None]] = defaultdict(dict)
        has_values = b"{{" in sources.contents.get(manifest.origin.file, b"")
        fields = tuple(attribution.fields(manifest.body, manifest.origin)) if has_values else ()
        left -= len(fields)
        for field in fields if left >= 0 else ():
            if (source := traced.source(field)) and source.site and source.site.file in files:
                keys[source.site.file][traced.key(source.site)] = None
        whole = (manifest.origin.file, *(sources.values if left < 0 else ()))
        keys |= {file: {_ALL: None} for file in whole if file in files}
        found[manifest.ref] = tuple(_Part(manifest.ref, file, tuple(each)) for file, each in keys.items())
    return _Unit(files, found)


def _newest(
    values: AbstractSet[str],
    files: AbstractSet[str],
    order: Mapping[str, int],
    times: Mapping[str, str],
) -> Sequence[str]:
    """Return the newest commit that changed a value of an object; several where they were made in the same second.

    An object may be written because a value is gone, of which no value tells: then it is the newest commit since that
    touched a file of the unit. Where history does not tell, there is none.

    Args:
        values: the commits that changed its values.
        files: those that touched files of its unit.
        order: the commits since it was written, the newest one highest.
        times: when other commits were made.
    """
    for some in (values, files):
        if recent := some & order.keys():
            return (max(recent, key=lambda sha: order[sha]),)
    known = () if order else values or files
    last = max((times.get(sha, "") for sha in known), default="")
    return tuple(sorted(sha for sha in known if times.get(sha, "") == last))
