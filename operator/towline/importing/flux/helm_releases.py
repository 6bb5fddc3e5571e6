"""Turn a HelmRelease of Flux into a GitRepository."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from towline.importing.draft import Draft, drafted
from towline.importing.flux import flux_sources, kustomizations, release_charts
from towline.importing.flux.flux_rules import RULES
from towline.importing.flux.flux_sources import Resources
from towline.importing.homes import Homes
from towline.importing.peer_resource import PeerResource

_NAME = 53
"""The longest name of a release."""


def convert(of: PeerResource, found: Resources, known: Homes) -> Draft:
    """Return the GitRepository that renders what a HelmRelease of Flux installs.

    Args:
        of: the HelmRelease.
        found: all resources that were read.
        known: the repositories that are at hand.
    """
    return drafted(of, lambda draft: _fill(draft, found, known))


def release_name(of: PeerResource) -> str:
    """Return the name of the release, by the rules of Flux."""
    spec = of.spec
    target = spec.get("targetNamespace")
    name = str(spec.get("releaseName") or (f"{target}-{of.name}" if target else of.name))
    if len(name) <= _NAME:
        return name
    return f"{name[: _NAME - 13]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def release_namespace(of: PeerResource) -> str:
    """Return the namespace that the release is in."""
    return str(of.spec.get("targetNamespace") or of.namespace)


def _fill(draft: Draft, found: Resources, known: Homes) -> None:
    flux_sources.check(draft)
    spec = draft.of.spec
    if (spec.get("upgrade") or {}).get("preserveValues"):
        message = (
            "values that are kept from the release before are not in Git: write them into spec.values first"
        )
        raise draft.refused(message, "spec", "upgrade", "preserveValues")
    release_charts.place(draft, found, known)
    draft.put("defaultNamespace", release_namespace(draft.of))
    draft.put("helm.releaseName", release_name(draft.of))
    draft.put("helm.namespace", release_namespace(draft.of))
    _values(draft, spec)
    _crds(draft, spec)
    _hooks(draft, spec)
    _drift(draft, spec)
    _overlay(draft, spec)
    flux_sources.duration(draft, "healthTimeout", spec.get("timeout"), ("spec", "timeout"), ("1s", "24h"))
    kustomizations.depends(draft, spec)
    draft.put("healthChecks", spec.get("healthCheckExprs"))
    draft.tell(RULES["HelmRelease"])


def _values(draft: Draft, spec: Mapping[str, Any]) -> None:
    kept = []
    for number, each in enumerate(spec.get("valuesFrom") or ()):
        if each.get("literal"):
            draft.lost("the value is parsed as in helm --set", "spec", "valuesFrom", number, "literal")
        kept.append(
            {key: each[key] for key in ("kind", "name", "valuesKey", "targetPath", "optional") if key in each}
        )
    draft.put("helm.valuesFrom", kept)
    draft.put("helm.values", spec.get("values"))
    if _has_null(spec.get("values")) and draft.spec["helm"].get("valuesFiles"):
        message = "a null removes what the chart's values.yaml sets, and not what another file sets; there it does both"
        draft.different(message, "spec", "values")


def _has_null(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_null, value.values()))
    return value is None


def _crds(draft: Draft, spec: Mapping[str, Any]) -> None:
    install, upgrade = spec.get("install") or {}, spec.get("upgrade") or {}
    first = "Skip" if install.get("skipCRDs") else install.get("crds", "Create")
    later = upgrade.get("crds", "Skip")
    if first == later == "Skip":
        draft.put("helm.crds", "Skip")
    elif later == "Skip":
        message = "CRDs of the chart are updated with it: set spec.helm.crds to Skip where they should stay"
        draft.different(message, "spec", "upgrade", "crds")


def _hooks(draft: Draft, spec: Mapping[str, Any]) -> None:
    without = [when for when in ("install", "upgrade") if (spec.get(when) or {}).get("disableHooks")]
    if len(without) == 2:
        draft.put("helm.hooks", "Skip")
    elif without:
        draft.lost(
            "hooks are left out of both or of neither: see spec.helm.hooks",
            "spec",
            without[0],
            "disableHooks",
        )


def _drift(draft: Draft, spec: Mapping[str, Any]) -> None:
    detection = spec.get("driftDetection") or {}
    if detection.get("mode") != "enabled":
        draft.put("drift", "Report")
        message = (
            "changes in the cluster are reported and not undone, as nothing undoes them there: see spec.drift"
        )
        draft.different(message, "spec", "driftDetection", "mode")
    kustomizations.ignore(draft, detection.get("ignore") or (), "spec", "driftDetection", "ignore")


def _overlay(draft: Draft, spec: Mapping[str, Any]) -> None:
    renderers = [each.get("kustomize") or {} for each in spec.get("postRenderers") or ()]
    for name in ("images", "patches"):
        draft.put(f"kustomize.{name}", [one for each in renderers for one in each.get(name) or ()])
    if len(renderers) > 1:
        draft.different("all of them are one overlay, in which images come last", "spec", "postRenderers")
    meta = spec.get("commonMetadata") or {}
    draft.put("kustomize.labels", meta.get("labels"))
    draft.put("kustomize.annotations", meta.get("annotations"))
