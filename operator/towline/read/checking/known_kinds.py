"""Say which kinds a cluster has: those of a version of Kubernetes, and those of CRDs."""

from __future__ import annotations

import lzma
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import orjson

from towline.model import Body, GroupKind
from towline.read.checking import crd_schemas
from towline.read.checking.crd_schemas import CrdVersion

_FILE = Path(__file__).parent / "kubernetes-schemas.json.xz"
VERSIONS = ("1.34", "1.35", "1.36", "1.37")
"""The versions of Kubernetes whose schemas the package has."""


class Lifecycle(NamedTuple):
    """In which versions of Kubernetes a kind is deprecated and removed, and what to write; empty where not known."""

    deprecated: str = ""
    removed: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKind:
    """One kind in one version; `warning` is what its CRD says of a version that is deprecated."""

    namespaced: bool
    schema: Body
    is_custom: bool = False
    served: bool = True
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKinds:
    """All kinds of a cluster, by apiVersion and kind.

    `version` is that of Kubernetes; `definitions` are what schemas refer to; `lifecycle` is that of the kinds of
    Kubernetes, old ones as well; `groups` are those that Kubernetes itself serves; `is_live` says
    that a cluster was asked.
    """

    version: str
    kinds: Mapping[tuple[str, str], KnownKind]
    definitions: Mapping[str, Body]
    lifecycle: Mapping[tuple[str, str], Lifecycle] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    is_live: bool = False

    def with_crds(self, crds: Iterable[Body]) -> KnownKinds:
        """Return them with the kinds that some CRDs define."""
        return self.with_versions(each for crd in crds for each in crd_schemas.versions(crd))

    def with_versions(self, versions: Iterable[CrdVersion]) -> KnownKinds:
        """Return them with some versions of kinds that are not of Kubernetes itself."""
        kinds = dict(self.kinds)
        for each in versions:
            kinds[each.api_version, each.kind] = KnownKind(
                namespaced=each.namespaced,
                schema=each.schema,
                is_custom=True,
                served=each.served,
                warning=each.deprecated,
            )
        return replace(self, kinds=kinds)

    @property
    def scopes(self) -> Mapping[GroupKind, bool]:
        """Whether each kind is in a namespace."""
        return {
            GroupKind(group(version), kind): each.namespaced for (version, kind), each in self.kinds.items()
        }

    def served_as(self, kind: str) -> tuple[str, ...]:
        """Return the apiVersions that serve a kind of this name, stable ones first."""
        found = [version for (version, name), each in self.kinds.items() if name == kind and each.served]
        return tuple(sorted(found, key=lambda version: (is_optional(version), version)))


def group(api_version: str) -> str:
    """Return the group of an apiVersion."""
    return api_version.rpartition("/")[0]


def is_optional(api_version: str) -> bool:
    """Whether Kubernetes serves a version of its own only where it is told to: alpha and beta ones."""
    version = api_version.rpartition("/")[2]
    return "alpha" in version or "beta" in version


def bundled(version: str) -> KnownKinds:
    """Return the kinds of a version of Kubernetes, such as `1.37`."""
    packed = orjson.loads(lzma.decompress(_FILE.read_bytes()))
    found = packed["versions"][version]
    definitions = {name: packed["pool"][index] for name, index in found["definitions"].items()}
    kinds = {
        _split(name): KnownKind(namespaced=namespaced, schema={"ref": definition})
        for name, (definition, namespaced) in found["kinds"].items()
    }
    return KnownKinds(
        version=version,
        kinds=kinds,
        definitions=definitions,
        lifecycle={_split(name): Lifecycle(**each) for name, each in packed["lifecycle"].items()},
        groups=frozenset(group(each) for each, _ in kinds),
    )


def _split(name: str) -> tuple[str, str]:
    version, _, kind = name.rpartition("/")
    return version, kind


def by_group(kinds: KnownKinds) -> Mapping[str, frozenset[str]]:
    """Return the names of kinds by their group."""
    found: dict[str, set[str]] = defaultdict(set)
    for version, kind in kinds.kinds:
        found[group(version)].add(kind)
    return {name: frozenset(each) for name, each in found.items()}


def numbers(version: str) -> tuple[int, ...]:
    """Return a version of Kubernetes as numbers that can be compared."""
    return tuple(map(int, version.split(".")))
