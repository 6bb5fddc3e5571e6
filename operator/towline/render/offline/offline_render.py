"""Render a folder on disk by the rules for commits, without a cluster."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from towline.errors import Failure, Reason, TowlineError
from towline.model import Manifest, ObjectRef
from towline.plan import scope
from towline.render import build_report, folder, formats, links, plain
from towline.render.build_report import NO_OBJECT
from towline.render.documents import YamlLimits
from towline.render.offline import offline_units
from towline.render.offline.offline_units import OfflineRelease, OfflineTools
from towline.source import selection
from towline.source.selection import SourceLimits


def render(
    directory: Path,
    max_file_size: int,
    tools: OfflineTools,
    release: OfflineRelease,
    *,
    skip_non_manifests: bool,
) -> tuple[tuple[Manifest, ...], tuple[Failure, ...]]:
    """Return what a folder declares, and everything that is wrong with it, in the order of files and lines.

    Files are named relative to the folder; those that symlinks or kustomizations lead to may be elsewhere in its
    repository.
    """
    limits = YamlLimits(file_bytes=max_file_size)
    most = SourceLimits(file_bytes=max_file_size)
    try:
        root, path = folder.placed(directory)
        listed = links.Links(tuple(folder.entries(root, path)), folder.Disk(root), most.entries)
        selected = selection.select(listed, path, formats.MARKERS, limits=most)
        built = asyncio.run(offline_units.build(root, selected, limits, tools, release))
    except TowlineError as error:
        return (), (Failure(reason=error.reason, message=error.message),)
    except OSError as error:
        return (), (
            Failure(reason=Reason.PATH_NOT_FOUND, message=f"the folder cannot be listed: {error.strerror}"),
        )
    manifests = [_from(path, one) for one in built.manifests]
    refused = (*selected.failures, *built.failures)
    failures = [replace(one, file=posixpath.relpath(one.file, path)) for one in refused]
    places: dict[str, str] = {}
    for entry in selected.files:
        if entry.path in built.reads:
            continue
        file = posixpath.relpath(entry.path, path)
        places[file] = posixpath.relpath(entry.reached, path)
        try:
            content = folder.content(root, entry, limits.file_bytes)
        except OSError as error:
            message = f"the file cannot be read: {error.strerror}"
            failures.append(Failure(reason=Reason.BUILD_FAILED, message=message, file=file))
            continue
        found, faults = plain.manifests(file, "", content, limits)
        manifests.extend(found)
        failures.extend(one for one in faults if not (skip_non_manifests and one.message == NO_OBJECT))
    failures.extend(_twice(manifests))
    ordered = sorted(failures, key=lambda one: (one.file.encode(), one.line))
    told = build_report.through_links(ordered, places)
    return tuple(manifests), (*told, *_advice(ordered, places))


def _from(path: str, one: Manifest) -> Manifest:
    """Return a manifest with its files named relative to a folder."""
    via = tuple(posixpath.relpath(each, path) for each in one.origin.via)
    return replace(one, origin=one.origin._replace(file=posixpath.relpath(one.origin.file, path), via=via))


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
