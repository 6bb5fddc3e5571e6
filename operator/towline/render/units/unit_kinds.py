"""Tell the folders that kustomize builds from the charts, where they are in each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from towline.api.gitrepository import Render
from towline.errors import Failure, Reason, SourceError
from towline.render.units import unit_folders
from towline.source import selection
from towline.source.selection import Entry, shown

CHART = "Chart.yaml"
"""The file that makes a folder a chart."""

_BOTH = "the folder has a kustomization and a Chart.yaml: set spec.render to Kustomize or Helm, or remove one of them"


class UnitKinds(NamedTuple):
    """The folders with a kustomization, the topmost charts, and what is refused."""

    kustomizations: frozenset[str]
    charts: frozenset[str]
    failures: tuple[Failure, ...]


def check(markers: Iterable[Entry], render: Render, path: str) -> None:
    """Refuse a path that is not what a spec wants it to be.

    Args:
        markers: Chart.yaml and kustomizations.
        render: what the spec wants.
        path: `spec.path`.

    Raises:
        SourceError: PathNotFound.
    """
    places = (each.reached.rpartition("/") for each in markers)
    names = {name for folder, _, name in places if (folder or ".") == path}
    lacks = {
        Render.KUSTOMIZE: "" if names - {CHART} else "kustomization",
        Render.HELM: "" if CHART in names else CHART,
    }
    if what := lacks.get(render):
        message = f"{path} has no {what}, as spec.render wants: change spec.path or spec.render"
        raise SourceError(Reason.PATH_NOT_FOUND, message)


def split(markers: Iterable[Entry], render: Render) -> UnitKinds:
    """Return the folders that some marker files make units.

    A chart in the folder of a kustomization belongs to that, and so does a kustomization in a chart. Where one folder
    is both, the spec must say what it is.

    Args:
        markers: Chart.yaml and kustomizations.
        render: what the spec wants.
    """
    given = tuple(markers)
    charts = {selection.unit_folder(one) for one in given if _name(one) == CHART}
    others = {selection.unit_folder(one) for one in given if _name(one) != CHART}
    both = charts & others
    if render is Render.HELM:
        others -= both
    elif render is Render.KUSTOMIZE:
        charts -= both
    units = charts | others
    topmost = {folder for folder in charts if units.isdisjoint(unit_folders.above(folder))}
    failures = (
        Failure(reason=Reason.BUILD_FAILED, message=_BOTH, file=shown(one.path))
        for one in given
        if _name(one) == CHART and selection.unit_folder(one) in topmost & others
    )
    outside = {folder for folder in others if topmost.isdisjoint((folder, *unit_folders.above(folder)))}
    return UnitKinds(frozenset(outside), frozenset(topmost - others), tuple(failures))


def _name(marker: Entry) -> str:
    return marker.reached.rpartition("/")[2]
