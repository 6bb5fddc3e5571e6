"""Log what is worth knowing about a commit that was read, and no error."""

from __future__ import annotations

from collections.abc import Iterable

from towline import log
from towline.api.gitrepository import Spec
from towline.model import Manifest
from towline.plan import manifest
from towline.render.units.built_units import Built, UnitRun
from towline.source.selection import Selection
from towline.status import unit_times
from towline.status.unit_times import UnitTime

_log = log.logger(__name__)

_NAMED = 10
"""How many submodules, or files that are not applied, are named."""


def of_whole(selected: Selection, built: Built, manifests: Iterable[Manifest], spec: Spec, sha: str) -> None:
    """Log what is not applied of a commit that was read whole, and what could be written better.

    Args:
        selected: its files.
        built: its units.
        manifests: its objects.
        spec: how it is read.
        sha: the commit.
    """
    old_spellings(manifests, sha)
    if selected.submodules:
        _log.info("submodules are not read", url=spec.url, commit=sha, paths=selected.submodules[:_NAMED])
    unread = [each.path for each in selected.inner if each.path not in built.reads]
    if unread:
        _log.info(
            "files in the folder of a kustomization that it does not name are not applied",
            url=spec.url,
            commit=sha,
            files=len(unread),
            paths=unread[:_NAMED],
        )


def built(found: Built, sha: str) -> None:
    """Log which units a child has built, and how long that took, also where something else went wrong."""
    for run in found.runs:
        _log.info(
            "unit built",
            unit=run.unit,
            objects=run.objects,
            files=run.files,
            seconds=round(run.seconds, 3),
            commit=sha,
            advice=unit_times.advice(time(run)),
        )


def time(run: UnitRun) -> UnitTime:
    """Return what is told of a unit that was built."""
    return UnitTime(
        unit=run.unit, objects=run.objects, files=run.files, seconds=run.seconds, layers=run.layers
    )


def lookups(places: Iterable[tuple[str, int]], sha: str) -> None:
    """Log where templates ask the cluster: charts are rendered without one, and the answer is empty."""
    for file, line in places:
        _log.warning(
            "a template asks the cluster by lookup, which answers nothing here",
            file=file,
            line=line,
            commit=sha,
        )


def old_spellings(manifests: Iterable[Manifest], sha: str) -> None:
    """Log annotations with an old spelling, once for each commit that is read."""
    for each in manifests:
        for name, written, now in manifest.old_spellings(each):
            _log.warning(
                "an annotation has an old spelling",
                object=str(each.ref),
                file=each.origin.file,
                line=each.origin.line,
                commit=sha,
                annotation=f"{name}: {written}",
                write=f"{name}: {now}",
            )
