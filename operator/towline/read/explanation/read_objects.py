"""Find what an object refers to by name: what its Pods read, and what it scales, serves or stores with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from towline.fields import pointer
from towline.model import Body, ObjectRef

_READS = (
    (("configMap", "name"), "ConfigMap"),
    (("configMapRef", "name"), "ConfigMap"),
    (("configMapKeyRef", "name"), "ConfigMap"),
    (("secret", "secretName"), "Secret"),
    (("secret", "name"), "Secret"),
    (("secretRef", "name"), "Secret"),
    (("secretKeyRef", "name"), "Secret"),
    (("persistentVolumeClaim", "claimName"), "PersistentVolumeClaim"),
)
"""How a Pod names the objects that it reads: a field, the one below it that holds the name, and the kind."""

_VALUES = ("data", "binaryData", "stringData")


class ReadObject(NamedTuple):
    """One object that is referred to: by the field at `pointer`, with the keys that it must have."""

    ref: ObjectRef
    pointer: str
    keys: tuple[str, ...] = ()


class LackingObject(NamedTuple):
    """An object that is referred to and does not exist, or lacks a key."""

    read: ReadObject
    key: str = ""

    @property
    def words(self) -> str:
        """What is told of it."""
        shown = self.read.ref.display
        return f"{shown} has no key {self.key}" if self.key else f"{shown} does not exist"


def read_by(body: Body, namespace: str) -> Iterator[ReadObject]:
    """Yield what an object needs, each once for each field that says so; what is optional is left out.

    Args:
        body: the object.
        namespace: its namespace.
    """
    spec = body.get("spec")
    if not isinstance(spec, Mapping):
        return
    template = spec.get("template")
    of_pods = template.get("spec") if isinstance(template, Mapping) else spec
    path = "/spec/template/spec" if isinstance(template, Mapping) else "/spec"
    yield from _of_pods(of_pods, path, namespace)
    yield from _of_kind(str(body.get("kind", "")), spec, namespace)
    if isinstance(of_pods, Mapping) and isinstance(account := of_pods.get("serviceAccountName"), str):
        yield ReadObject(ObjectRef("", "ServiceAccount", namespace, account), f"{path}/serviceAccountName")


def lacks(read: ReadObject, found: Body) -> LackingObject | None:
    """Return the first key that an object must have and has not; None where it has all."""
    held = {key for values in _VALUES for key in (found.get(values) or {})}
    return next((LackingObject(read, key) for key in read.keys if key not in held), None)


def _of_pods(value: Any, path: str, namespace: str) -> Iterator[ReadObject]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _of_pods(item, pointer.extend(path, index), namespace)
    elif isinstance(value, Mapping):
        for (outer, inner), kind in _READS:
            below = value.get(outer)
            if isinstance(below, Mapping) and isinstance(below.get(inner), str) and not below.get("optional"):
                at = f"{path}/{outer}/{inner}"
                yield ReadObject(ObjectRef("", kind, namespace, below[inner]), at, tuple(_keys(below)))
        for name, item in value.items():
            yield from _of_pods(item, pointer.extend(path, name), namespace)


def _keys(below: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(below.get("key"), str):
        yield below["key"]
    items = below.get("items")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and isinstance(item.get("key"), str):
            yield item["key"]


def _of_kind(kind: str, spec: Mapping[str, Any], namespace: str) -> Iterator[ReadObject]:
    """Yield what an object of one of a few kinds refers to apart from Pods."""
    target, service = spec.get("scaleTargetRef"), spec.get("service")
    if kind == "HorizontalPodAutoscaler" and isinstance(target, Mapping):
        group = str(target.get("apiVersion", "")).rpartition("/")[0]
        ref = ObjectRef(group, str(target.get("kind", "")), namespace, str(target.get("name", "")))
        yield ReadObject(ref, "/spec/scaleTargetRef/name")
    if kind == "APIService" and isinstance(service, Mapping):
        ref = ObjectRef("", "Service", str(service.get("namespace", "")), str(service.get("name", "")))
        yield ReadObject(ref, "/spec/service/name")
    if kind == "PersistentVolumeClaim" and spec.get("storageClassName"):
        ref = ObjectRef("storage.k8s.io", "StorageClass", "", str(spec["storageClassName"]))
        yield ReadObject(ref, "/spec/storageClassName")
