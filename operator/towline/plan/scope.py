"""Give each namespaced object its namespace, and find objects that are declared twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from towline.errors import Failure, Refusal
from towline.model import GroupKind, Manifest, ObjectRef, Resource
from towline.plan import waves

_INSTALL = "declare its CRD in Git, or install it"
_REMOVE = "remove it, or name its file in spec.exclude"


def place(
    manifests: Iterable[Manifest],
    scopes: Mapping[GroupKind, bool],
    default_namespace: str,
    namesakes: Mapping[GroupKind, Sequence[str]] = MappingProxyType({}),
) -> tuple[tuple[Manifest, ...], tuple[Failure, ...]]:
    """Give every manifest its final `ref`, and so its namespace; name what cannot be placed.

    `scopes` says for each kind that is served, or that a CRD of the same commit brings, whether it is
    namespaced. A namespaced object that names no namespace gets `default_namespace`; one on a cluster-scoped
    object is taken away, as the API server does. A manifest that needs no change is returned as it is, and
    digests stay: the result depends on the arguments alone, so a caller that sees the same ones again may
    keep it. `namesakes` holds, for kinds that are not served, the apiVersions that serve a kind of the same
    name in another group.

    Failures: UnknownKind; DuplicateObject, at the second place, naming the first, also where the versions differ.
    """
    placed: dict[ObjectRef, Manifest] = {}
    failures: list[Failure] = []
    for manifest in manifests:
        found = _placed(manifest, scopes, default_namespace, namesakes)
        if isinstance(found, Failure):
            failures.append(found)
        elif found.ref in placed:
            failures.append(declared_twice(found, placed[found.ref]))
        else:
            placed[found.ref] = found
    return tuple(placed.values()), tuple(failures)


def visible(
    manifests: Iterable[Manifest], denied: Mapping[GroupKind, str]
) -> tuple[tuple[Manifest, ...], tuple[Failure, ...]]:
    """Refuse, as Forbidden, the manifests of kinds that Towline may not read: their live state is unknown.

    `denied` says for each such kind which rule is missing.
    """
    seen = tuple(manifest for manifest in manifests if manifest.ref.group_kind not in denied)
    failures = tuple(
        _failure(manifest, Refusal.FORBIDDEN, denied[manifest.ref.group_kind])
        for manifest in manifests
        if manifest.ref.group_kind in denied
    )
    return seen, failures


def _placed(
    manifest: Manifest,
    scopes: Mapping[GroupKind, bool],
    default_namespace: str,
    namesakes: Mapping[GroupKind, Sequence[str]],
) -> Manifest | Failure:
    namespaced = scopes.get(manifest.ref.group_kind)
    given = manifest.ref.namespace
    if namespaced is None:
        message = _unknown(manifest, namesakes.get(manifest.ref.group_kind, ()))
        return _failure(manifest, Refusal.UNKNOWN_KIND, message)
    namespace = (given or manifest.release_namespace or default_namespace) if namespaced else ""
    if given == namespace:
        return manifest
    return replace(manifest, ref=manifest.ref._replace(namespace=namespace))


def _unknown(manifest: Manifest, namesakes: Sequence[str]) -> str:
    """Say what to do about a kind that is not served.

    The API server accepts no CRD whose group has no dot (`validateCustomResourceDefinitionSpec`), so nobody can
    install a Deployment of the group `extensions`.
    """
    kind = f"{manifest.ref.kind} in {manifest.api_version}"
    if "." in manifest.ref.group:
        return f"the API server does not serve {kind}, and no CRD of this commit defines it: {_INSTALL}"
    if namesakes:
        return unserved(manifest.ref.kind, manifest.api_version, namesakes)
    return f"the API server does not serve {kind}, and no CRD can define it: {_REMOVE}"


def unserved(kind: str, version: str, served: Sequence[str]) -> str:
    """Say that a kind is not served in a version, and what to write where it is served in others (apiVersions)."""
    if not served:
        return f"the API server does not serve {f'{kind} {version}'.rstrip()}: {_INSTALL}"
    others = ", ".join(served)
    return f"the API server serves {kind} in {others}, not in {version}: write apiVersion: {served[0]}"


def declared_twice(second: Manifest, first: Manifest) -> Failure:
    """Return the failure of an object that is declared twice, at its second place, naming the first."""
    message = f"{second.ref.display} is declared already at {first.origin.file}:{first.origin.line}: remove one of them"
    return _failure(second, Refusal.DUPLICATE_OBJECT, message)


def _failure(manifest: Manifest, reason: Refusal, message: str) -> Failure:
    origin = manifest.origin
    return Failure(
        reason=reason,
        message=message,
        object=str(manifest.ref),
        file=origin.file,
        line=origin.line,
    )


def declared_scopes(manifests: Iterable[Manifest]) -> Mapping[GroupKind, Resource]:
    """Read the kinds that CRDs among the manifests bring; `version` is the stored one if it is served.

    A CRD that does not say its group, names and versions is left out: the API server refuses it by name.
    """
    found = (
        _declared(manifest.body.get("spec")) for manifest in manifests if manifest.ref.group_kind == waves.CRD
    )
    return {resource.group_kind: resource for resource in found if resource}


def _declared(spec: Any) -> Resource | None:
    match spec:
        case {
            "group": str(group),
            "names": {"kind": str(kind), "plural": str(plural)},
            "scope": "Namespaced" | "Cluster" as scope,
            "versions": list(versions),
        }:
            served = [
                version for version in versions if isinstance(version, Mapping) and version.get("served")
            ]
            served.sort(key=lambda version: not version.get("storage"))
            if not served:
                return None
            name = str(served[0].get("name"))
            namespaced = scope == "Namespaced"
            return Resource(group=group, version=name, kind=kind, plural=plural, namespaced=namespaced)
    return None
