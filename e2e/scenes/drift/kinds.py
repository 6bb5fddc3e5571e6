"""The kinds whose drift is tried, each with an object as its author declares it.

Values are spelt as the API server stores them, so that the live object can be compared with the declared one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from e2e.harness.cluster import Object

THEIRS = "theirs"
"""The value that others write where text may stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind, and where others touch an object of it.

    `declare` makes the body of a name. `path` leads to a declared leaf and `theirs` is what others write there;
    `part` is a body with nothing but that leaf, as one who applies it would send. `optional` leads to a declared
    leaf or list item that may be removed; `foreign` to a place where others may add something.
    """

    name: str
    api_version: str
    plural: str
    declare: Callable[[str], Object]
    path: tuple[str | int, ...]
    theirs: Any
    part: Callable[[Any], Object]
    optional: tuple[str | int, ...]
    foreign: tuple[str, ...]

    def url(self, namespace: str) -> str:
        """Return where its objects are on the API server."""
        group = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        return f"{group}/namespaces/{namespace}/{self.plural}"

    @property
    def resource(self) -> str:
        """Return what kubectl calls it: the plural, with its group."""
        group, slash, _ = self.api_version.rpartition("/")
        return f"{self.plural}.{group}" if slash else self.plural

    def body(self, name: str, **rest: Any) -> Object:
        """Return an object of this kind with nothing else in it."""
        return {"apiVersion": self.api_version, "kind": self.name, "metadata": {"name": name}, **rest}


def encoded(text: str) -> str:
    """Return text as a Secret holds it."""
    return base64.b64encode(text.encode()).decode()


def _config_map(name: str) -> Object:
    return CONFIG_MAP.body(name, data={"colour": "blue", "shape": "round", "size": "large"})


def _secret(name: str) -> Object:
    return SECRET.body(name, data={"other": encoded("other"), "word": encoded("open sesame")})


def _deployment(name: str) -> Object:
    main = {
        "name": "main",
        "image": "registry.example/main:1",
        "env": [{"name": "COLOUR", "value": "blue"}, {"name": "SIZE", "value": "large"}],
        "ports": [{"name": "http", "containerPort": 80}, {"name": "admin", "containerPort": 8080}],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "volumeMounts": [{"name": "work", "mountPath": "/work"}],
    }
    pod = {
        "containers": [main, {"name": "side", "image": "registry.example/side:1"}],
        "volumes": [{"name": "work", "emptyDir": {}}],
    }
    spec = {
        "replicas": 0,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
    }
    return DEPLOYMENT.body(name, spec=spec)


def _service(name: str) -> Object:
    ports = [{"name": "http", "port": 80}, {"name": "admin", "port": 8080}]
    return SERVICE.body(name, spec={"selector": {"app": name}, "sessionAffinity": "ClientIP", "ports": ports})


def _autoscaler(name: str) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return AUTOSCALER.body(name, spec={"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 5})


def _image(value: str) -> Object:
    containers = [{"name": "main", "image": value}]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


CONFIG_MAP = Kind(
    name="ConfigMap",
    api_version="v1",
    plural="configmaps",
    declare=_config_map,
    path=("data", "colour"),
    theirs=THEIRS,
    part=lambda value: {"data": {"colour": value}},
    optional=("data", "shape"),
    foreign=("data",),
)
SECRET = Kind(
    name="Secret",
    api_version="v1",
    plural="secrets",
    declare=_secret,
    path=("data", "word"),
    theirs=encoded(THEIRS),
    part=lambda value: {"data": {"word": value}},
    optional=("data", "other"),
    foreign=("data",),
)
DEPLOYMENT = Kind(
    name="Deployment",
    api_version="apps/v1",
    plural="deployments",
    declare=_deployment,
    path=("spec", "template", "spec", "containers", 0, "image"),
    theirs=THEIRS,
    part=_image,
    optional=("spec", "replicas"),
    foreign=("spec", "template", "metadata", "annotations"),
)
SERVICE = Kind(
    name="Service",
    api_version="v1",
    plural="services",
    declare=_service,
    path=("spec", "sessionAffinity"),
    theirs="None",
    part=lambda value: {"spec": {"sessionAffinity": value}},
    optional=("spec", "sessionAffinity"),
    foreign=("metadata", "annotations"),
)
AUTOSCALER = Kind(
    name="HorizontalPodAutoscaler",
    api_version="autoscaling/v2",
    plural="horizontalpodautoscalers",
    declare=_autoscaler,
    path=("spec", "maxReplicas"),
    theirs=9,
    part=lambda value: {"spec": {"maxReplicas": value}},
    optional=("spec", "minReplicas"),
    foreign=("metadata", "annotations"),
)
BUILT_IN = (CONFIG_MAP, SECRET, DEPLOYMENT, SERVICE, AUTOSCALER)
