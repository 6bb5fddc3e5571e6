"""Read annotations of Flux, Argo CD and Helm where they mean what one of Towline's means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from towline.api import labels

FLUX_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
FLUX_FORCE = "kustomize.toolkit.fluxcd.io/force"
ARGO_OPTIONS = "argocd.argoproj.io/sync-options"
ARGO_WAVE = "argocd.argoproj.io/sync-wave"
HELM_POLICY = "helm.sh/resource-policy"

KEEPS = frozenset({"prune=false", "prune=confirm", "delete=false", "delete=confirm"})
"""Options of Argo CD, in lower case, by which an object is not deleted without a person."""

FORCES = "force=true"

_WAVE = re.compile(r"-?[0-9]{1,3}")


def directives(annotations: Mapping[str, Any]) -> dict[str, str]:
    """Return what they ask for, by Towline's own annotations; one of those wins where an object has both."""
    options = _words(annotations, ARGO_OPTIONS)
    found: dict[str, str] = {}
    if keeps(annotations):
        found[labels.PRUNE] = "Disabled"
    if "enabled" in _words(annotations, FLUX_FORCE) or FORCES in options:
        found[labels.FORCE] = "Enabled"
    wave = annotations.get(ARGO_WAVE)
    if isinstance(wave, str) and _WAVE.fullmatch(wave.strip()):
        found[labels.WAVE] = wave.strip()
    return found


def keeps(annotations: Mapping[str, Any]) -> bool:
    """Tell whether an object is to stay when it is no longer declared."""
    return (
        "disabled" in _words(annotations, FLUX_PRUNE)
        or "keep" in _words(annotations, HELM_POLICY)
        or not KEEPS.isdisjoint(_words(annotations, ARGO_OPTIONS))
    )


def _words(annotations: Mapping[str, Any], name: str) -> frozenset[str]:
    value = annotations.get(name)
    return (
        frozenset(word.strip().lower() for word in value.split(","))
        if isinstance(value, str)
        else frozenset()
    )
