"""Render a folder on disk by the rules for commits, without a cluster."""

from __future__ import annotations

import asyncio
import posixpath
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

from towline.errors import Failure, Reason, TowlineError
from towline.model import Manifest, ObjectRef
from towline.plan import scope
from towline.render import build_report, folder, formats, links, plain
from towline.render.build_report import NO_OBJECT
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.offline import offline_units
from towline.render.offline.offline_tools import OfflineTools
from towline.render.offline.offline_units import Asked, OfflineFolder, OfflineRelease
from towline.render.sops import opened_files, sops_binary
from towline.render.sops.opened_files import UnopenedError
from towline.render.units import unit_kinds
from towline.render.units.built_units import Built
from towline.shares.pools import Pools
from towline.source import selection
from towline.source.selection import Entry, SourceLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a folder declares, everything that is wrong with it, and the files in units that nothing names.

    All are in the order of files and lines; files are named relative to the folder.
    """

    manifests: tuple[Manifest, ...] = ()
    failures: tuple[Failure, ...] = ()
    unread: tuple[str, ...] = ()


def render(
    directory: Path, max_file_size: int, tools: OfflineTools, release: OfflineRelease, asked: Asked
) -> Declared:
    """Return what a folder declares.

    Args:
        directory: the folder; what symlinks or kustomizations lead to may be elsewhere in its repository.
        max_file_size: how many bytes one file may have.
        tools: what builds units.
        release: what charts are rendered with.
        asked: how the folder is read.
    """
    limits = YamlLimits(file_bytes=max_file_size)
    most = SourceLimits(file_bytes=max_file_size)
    try:
        root, path = folder.placed(directory)
        listed = links.Links(tuple(folder.entries(root, path)), folder.Disk(root), most.entries)
        markers = formats.markers(asked.render)
        selected = selection.select(listed, path, markers, asked.exclude, most)
        unit_kinds.check(selected.units, asked.render, path)
        place = OfflineFolder(root, path, selected, limits)
        built, read = asyncio.run(_read(place, tools, release, asked))
    except TowlineError as error:
        return Declared(failures=(Failure(reason=error.reason, message=error.message),))
    except OSError as error:
        message = f"the folder cannot be listed: {error.strerror}"
        return Declared(failures=(Failure(reason=Reason.PATH_NOT_FOUND, message=message),))
    manifests = [_from(path, one) for one in built.manifests]
    refused = (*selected.failures, *built.failures)
    failures = [replace(one, file=_relative(one.file, path)) for one in refused]
    plain_files = [entry for entry in selected.files if entry.path not in built.reads]
    for found, faults in read:
        manifests.extend(found)
        failures.extend(faults)
    failures.extend(_twice(manifests))
    ordered = sorted(failures, key=lambda one: (one.file.encode(), one.line))
    places = {_relative(entry.path, path): _relative(entry.reached, path) for entry in plain_files}
    told = build_report.through_links(ordered, places)
    return Declared(
        manifests=tuple(manifests),
        failures=(*told, *_advice(ordered, places)),
        unread=tuple(_relative(one.path, path) for one in selected.inner if one.path not in built.reads),
    )


_FileOutcome: TypeAlias = tuple[tuple[Manifest, ...], tuple[Failure, ...]]


async def _read(
    place: OfflineFolder, tools: OfflineTools, release: OfflineRelease, asked: Asked
) -> tuple[Built, list[_FileOutcome]]:
    """Build the units of a folder and read its plain files, on copies that are gone afterwards."""
    with tempfile.TemporaryDirectory() as copies:
        jail = Jail(Path(copies), Pools.here())
        binary = sops_binary.find(jail, tools.sops)
        keys = asked.treatment.keys.through(binary) if asked.treatment.keys else None
        asked = replace(asked, treatment=replace(asked.treatment, keys=keys))
        built = await offline_units.build(place, jail, tools, release, asked)
        files = _PlainFiles(place.root, place.path, place.limits, asked)
        return built, [
            await files.file(entry) for entry in place.selected.files if entry.path not in built.reads
        ]


class _PlainFiles(NamedTuple):
    """Reads plain files of a folder."""

    root: Path
    path: str
    limits: YamlLimits
    asked: Asked

    async def file(self, entry: Entry) -> _FileOutcome:
        name = _relative(entry.path, self.path)
        treatment = self.asked.treatment
        try:
            content = folder.content(self.root, entry, self.limits.file_bytes)
            keys = await opened_files.opened(treatment.keys, {name: content}, self.limits)
        except OSError as error:
            message = f"the file cannot be read: {error.strerror}"
            return (), (Failure(reason=Reason.BUILD_FAILED, message=message, file=name),)
        except UnopenedError as error:
            return (), (error.failure,)
        found = plain.treated(name, "", content, self.limits, replace(treatment, keys=keys))
        passed_over = {NO_OBJECT} if self.asked.skip_non_manifests else set()
        return found.manifests, tuple(one for one in found.failures if one.message not in passed_over)


def _relative(file: str, path: str) -> str:
    """Return a path as seen from the folder; an error that is of no file has none."""
    return posixpath.relpath(file, path) if file else ""


def _from(path: str, one: Manifest) -> Manifest:
    """Return a manifest with its files named relative to a folder."""
    via = tuple(_relative(each, path) for each in one.origin.via)
    return replace(one, origin=one.origin._replace(file=_relative(one.origin.file, path), via=via))


def _advice(failures: Iterable[Failure], places: Mapping[str, str]) -> Iterator[Failure]:
    if advice := build_report.advice(failures, places, "."):
        yield Failure(reason=Reason.BUILD_FAILED, message=advice)


def _twice(manifests: Iterable[Manifest]) -> Iterator[Failure]:
    """Find objects that are declared again; which kinds have no namespace, only a cluster knows."""
    first: dict[ObjectRef, Manifest] = {}
    for manifest in manifests:
        known = first.setdefault(manifest.ref, manifest)
        if known is not manifest:
            yield scope.declared_twice(manifest, known)
