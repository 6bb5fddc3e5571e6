"""What the benchmarks declare: objects of usual size, named by number, the same in every run."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import yaml

from e2e.harness.cluster import Object

REPLICAS = 0
"""Of each Deployment: its cost is that of the object, not that of pods."""


def mixed(count: int) -> dict[str, str]:
    """Return one file for each of `count` objects: half ConfigMaps, the rest Secrets, Services, Deployments."""
    files = {}
    for number in range(count):
        kind = (_config_map, _turn(number // 2))[number % 2]
        name = f"{kind.__name__.strip('_').replace('_', '-')}-{number:05}"
        files[f"{number // 100:03}/{name}.yaml"] = _text(kind(name, number))
    return files


def config_maps(count: int, prefix: str) -> dict[str, str]:
    """Return one file for each of `count` ConfigMaps whose names begin with `prefix`."""
    names = ((f"{prefix}-{number:05}", number) for number in range(count))
    return {f"{name}.yaml": _text(_config_map(name, number)) for name, number in names}


def changed(path: str, value: str) -> dict[str, str]:
    """Return the file of one ConfigMap with another value in it."""
    name = path.rpartition("/")[2].removesuffix(".yaml")
    return {path: _text(_config_map(name, int(name.rpartition("-")[2]), value))}


def first_map(files: dict[str, str]) -> str:
    """Return the path of a ConfigMap in the middle of `files`."""
    maps = [path for path in files if "/config-map-" in path]
    return maps[len(maps) // 2]


def _turn(number: int) -> Callable[[str, int], Object]:
    return (_secret, _service, _deployment)[number % 3]


def _config_map(name: str, number: int, value: str = "blue") -> Object:
    data = {
        "colour": value,
        "number": str(number),
        "endpoint": f"https://service-{number}.example.com/api/v1",
        "retries": "3",
        "log.properties": "level=info\nformat=json\nappender=stdout\n",
    }
    return _object("v1", "ConfigMap", name, data=data)


def _secret(name: str, number: int) -> Object:
    plain = {"username": f"user-{number}", "password": f"not-a-password-{number}", "token": "t" * 64}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    return _object("v1", "Secret", name, type="Opaque", data=data)


def _service(name: str, number: int) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    return _object("v1", "Service", name, spec={"selector": {"app": f"app-{number}"}, "ports": ports})


def _deployment(name: str, number: int) -> Object:
    labels = {"app": name}
    container = {
        "name": "main",
        "image": f"registry.example/app:{number}",
        "env": [{"name": "COLOUR", "value": "blue"}, {"name": "NUMBER", "value": str(number)}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "volumeMounts": [{"name": "settings", "mountPath": "/etc/settings"}],
    }
    volumes = [{"name": "settings", "configMap": {"name": "config-map-00000"}}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": volumes}}
    spec = {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": template}
    return _object("apps/v1", "Deployment", name, spec=spec)


def _object(api_version: str, kind: str, name: str, **rest: Any) -> Object:
    metadata = {"name": name, "labels": {"app.kubernetes.io/part-of": "bench"}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def _text(body: Object) -> str:
    return str(yaml.dump(body, Dumper=yaml.CSafeDumper, sort_keys=False))
