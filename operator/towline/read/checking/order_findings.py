"""Find objects that are written into a namespace, or of a kind, that nothing brings, or that comes too late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from towline.errors import Refusal
from towline.model import GroupKind, Manifest
from towline.plan import scope, waves
from towline.read.checking import manifest_finding
from towline.read.checking.manifest_finding import FindingRule, ManifestFinding, Severity

DEFAULT_NAMESPACES = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
"""The namespaces that every cluster has."""


def findings(manifests: Sequence[Manifest], known: frozenset[str]) -> Iterator[ManifestFinding]:
    """Yield what lacks its namespace, and what is written before its namespace or its kind.

    Args:
        manifests: all objects, in their namespaces.
        known: the namespaces that exist already, or that something else brings.
    """
    namespaces = {each.ref.name: each for each in manifests if each.ref.group_kind == waves.NAMESPACE}
    crds = _crds(manifests)
    for manifest in manifests:
        namespace = manifest.ref.namespace
        if namespace in namespaces:
            yield from _late(manifest, namespaces[namespace], "/metadata/namespace")
        elif namespace and namespace not in known:
            message = (
                f"no file declares Namespace {namespace}: declare it, or say that the cluster has it"
                f" with --known-namespace {namespace}"
            )
            yield manifest_finding.of(
                manifest, Refusal.NAMESPACE_NOT_FOUND, Severity.WARNING, "/metadata/namespace", message
            )
        if crd := crds.get(manifest.ref.group_kind):
            yield from _late(manifest, crd, "/kind")


def _crds(manifests: Sequence[Manifest]) -> Mapping[GroupKind, Manifest]:
    """Return the CRDs by the kinds that they define."""
    return {
        kind: manifest
        for manifest in manifests
        if manifest.ref.group_kind == waves.CRD
        for kind in scope.declared_scopes([manifest])
    }


def _late(manifest: Manifest, needed: Manifest, field: str) -> Iterator[ManifestFinding]:
    """Yield what `towline.dev/wave` keeps from being written after what it needs."""
    own, first = waves.step(waves.wave(manifest)), waves.step(waves.wave(needed))
    if own < first:
        message = (
            f"it is written in wave {own}, and {needed.ref.display} ({needed.origin.file}:{needed.origin.line})"
            f" only in wave {first}: correct towline.dev/wave of one of them"
        )
        yield manifest_finding.of(manifest, FindingRule.WRITTEN_TOO_LATE, Severity.ERROR, field, message)
