"""Find objects of kinds that are not served, are deprecated, or do not have the form of their kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from towline.errors import Refusal
from towline.model import Manifest
from towline.read.checking import known_kinds, manifest_finding, strict_schema
from towline.read.checking.known_kinds import KnownKinds, Lifecycle
from towline.read.checking.manifest_finding import FindingRule, ManifestFinding, Severity

_NONE = Lifecycle()


def findings(manifests: Iterable[Manifest], kinds: KnownKinds) -> Iterator[ManifestFinding]:
    """Yield what is wrong with the kinds of objects, and with their fields."""
    for manifest in manifests:
        known = kinds.kinds.get((manifest.api_version, manifest.ref.kind))
        if known is None or not known.served:
            yield _unserved(manifest, kinds)
            continue
        if warned := _deprecated(manifest, kinds):
            yield warned
        for error in strict_schema.errors(known.schema, kinds.definitions, manifest.body):
            yield manifest_finding.of(manifest, error.rule, Severity.ERROR, error.field, error.message)


def _unserved(manifest: Manifest, kinds: KnownKinds) -> ManifestFinding:
    version, kind, group = manifest.api_version, manifest.ref.kind, manifest.ref.group
    life = kinds.lifecycle.get((version, kind), _NONE)
    served = kinds.served_as(kind)
    if life.removed and known_kinds.numbers(life.removed) <= known_kinds.numbers(kinds.version):
        instead = _instead(life, kinds) or " or ".join(served)
        use = f": use {instead}" if instead else ", and nothing replaces it"
        message = f"{version} {kind} was removed in Kubernetes {life.removed}{use}"
        return manifest_finding.of(manifest, FindingRule.REMOVED_API, Severity.ERROR, "/apiVersion", message)
    same_group = [each for each in served if known_kinds.group(each) == group]
    if same_group or (served and "." not in group):
        message = f"{kind} is not served in {version}: write apiVersion: {(same_group or served)[0]}"
        return manifest_finding.of(manifest, Refusal.UNKNOWN_KIND, Severity.ERROR, "/apiVersion", message)
    if group in kinds.groups or "." not in group:
        near = get_close_matches(kind, known_kinds.by_group(kinds).get(group, ()), n=1)
        meant = f"; did you mean {near[0]}?" if near else f", and no CRD can define it in {version}"
        message = f"Kubernetes {kinds.version} has no kind {kind} in {version}{meant}"
        return manifest_finding.of(manifest, Refusal.UNKNOWN_KIND, Severity.ERROR, "/kind", message)
    message = (
        f"neither the cluster nor a CRD of these files defines {kind} in {version}: install its CRD, or declare it"
        if kinds.is_live
        else f"no CRD of these files defines {kind} in {version}, so that its fields are not checked:"
        " name files with the CRDs of the cluster by --crds, or declare it"
    )
    return manifest_finding.of(manifest, Refusal.UNKNOWN_KIND, Severity.WARNING, "/kind", message)


def _instead(life: Lifecycle, kinds: KnownKinds) -> str:
    """Return what replaces a kind, where that is itself replaced by now: what replaces that."""
    instead, seen = life.instead, set[str]()
    while instead not in seen:
        seen.add(instead)
        version, _, kind = instead.partition(" ")
        if (version, kind) in kinds.kinds:
            break
        instead = kinds.lifecycle.get((version, kind), _NONE).instead or instead
    return instead


def _deprecated(manifest: Manifest, kinds: KnownKinds) -> ManifestFinding | None:
    version, kind = manifest.api_version, manifest.ref.kind
    known = kinds.kinds[version, kind]
    if known.is_custom:
        if not known.warning:
            return None
        return manifest_finding.of(
            manifest, FindingRule.DEPRECATED_API, Severity.WARNING, "/apiVersion", known.warning
        )
    life = kinds.lifecycle.get((version, kind), _NONE)
    if life.deprecated and known_kinds.numbers(life.deprecated) <= known_kinds.numbers(kinds.version):
        others = [each for each in kinds.served_as(kind) if not known_kinds.is_optional(each)]
        instead = _instead(life, kinds) or " or ".join(each for each in others if each != version)
        parts = [f"{version} {kind} is deprecated since Kubernetes {life.deprecated}"]
        parts += [f"{life.removed} removes it"] if life.removed else []
        parts += [f"use {instead}"] if instead else []
        return manifest_finding.of(
            manifest, FindingRule.DEPRECATED_API, Severity.WARNING, "/apiVersion", ", ".join(parts)
        )
    if known_kinds.is_optional(version) and not kinds.is_live:
        message = f"{version} is served only where the API server is told to: a cluster may not have {kind}"
        return manifest_finding.of(
            manifest, FindingRule.OPTIONAL_API, Severity.WARNING, "/apiVersion", message
        )
    return None
