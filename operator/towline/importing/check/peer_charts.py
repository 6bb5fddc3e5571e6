"""Say what Flux and Argo CD tell Helm: the flags and the values of a release."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from towline.importing import homes
from towline.importing.flux import helm_releases
from towline.importing.peer_resource import PeerResource


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRelease:
    """How a chart is rendered.

    Attributes:
        name: of the release.
        namespace: of the release.
        files: values files by their paths from the root of the repository, the last one wins.
        values: over those of files: YAML, or a map; None where there are none.
        flags: further flags of `helm template`.
    """

    name: str
    namespace: str
    files: tuple[str, ...] = ()
    values: str | Mapping[str, Any] | None = None
    flags: tuple[str, ...] = field(default=(), repr=False)


def of_flux(of: PeerResource) -> PeerRelease:
    """Return how Flux renders the chart of a HelmRelease; values of the cluster are not known."""
    install = of.spec.get("install") or {}
    chart = (of.spec.get("chart") or {}).get("spec") or {}
    skips = install.get("skipCRDs") or install.get("crds") == "Skip"
    hooks = ("--no-hooks",) if install.get("disableHooks") else ()
    return PeerRelease(
        name=helm_releases.release_name(of),
        namespace=helm_releases.release_namespace(of),
        files=tuple(homes.clean(str(each)) for each in chart.get("valuesFiles") or ()),
        values=of.spec.get("values"),
        flags=(*(() if skips else ("--include-crds",)), *hooks),
    )


def of_argo(of: PeerResource, source: Mapping[str, Any], files: Sequence[str]) -> PeerRelease:
    """Return how Argo CD renders the chart of a source.

    Args:
        of: the Application.
        source: its source.
        files: its values files, resolved: paths from the root of the repository.
    """
    given = source.get("helm") or {}
    flags: list[str] = [] if given.get("skipCrds") else ["--include-crds"]
    for each in given.get("parameters") or ():
        flag = "--set-string" if each.get("forceString") else "--set"
        flags += [flag, f"{each['name']}={_escaped(str(each.get('value', '')))}"]
    if given.get("kubeVersion"):
        flags += ["--kube-version", str(given["kubeVersion"])]
    for version in given.get("apiVersions") or ():
        flags += ["--api-versions", str(version)]
    destination = of.spec.get("destination") or {}
    return PeerRelease(
        name=str(given.get("releaseName") or of.name),
        namespace=str(given.get("namespace") or destination.get("namespace") or "default"),
        files=tuple(files),
        values=given.get("valuesObject") or given.get("values"),
        flags=tuple(flags),
    )


def argo_files(source: Mapping[str, Any], tree: Sequence[str]) -> list[str]:
    """Return the values files of a source as Argo CD finds them in a checkout: globs sorted, missing ones left out."""
    folder = str(source.get("path") or ".")
    found: list[str] = []
    for raw in (source.get("helm") or {}).get("valueFiles") or ():
        text = str(raw).partition("/")[2] if str(raw).startswith("$") else str(raw)
        at_root = str(raw).startswith(("$", "/"))
        path = posixpath.normpath(text.lstrip("/") if at_root else posixpath.join(folder, text))
        found += [each for each in tree if homes.matches(each, path) and each not in found]
    return found


def _escaped(value: str) -> str:
    is_list = value.startswith("{") and value.endswith("}")
    return value if is_list else value.replace("\\,", ",").replace(",", "\\,")
