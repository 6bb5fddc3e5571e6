"""Say which charts a kustomization has Helm render (`helmCharts`), and refuse what would make Helm do anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from towline.render.units.references import Reference, ReferenceFault, Steps, Use

_HOME = "charts"
"""Where kustomize looks for charts, seen from the kustomization."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_RELEASE = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,51}[a-z0-9])?")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9./+_-]*")
_FIELDS = frozenset(
    {
        "name",
        "version",
        "repo",
        "releaseName",
        "namespace",
        "valuesFile",
        "additionalValuesFiles",
        "valuesInline",
        "valuesMerge",
        "includeCRDs",
        "skipHooks",
        "skipTests",
        "apiVersions",
        "kubeVersion",
    }
)
_PLAIN_TEXTS = ("namespace", "version", "kubeVersion", "valuesMerge")


class ChartEntry(NamedTuple):
    """A chart that a kustomization names; `repository` is empty where it must be in the commit."""

    name: str
    version: str
    repository: str
    home: str
    steps: Steps

    @property
    def place(self) -> str:
        """Where kustomize looks for the chart, seen from the kustomization."""
        if self.repository and self.version:
            return f"{self.home}/{self.name}-{self.version}/{self.name}"
        return f"{self.home}/{self.name}"


FoundCharts: TypeAlias = Iterator[ChartEntry | Reference | ReferenceFault]


def entries(kustomization: Any) -> FoundCharts:
    """Yield the charts of a kustomization, the files of values that go with them, and what is wrong with them."""
    if not isinstance(kustomization, dict):
        return
    if kustomization.get("helmChartInflationGenerator"):
        message = "helmChartInflationGenerator is old: write helmCharts, and chartHome in helmGlobals"
        yield ReferenceFault(message, ("helmChartInflationGenerator",))
    home = _HOME
    for found in _globals(kustomization.get("helmGlobals")):
        if isinstance(found, str):
            home = found
        else:
            yield found
    charts = kustomization.get("helmCharts")
    if charts is not None and not isinstance(charts, list):
        yield ReferenceFault("helmCharts must be a list", ("helmCharts",))
        return
    for at, entry in enumerate(charts or ()):
        yield from _entry(entry, home, ("helmCharts", at))


def _globals(given: Any) -> Iterator[str | ReferenceFault]:
    if given is None:
        return
    if not isinstance(given, dict):
        yield ReferenceFault("helmGlobals must be a map", ("helmGlobals",))
        return
    for name, value in given.items():
        if name == "chartHome" and isinstance(value, str) and value:
            yield value.rstrip("/")
        elif value:
            message = f"{name} is refused: Helm has no configuration here, and chartHome must be a path"
            yield ReferenceFault(message, ("helmGlobals", name))


def _entry(entry: Any, home: str, steps: Steps) -> FoundCharts:
    if not isinstance(entry, dict):
        yield ReferenceFault("must be a map", steps)
        return
    faults = [*_faults(entry, steps)]
    yield from faults
    if faults:
        return
    yield ChartEntry(entry["name"], entry.get("version") or "", entry.get("repo") or "", home, steps)
    if entry.get("valuesFile"):
        yield Reference(Use.RAW, entry["valuesFile"], (*steps, "valuesFile"))
    for at, path in enumerate(entry.get("additionalValuesFiles") or ()):
        yield Reference(Use.RAW, path, (*steps, "additionalValuesFiles", at))


def _faults(entry: Mapping[str, Any], steps: Steps) -> Iterator[ReferenceFault]:
    """Refuse what is not plain: these texts are arguments of Helm."""
    for name in entry.keys() - _FIELDS:
        yield ReferenceFault(f"{name} is not supported", (*steps, name))
    if not _matches(_NAME, entry.get("name")):
        yield ReferenceFault("needs a name", (*steps, "name"))
    if not _matches(_RELEASE, entry.get("releaseName")):
        message = "needs a releaseName (DNS-1123, at most 53 characters): Helm would make up another one at each render"
        yield ReferenceFault(message, (*steps, "releaseName"))
    for name in _PLAIN_TEXTS:
        if entry.get(name) and not _matches(_PLAIN, entry[name]):
            yield ReferenceFault(f"{name} must be letters and digits", (*steps, name))
    if entry.get("repo") and not isinstance(entry["repo"], str):
        yield ReferenceFault("repo must be an address", (*steps, "repo"))
    if entry.get("valuesFile") and not isinstance(entry["valuesFile"], str):
        yield ReferenceFault("must be a path", (*steps, "valuesFile"))
    for name, pattern in (("apiVersions", _PLAIN), ("additionalValuesFiles", re.compile(".+"))):
        given = entry.get(name)
        if given and not (isinstance(given, list) and all(_matches(pattern, each) for each in given)):
            yield ReferenceFault(f"{name} must be a list of texts", (*steps, name))


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
