"""Say which fields what is told of an object points to, such as the image of a container that cannot be pulled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from towline.fields import pointer
from towline.health import pod
from towline.health.body import entries, part, text
from towline.model import Body

_WORKLOAD = "Deployment|ReplicaSet|StatefulSet|DaemonSet|Job|Pod"
_CONTAINER = "{container}"
"""Stands for the containers that the words name, or for all of them."""

_PLACING = ("nodeSelector", "affinity", "tolerations", "topologySpreadConstraints")
"""The fields that say on which nodes Pods may run."""


class _PointingRule(NamedTuple):
    """Of which kinds and words it is a rule, and which fields these point to, the likeliest first."""

    kinds: str
    words: str
    fields: Sequence[str]


_RULES = (
    _PointingRule(
        _WORKLOAD, "cannot pull|InvalidImageName|ErrImage", ("{container}/image", "imagePullSecrets")
    ),
    _PointingRule(_WORKLOAD, "OOMKilled", ("{container}/resources/limits/memory", "{container}", "")),
    _PointingRule(
        _WORKLOAD,
        "CreateContainer",
        (
            r"{container}/env/\d+/valueFrom",
            "{container}/envFrom",
            "{container}/securityContext",
            "{container}",
            "volumes",
        ),
    ),
    _PointingRule(_WORKLOAD, "nodes? (?:is|are) available.*persistentvolumeclaim", ("volumes",)),
    _PointingRule(
        _WORKLOAD,
        "[Ii]nsufficient (?:cpu|memory|ephemeral-storage|[\\w.-]+/)",
        ("{container}/resources/requests", "{container}/resources", *_PLACING),
    ),
    _PointingRule(
        _WORKLOAD,
        "affinity|selector|taint|topology spread",
        _PLACING,
    ),
    _PointingRule(_WORKLOAD, "free ports", ("{container}/ports", "hostNetwork")),
    _PointingRule(
        _WORKLOAD,
        "exceeded quota|LimitRange",
        ("{container}/resources/requests", "{container}/resources", "/spec/replicas"),
    ),
    _PointingRule(
        _WORKLOAD, "[Pp]robe", ("{container}/readinessProbe", "{container}/startupProbe", "{container}")
    ),
    _PointingRule(
        _WORKLOAD, "DeadlineExceeded: Job|longer than specified deadline", ("/spec/activeDeadlineSeconds",)
    ),
    _PointingRule(
        _WORKLOAD,
        "exit code|CrashLoop|RunContainer|BackoffLimit|backoff limit",
        ("{container}/image", "{container}", ""),
    ),
    _PointingRule(
        _WORKLOAD,
        "replicas are (?:available|ready)|unready status|timed out progressing|minimum availability",
        ("{container}/readinessProbe", ""),
    ),
    _PointingRule("HorizontalPodAutoscaler", "scale", ("/spec/scaleTargetRef", "/spec/metrics")),
    _PointingRule("HorizontalPodAutoscaler", "metric", ("/spec/metrics",)),
    _PointingRule(
        "Service", "load balancer", ("/spec/type", "/spec/loadBalancerClass", "/spec/loadBalancerIP")
    ),
    _PointingRule("PersistentVolumeClaim", "bound", ("/spec/storageClassName", "/spec/resources")),
    _PointingRule(
        "PodDisruptionBudget", "", ("/spec/minAvailable", "/spec/maxUnavailable", "/spec/selector")
    ),
    _PointingRule("APIService", "", ("/spec/service",)),
    _PointingRule("CustomResourceDefinition", "", ("/spec/names", "/spec/versions")),
)
"""A field is below the spec of the Pods, unless it begins with a slash; an empty one is all of that."""

_NAMED = re.compile(r"container (\S+): ")


def first(paths: Iterable[str], body: Body, words: str) -> str:
    """Return the first of these fields that the words point to, the likeliest first; empty where they point to none.

    Args:
        paths: JSON pointers into the object.
        body: the object.
        words: what is told of it.
    """
    every = tuple(paths)
    for field in _fields(body, words):
        found = next((path for path in every if re.match(rf"{field}(?:/|$)", path)), "")
        if found:
            return found
    return ""


def declared(body: Body, words: str) -> str:
    """Return the field of a new object that the words point to; empty where they name none, or it has none."""
    return first(_leaves(body.get("spec") or {}, "/spec"), body, words)


def _fields(body: Body, words: str) -> Iterator[str]:
    """Yield regular expressions for the fields that the words point to, the likeliest first."""
    template = "/spec" if body.get("kind") == "Pod" else "/spec/template/spec"
    image = pod.image_field(dict(body), words)
    container = _container(body, template, words, image)
    for rule in _RULES:
        if re.fullmatch(rule.kinds, str(body.get("kind", ""))) and re.search(rule.words, words):
            for field in rule.fields:
                if field == _CONTAINER and image:
                    yield image
                below = field.replace(_CONTAINER, container)
                yield below if field.startswith("/") else f"{template}/{below}".removesuffix("/")
            return


def _container(body: Body, template: str, words: str, image: str) -> str:
    """Return a regular expression for the container that is named, below the spec of its Pod."""
    named = _NAMED.search(words)
    spec = part(dict(body), *pointer.split(template))
    for group in ("initContainers", "containers") if named else ():
        for index, container in enumerate(entries(spec, group)):
            if named and text(container, "name") == named[1]:
                return f"{group}/{index}"
    if image:
        return image.removeprefix(f"{template}/").removesuffix("/image")
    return r"(?:initContainers|containers)/\d+"


def _leaves(value: Any, path: str) -> Iterator[str]:
    children = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    if not children or not value:
        yield path
        return
    for step, child in children:
        yield from _leaves(child, pointer.extend(path, step))
