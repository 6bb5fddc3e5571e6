"""Give each namespaced object its namespace, and find objects that are declared twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from towline.errors import Failure, Refusal
from towline.model import GroupKind, Manifest, ObjectRef, Resource
from towline.plan import waves


def place(
    manifests: Iterable[Manifest], scopes: Mapping[GroupKind, bool], default_namespace: str
) -> tuple[tuple[Manifest, ...], tuple[Failure, ...]]:
    """Give every manifest its final `ref`, and so its namespace; name what cannot be placed.

    `scopes` says for each kind that is served, or that a CRD of the same commit brings, whether it is
    namespaced. A namespaced object that names no namespace gets `default_namespace`; one on a cluster-scoped
    object is taken away, as the API server does. A manifest that needs no change is returned as it is, and
    digests stay: the result depends on the arguments alone, so a caller that sees the same ones again may
    keep it.

    Failures: UnknownKind; DuplicateObject, at the second place, naming the first, also where the versions differ.
    """
    placed: dict[ObjectRef, Manifest] = {}
    failures: list[Failure] = []
    for manifest in manifests:
        found = _placed(manifest, scopes, default_namespace)
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
    manifest: Manifest, scopes: Mapping[GroupKind, bool], default_namespace: str
) -> Manifest | Failure:
    namespaced = scopes.get(manifest.ref.group_kind)
    given = manifest.ref.namespace
    if namespaced is None:
        return _unknown(manifest)
    namespace = (given or default_namespace) if namespaced else ""
    if given == namespace:
        return manifest
    return replace(manifest, ref=manifest.ref._replace(namespace=namespace))


def _unknown(manifest: Manifest) -> Failure:
    kind = f"{manifest.ref.kind} in {manifest.api_version}"
    message = f"the API server does not serve {kind}, and no CRD of this commit defines it"
    return _failure(manifest, Refusal.UNKNOWN_KIND, message)


def declared_twice(second: Manifest, first: Manifest) -> Failure:
    """Return the failure of an object that is declared twice, at its second place, naming the first."""
    message = f"{second.ref.display} is declared already at {first.origin.file}:{first.origin.line}"
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
