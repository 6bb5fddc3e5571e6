"""Find the chart that a HelmRelease of Flux names: in a repository of manifests, or in one of charts."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towline.importing import homes, pinned_charts
from towline.importing.draft import Draft
from towline.importing.field_rules import Path
from towline.importing.flux import flux_sources
from towline.importing.flux.flux_rules import RULES
from towline.importing.flux.flux_sources import Resources
from towline.importing.homes import Homes
from towline.importing.peer_resource import PeerResource


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSpec:
    """What `spec.chart.spec` and the spec of a HelmChart have in common, and where it is in the HelmRelease."""

    spec: Mapping[str, Any]
    of: PeerResource
    path: Path


def place(draft: Draft, found: Resources, known: Homes) -> None:
    """Put into a draft which chart is rendered, and from where.

    Raises:
        NotImportableError: the chart cannot be found, or its version is a range.
    """
    reference = draft.of.spec.get("chartRef")
    if not reference:
        chart = (draft.of.spec.get("chart") or {}).get("spec") or {}
        _of_chart(draft, ChartSpec(spec=chart, of=draft.of, path=("spec", "chart", "spec")), found, known)
        return
    named = found.named(reference, draft.of)
    if named and named.kind == "HelmChart":
        of_chart = Draft(named, draft.notes)
        of_chart.check(RULES["HelmChart"])
        of_chart.tell(RULES["HelmChart"])
        _of_chart(draft, ChartSpec(spec=named.spec, of=named, path=("spec", "chartRef")), found, known)
    elif named and named.kind == "OCIRepository":
        _of_registry(draft, named, known)
    else:
        raise flux_sources.no_source(draft, reference, "spec", "chartRef")


def _of_chart(draft: Draft, chart: ChartSpec, found: Resources, known: Homes) -> None:
    reference = chart.spec.get("sourceRef") or {}
    source = found.named(reference, chart.of)
    if source and source.kind == "GitRepository":
        _in_git(draft, chart, source, known)
    elif source and source.kind == "HelmRepository":
        _in_repository(draft, chart, source, known)
    else:
        raise flux_sources.no_source(draft, reference, *chart.path, "sourceRef")


def _in_git(draft: Draft, chart: ChartSpec, source: PeerResource, known: Homes) -> None:
    path = homes.clean(str(chart.spec.get("chart", ".")))
    draft.put("path", path)
    flux_sources.follow(draft, source, path, known)
    draft.put("render", "Helm")
    files = [homes.clean(str(each)) for each in chart.spec.get("valuesFiles") or ()]
    own = posixpath.normpath(posixpath.join(path, "values.yaml"))
    if files and files[0] != own:
        message = f"{own} counts, too: Flux reads only the files that are named"
        draft.different(message, *chart.path, "valuesFiles")
    if chart.spec.get("ignoreMissingValuesFiles"):
        tree = known.tree(str(source.spec.get("url", "")))
        if tree is None and files:
            draft.lost(
                "every values file has to exist: remove those that do not",
                *chart.path,
                "ignoreMissingValuesFiles",
            )
        files = [each for each in files if tree is None or tree.read(each) is not None]
    draft.put("helm.valuesFiles", [each for each in files if each != own])
    if chart.spec.get("reconcileStrategy") != "Revision":
        message = "each commit is rendered, not only one that changes the version in Chart.yaml"
        draft.different(message, *chart.path, "reconcileStrategy")


def _in_repository(draft: Draft, chart: ChartSpec, source: PeerResource, known: Homes) -> None:
    Draft(source, draft.notes).check(RULES["HelmRepository"])
    url = str(source.spec.get("url", ""))
    version = str(chart.spec.get("version") or "*")
    named = {"repo": url, "name": str(chart.spec.get("chart", "")), "version": version}
    pinned_charts.pinned(draft, named, (*chart.path, "version"))
    if chart.spec.get("valuesFiles"):
        message = "values files inside a chart from elsewhere are not read: copy what they set into spec.helm.values"
        draft.lost(message, *chart.path, "valuesFiles")
    _remote(draft, source, url)
    pinned_charts.at_home(draft, known)


def _of_registry(draft: Draft, source: PeerResource, known: Homes) -> None:
    Draft(source, draft.notes).check(RULES["OCIRepository"])
    url = str(source.spec.get("url", ""))
    ref = source.spec.get("ref") or {}
    if ref.get("digest"):
        message = (
            "a chart is named by its version, and its digest is pinned when it is first seen: write ref.tag"
        )
        raise draft.refused(message, "spec", "chartRef")
    repo, _, name = url.rstrip("/").rpartition("/")
    version = str(ref.get("tag") or ref.get("semver") or "*")
    pinned_charts.pinned(draft, {"repo": repo, "name": name, "version": version}, ("spec", "chartRef"))
    _remote(draft, source, url)
    pinned_charts.at_home(draft, known)


def _remote(draft: Draft, source: PeerResource, prefix: str) -> None:
    of_source = Draft(source, draft.notes)
    of_source.check(RULES[source.kind])
    of_source.tell(RULES[source.kind])
    if name := (source.spec.get("secretRef") or {}).get("name"):
        draft.put("remotes", [{"prefix": prefix, "secretRef": {"name": name}}])
        if source.namespace != draft.of.namespace:
            to = draft.of.namespace
            message = f"the Secret {name} is read in the namespace of the GitRepository: copy it to {to}"
            of_source.different(message, "spec", "secretRef")
