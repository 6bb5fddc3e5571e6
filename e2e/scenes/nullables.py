"""A kind whose fields may be null, and objects that say null in every place where one may stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from e2e.harness.cluster import Cluster, Object
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

CRDS = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
KIND = "Nullable"

_NULLABLE = {"type": "string", "nullable": True}
_SPEC: Object = {
    "text": {**_NULLABLE, "default": "x"},
    "struct": {
        "type": "object",
        "nullable": True,
        "default": {"value": 7},
        "properties": {"value": {"type": "integer"}},
    },
    "number": {"type": "integer", "nullable": True},
    "plain": {"type": "string"},
    "filled": {"type": "string", "default": "y"},
    "list": {"type": "array", "items": _NULLABLE},
    "parts": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "value": _NULLABLE},
        },
    },
    "map": {"type": "object", "additionalProperties": _NULLABLE},
    "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": _NULLABLE},
    "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}


@contextmanager
def installed(cluster: Cluster, group: str) -> Iterator[None]:
    """Install the kind in a group of one's own for a while."""
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": _SPEC}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": KIND, "plural": "nullables"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    name = f"nullables.{group}"
    cluster.create({"apiVersion": CRDS[0], "kind": CRDS[1], "metadata": {"name": name}, "spec": spec})
    try:
        eventually(lambda: _established(cluster, name), message=name)
        yield
    finally:
        cluster.delete(*CRDS, name)


def _established(cluster: Cluster, name: str) -> bool:
    conditions = (cluster.get(*CRDS, name).get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def nullable(group: str, name: str, **spec: Any) -> Object:
    """Declare an object of the kind."""
    return {"apiVersion": f"{group}/v1", "kind": KIND, "metadata": {"name": name}, "spec": spec}


def cases(group: str) -> dict[str, Object]:
    """Return objects with nulls, by what is null in them; each has that name."""
    customs: dict[str, Object] = {
        "a-text-with-a-default": {"text": None},
        "a-map-with-a-default": {"struct": None},
        "a-number": {"number": None, "text": "here"},
        "a-default-that-is-not-nullable": {"filled": None},
        "an-item": {"list": ["a", None]},
        "a-field-of-an-item": {"parts": [{"name": "first", "value": None}]},
        "a-member": {"map": {"here": "a", "gone": None}},
        "a-member-of-a-whole": {"whole": {"here": "a", "gone": None}},
        "anything": {"open": {"deep": {"gone": None, "list": [None, {"gone": None}]}, "gone": None}},
    }
    found = {name: nullable(group, name, **spec) for name, spec in customs.items()}
    for name, container in _CONTAINERS.items():
        found[name] = manifests.deployment(name)
        found[name]["spec"]["template"]["metadata"]["creationTimestamp"] = None
        found[name]["spec"]["template"]["spec"]["containers"][0] |= container
    found["pod-fields"] = manifests.deployment("pod-fields")
    found["pod-fields"]["spec"] |= {"replicas": None, "strategy": None}
    found["pod-fields"]["spec"]["template"]["spec"] |= {
        "volumes": None,
        "affinity": None,
        "nodeSelector": {"gone": None, "here": "a"},
        "securityContext": None,
    }
    found["data"] = manifests.config_map("data") | {"data": {"here": "a", "gone": None}}
    found["no-data"] = manifests.config_map("no-data") | {"data": None}
    found["bytes"] = manifests.secret("bytes") | {"data": {"gone": None}, "stringData": {"here": "a"}}
    found["words"] = manifests.config_map("words", here="a")
    found["words"]["metadata"] |= {
        "labels": {"gone": None},
        "annotations": {"gone": None},
        "finalizers": None,
    }
    found["address"] = manifests.service("address")
    found["address"]["spec"] |= {"clusterIP": None, "type": None, "externalIPs": None}
    found["account"] = manifests.service_account("account") | {"imagePullSecrets": None}
    found["reader"] = manifests.role("reader")
    found["reader"]["rules"][0]["resourceNames"] = None
    return found


_CONTAINERS: dict[str, Object] = {
    "a-command": {"command": None, "args": ["a", None]},
    "a-variable": {
        "env": [{"name": "GONE", "value": None}, {"name": "HERE", "value": "a", "valueFrom": None}]
    },
    "a-probe": {"livenessProbe": None, "lifecycle": None, "ports": None, "resources": None},
    "a-limit": {"resources": {"limits": {"cpu": None, "memory": "1Gi"}}},
    "a-port": {"ports": [{"containerPort": 80, "name": None, "hostPort": None}]},
}
