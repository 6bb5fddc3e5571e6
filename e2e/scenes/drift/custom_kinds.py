"""Two kinds of custom resources: one whose schema names every field, and one whose schema says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from e2e.harness.cluster import Cluster, Object
from e2e.harness.waiting import eventually
from e2e.scenes.drift.kinds import THEIRS, Kind

CRDS = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")

_PART = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
}
_SPEC: Object = {
    "colour": {"type": "string"},
    "shape": {"type": "string"},
    "replicas": {"type": "integer"},
    "parts": {
        "type": "array",
        "items": _PART,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    },
    "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
    "steps": {"type": "array", "items": {"type": "string"}},
    "limits": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "x-kubernetes-map-type": "atomic",
    },
}
_OPEN: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_STRUCTURAL: Object = {
    "type": "object",
    "properties": {"spec": {"type": "object", "properties": _SPEC}, "status": _OPEN},
}


def widget(group: str) -> Kind:
    """Return the kind with a structural schema; it is served as v1 and v2."""

    def declare(name: str) -> Object:
        parts = [{"name": "first", "value": "1"}, {"name": "second", "value": "2"}]
        spec = {
            "colour": "blue",
            "shape": "round",
            "replicas": 2,
            "parts": parts,
            "tags": ["new", "old"],
            "steps": ["one", "two"],
            "limits": {"most": "3"},
        }
        return kind.body(name, spec=spec)

    kind = _kind("Widget", group, declare)
    return kind


def loose(group: str) -> Kind:
    """Return the kind whose schema says nothing."""

    def declare(name: str) -> Object:
        spec = {"colour": "blue", "shape": "round", "inner": {"deep": "yes"}, "steps": ["one", "two"]}
        return kind.body(name, spec=spec)

    kind = _kind("Loose", group, declare)
    return kind


def _kind(name: str, group: str, declare: Any) -> Kind:
    return Kind(
        name=name,
        api_version=f"{group}/v1",
        plural=f"{name.lower()}s",
        declare=declare,
        path=("spec", "colour"),
        theirs=THEIRS,
        part=lambda value: {"spec": {"colour": value}},
        optional=("spec", "shape"),
        foreign=("metadata", "annotations"),
    )


def definition(kind: Kind) -> Object:
    """Declare the definition of one of the two kinds."""
    group = kind.api_version.partition("/")[0]
    schema = _STRUCTURAL if kind.name == "Widget" else _OPEN
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    subresources = {"status": {}, "scale": scale} if kind.name == "Widget" else {"status": {}}
    version = {"served": True, "schema": {"openAPIV3Schema": schema}, "subresources": subresources}
    return {
        "apiVersion": CRDS[0],
        "kind": CRDS[1],
        "metadata": {"name": f"{kind.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind.name, "plural": kind.plural},
            "versions": [
                {"name": "v1", "storage": True, **version},
                {"name": "v2", "storage": False, **version},
            ],
        },
    }


@contextmanager
def installed(cluster: Cluster, group: str) -> Iterator[tuple[Kind, Kind]]:
    """Install both kinds in a group of one's own for a while."""
    kinds = (widget(group), loose(group))
    names = [cluster.create(definition(kind))["metadata"]["name"] for kind in kinds]
    try:
        for name in names:
            eventually(lambda name=name: _established(cluster, name), message=name)  # type: ignore[misc]
        yield kinds
    finally:
        for name in names:
            cluster.delete(*CRDS, name)


@contextmanager
def defined(cluster: Cluster, body: Object) -> Iterator[None]:
    """Install one definition for a while."""
    name = cluster.create(body)["metadata"]["name"]
    try:
        eventually(lambda: _established(cluster, name), message=name)
        yield
    finally:
        cluster.delete(*CRDS, name)


def _established(cluster: Cluster, name: str) -> bool:
    conditions = (cluster.get(*CRDS, name).get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)
