"""Render a folder on disk by the rules for commits, without a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from towline.errors import Failure, Reason, TowlineError
from towline.model import Manifest, ObjectRef
from towline.plan import scope
from towline.render import build_report, folder, formats, plain
from towline.render.build_report import NO_OBJECT
from towline.render.documents import YamlLimits
from towline.source import selection
from towline.source.selection import Entry, SourceLimits


def render(
    directory: Path, max_file_size: int, *, skip_non_manifests: bool
) -> tuple[tuple[Manifest, ...], tuple[Failure, ...]]:
    """Return what a folder declares, and everything that is wrong with it, in the order of files and lines."""
    limits = YamlLimits(file_bytes=max_file_size)
    most = SourceLimits(file_bytes=max_file_size)
    try:
        selected = selection.select(folder.entries(directory), ".", formats.MARKERS, limits=most)
    except TowlineError as error:
        return (), (Failure(reason=error.reason, message=error.message),)
    except OSError as error:
        return (), (
            Failure(reason=Reason.PATH_NOT_FOUND, message=f"the folder cannot be listed: {error.strerror}"),
        )
    manifests: list[Manifest] = []
    failures = list(selected.failures)
    for entry in selected.files:
        try:
            content = folder.content(directory, entry, limits.file_bytes)
        except OSError as error:
            message = f"the file cannot be read: {error.strerror}"
            failures.append(Failure(reason=Reason.BUILD_FAILED, message=message, file=entry.path))
            continue
        found, faults = plain.manifests(entry.path, "", content, limits)
        manifests.extend(found)
        failures.extend(one for one in faults if not (skip_non_manifests and one.message == NO_OBJECT))
    failures.extend(_twice(manifests))
    ordered = sorted(failures, key=lambda one: (one.file.encode(), one.line))
    return tuple(manifests), (*ordered, *_advice(ordered, selected.files))


def _advice(failures: Iterable[Failure], files: Iterable[Entry]) -> Iterator[Failure]:
    if advice := build_report.advice(failures, (entry.path for entry in files), "."):
        yield Failure(reason=Reason.BUILD_FAILED, message=advice)


def _twice(manifests: Iterable[Manifest]) -> Iterator[Failure]:
    """Find objects that are declared again; which kinds have no namespace, only a cluster knows."""
    first: dict[ObjectRef, Manifest] = {}
    for manifest in manifests:
        known = first.setdefault(manifest.ref, manifest)
        if known is not manifest:
            yield scope.declared_twice(manifest, known)
