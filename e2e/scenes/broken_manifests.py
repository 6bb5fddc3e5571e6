"""Manifests that are sound, and the same with one thing changed at random, which may break them or not."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]

LABELS = {"app": "web", "app.kubernetes.io/part-of": "shop"}
CONTAINER = {
    "name": "web",
    "image": "registry.example/web:1",
    "imagePullPolicy": "IfNotPresent",
    "command": ["serve"],
    "args": ["--port", "8080"],
    "env": [
        {"name": "COLOR", "value": "blue"},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ],
    "ports": [
        {"name": "http", "containerPort": 8080},
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
    ],
    "resources": {"requests": {"cpu": "100m", "memory": 64}, "limits": {"memory": "1Gi"}},
    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5},
    "volumeMounts": [{"name": "settings", "mountPath": "/etc/web", "readOnly": True}],
    "securityContext": {"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}},
}
POD = {
    "metadata": {"labels": LABELS, "annotations": {"example.com/note": "a"}},
    "spec": {
        "containers": [CONTAINER],
        "volumes": [{"name": "settings", "configMap": {"name": "settings", "defaultMode": 420}}],
        "imagePullSecrets": [{"name": "registry"}],
        "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}],
        "terminationGracePeriodSeconds": 30,
    },
}
SPEC = {"selector": {"matchLabels": LABELS}, "template": POD}
CRD_SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 0},
                "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 9},
                "port": {"x-kubernetes-int-or-string": True},
                "since": {"type": "string", "format": "date-time", "nullable": True},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
                "parts": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name", "kind"],
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {
                            "name": {"type": "string"},
                            "kind": {"type": "string", "default": "small"},
                        },
                    },
                },
            },
        },
        "status": {"type": "object", "required": ["phase"], "properties": {"phase": {"type": "string"}}},
    },
}


def crd(group: str) -> dict[str, Any]:
    """Return the CRD of the kind Widget in a group."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": CRD_SCHEMA},
        "subresources": {"status": {}},
    }
    names = {"kind": "Widget", "plural": "widgets"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return _object("apiextensions.k8s.io/v1", "CustomResourceDefinition", name=f"widgets.{group}", spec=spec)


def sound(group: str) -> Sequence[dict[str, Any]]:
    """Return manifests without a mistake, of kinds of Kubernetes and of a CRD's Widget."""
    return (
        _object("apps/v1", "Deployment", spec={"replicas": 2, "strategy": {"type": "Recreate"}, **SPEC}),
        _object("apps/v1", "StatefulSet", spec={"serviceName": "web", **SPEC}),
        _object("v1", "ConfigMap", data={"a": "b"}, binaryData={"c": "aGk="}, immutable=False),
        _object("v1", "Secret", type="Opaque", data={"a": "aGk="}),
        _object(
            "v1",
            "Service",
            spec={
                "type": "ClusterIP",
                "selector": LABELS,
                "ports": [
                    {"name": "http", "port": 80, "targetPort": "http"},
                    {"name": "dns", "port": 53, "targetPort": 53, "protocol": "UDP"},
                ],
            },
        ),
        _object(
            "v1",
            "PersistentVolumeClaim",
            spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        ),
        _object(
            "networking.k8s.io/v1",
            "Ingress",
            spec={
                "rules": [
                    {
                        "host": "shop.example",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": "web", "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ]
            },
        ),
        _object(
            "rbac.authorization.k8s.io/v1",
            "Role",
            rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
        ),
        _object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"},
            subjects=[{"kind": "ServiceAccount", "name": "web", "namespace": "shop"}],
        ),
        _object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "maxReplicas": 5,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {
                            "name": "cpu",
                            "target": {"type": "Utilization", "averageUtilization": 80},
                        },
                    }
                ],
            },
        ),
        _object("coordination.k8s.io/v1", "Lease", spec={"renewTime": "2026-01-02T15:04:05.000000Z"}),
        crd(f"other-{group}"),
        _object(
            f"{group}/v1",
            "Widget",
            spec={
                "size": 1,
                "color": "blue",
                "name": "shop",
                "port": "http",
                "since": "2026-01-02T15:04:05Z",
                "free": {"any": {"thing": 1}},
                "labels": {"a": "b"},
                "tags": ["x", "y"],
                "parts": [{"name": "a"}, {"name": "a", "kind": "large"}],
            },
            status={"phase": "Ready"},
        ),
    )


def _object(version: str, kind: str, *, name: str = "web", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": LABELS, "annotations": {"example.com/note": "a"}}
    return copy.deepcopy({"apiVersion": version, "kind": kind, "metadata": metadata, **fields})


_VALUES: Sequence[Any] = (
    *("zz Bad_1", "", "5", "true", "10Ki", "100m ", "-1", "5s", "2026-01-02T15:04:05Z"),
    *(5, -1, 0, 2**31, 80.0, 1.5, True, False, None),
    *([], {}, [None], [{}], ["a"], ["a", "a"], [1], {"zz": "a"}, {"a": 1}, {"a": None}),
)
_IDENTITY = frozenset({("apiVersion",), ("kind",), ("metadata",), ("metadata", "name")})


def changed(body: Mapping[str, Any], chance: random.Random) -> tuple[str, dict[str, Any]]:
    """Return a manifest with one thing changed, but for its identity, and what that is."""
    made = copy.deepcopy(dict(body))
    path = chance.choice([each for each in _paths(made) if each not in _IDENTITY])
    parent: Any = made
    for step in path[:-1]:
        parent = parent[step]
    how = chance.choice([_set, _set, _set, _remove, _rename, _add, _repeat])
    what = how(parent, path[-1], chance)
    return f"{made['kind']} {'.'.join(map(str, path))}: {what}", made


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    steps = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    for step, child in steps:
        yield (*path, step)
        yield from _paths(child, (*path, step))


def _set(parent: Any, step: Any, chance: random.Random) -> str:
    parent[step] = copy.deepcopy(chance.choice(_VALUES))
    return f"set to {parent[step]!r}"


def _remove(parent: Any, step: Any, _chance: random.Random) -> str:
    del parent[step]
    return "removed"


def _rename(parent: Any, step: Any, chance: random.Random) -> str:
    if not isinstance(parent, dict):
        return _remove(parent, step, chance)
    name = chance.choice([f"{step}x", step.capitalize()])
    parent[name] = parent.pop(step)
    return f"renamed to {name}"


def _add(parent: Any, step: Any, chance: random.Random) -> str:
    if not isinstance(parent[step], dict):
        return _set(parent, step, chance)
    parent[step]["unknown"] = chance.choice(["a", 1, None])
    return f"added unknown: {parent[step]['unknown']!r}"


def _repeat(parent: Any, step: Any, chance: random.Random) -> str:
    if not isinstance(parent[step], list) or not parent[step]:
        return _set(parent, step, chance)
    parent[step].append(copy.deepcopy(parent[step][0]))
    return "its first entry repeated"
