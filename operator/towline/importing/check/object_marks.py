"""Find what objects say to Flux or Argo CD, which Towline does not read, with what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from towline.api import other_annotations
from towline.importing import peer_resource
from towline.model import Body

_PREFIXES = ("kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/", "argocd.argoproj.io/")
_SERVED = frozenset(
    {
        "kustomize.toolkit.fluxcd.io/substitute",
        other_annotations.FLUX_PRUNE,
        other_annotations.FLUX_FORCE,
        other_annotations.ARGO_WAVE,
    }
)
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "kustomize.toolkit.fluxcd.io/reconcile": "name its file in spec.exclude, or write towline.dev/drift: Ignore",
        "kustomize.toolkit.fluxcd.io/ssa": "name fields in spec.ignoreFields, or write towline.dev/drift: Ignore",
        "helm.toolkit.fluxcd.io/driftDetection": "write towline.dev/drift: Ignore",
        "argocd.argoproj.io/compare-options": "name fields of others in spec.ignoreFields",
    }
)
_HARMLESS = frozenset({"serversideapply=true", "skipdryrunonmissingresource=true", "prunelast=true"})
_READ = _HARMLESS | other_annotations.KEEPS | {other_annotations.FORCES}


def unread(objects: Iterable[Body]) -> tuple[str, ...]:
    """Return a sentence for each mark of an object that has no effect, and for each resource of another tool."""
    return tuple(f"{_name(body)}: {sentence}" for body in objects for sentence in _sentences(body))


def _sentences(body: Body) -> Iterator[str]:
    if peer_resource.is_peers(body):
        yield "it is a resource of the other tool itself: import it, and remove it from Git before Enforce"
    metadata = body.get("metadata") or {}
    for place in ("labels", "annotations"):
        for name, value in (metadata.get(place) or {}).items():
            if name == other_annotations.ARGO_OPTIONS:
                yield from _options(str(value))
            elif name.startswith(_PREFIXES) and name not in _SERVED:
                yield f"{name}: {value} is not read: {_INSTEAD.get(name, 'see whether it matters')}"


def _options(value: str) -> Iterator[str]:
    for option in (each.strip() for each in value.split(",")):
        if option and option.lower() not in _READ:
            yield f"{other_annotations.ARGO_OPTIONS}: {option} is not read: see whether it matters"


def _name(body: Mapping[str, Any]) -> str:
    metadata = body.get("metadata") or {}
    namespace = metadata.get("namespace")
    return f"{body.get('kind')} {f'{namespace}/' if namespace else ''}{metadata.get('name')}"
