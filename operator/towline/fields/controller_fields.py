"""Leave out declared fields that only a controller writes; exports contain them.

If they were sent, they would conflict with the controller, or worse: `rules: []` under an `aggregationRule` removes
all rights until the controller has filled them in again. So they are neither sent nor compared, and named once as
ignored.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from towline.model import Body, GroupKind

_ANNOTATIONS: Mapping[str, str] = MappingProxyType(
    {
        "deployment.kubernetes.io/": "the deployment controller",
        "deprecated.daemonset.template.generation": "the API server",
        "batch.kubernetes.io/job-tracking": "the job controller",
        "batch.kubernetes.io/cronjob-scheduled-timestamp": "the cron job controller",
        "pv.kubernetes.io/": "the volume controllers",
        "volume.kubernetes.io/selected-node": "the scheduler",
        "volume.kubernetes.io/storage-provisioner": "the volume controllers",
        "volume.beta.kubernetes.io/storage-provisioner": "the volume controllers",
        "volume.kubernetes.io/storage-resizer": "the volume controllers",
        "volume.kubernetes.io/provisioner-deletion-secret-": "the volume controllers",
        "volume.kubernetes.io/node-expansion-not-required": "the volume controllers",
        "volumes.kubernetes.io/controller-managed-attach-detach": "the kubelet",
        "node.alpha.kubernetes.io/ttl": "the node controller",
        "control-plane.alpha.kubernetes.io/leader": "the leader election",
        "endpoints.kubernetes.io/last-change-trigger-time": "the endpoints controller",
        "endpoints.kubernetes.io/over-capacity": "the endpoints controller",
        "autoscaling.alpha.kubernetes.io/conditions": "the autoscaler",
        "autoscaling.alpha.kubernetes.io/current-metrics": "the autoscaler",
        "kubernetes.io/service-account.uid": "the token controller",
        "kubectl.kubernetes.io/last-applied-configuration": "kubectl apply",
    }
)
"""Annotations of any kind, by name or, where it ends in `/` or `-`, by the beginning of it, and who writes them."""


class Owned(NamedTuple):
    """Fields of one kind: where they are, who writes them, and of which objects of that kind."""

    kind: GroupKind
    path: tuple[str, ...]
    owner: str
    where: Callable[[Body], bool] = lambda _: True


def _is_aggregated(body: Body) -> bool:
    return body.get("aggregationRule") is not None


def _is_token(body: Body) -> bool:
    return body.get("type") == "kubernetes.io/service-account-token"


_CLUSTER_ROLE = GroupKind("rbac.authorization.k8s.io", "ClusterRole")
_NAMESPACE = GroupKind("", "Namespace")
_VOLUME = GroupKind("", "PersistentVolume")
_LEASE = GroupKind("coordination.k8s.io", "Lease")
_SECRET = GroupKind("", "Secret")

_FIELDS: tuple[Owned, ...] = (
    Owned(_CLUSTER_ROLE, ("rules",), "the controller that aggregates roles", _is_aggregated),
    Owned(_NAMESPACE, ("spec", "finalizers"), "the namespace controller"),
    Owned(_NAMESPACE, ("metadata", "labels", "kubernetes.io/metadata.name"), "the API server"),
    Owned(_VOLUME, ("spec", "claimRef", "uid"), "the volume binder"),
    Owned(_VOLUME, ("spec", "claimRef", "resourceVersion"), "the volume binder"),
    *(
        Owned(_LEASE, ("spec", name), "the leader election")
        for name in ("holderIdentity", "acquireTime", "renewTime", "leaseTransitions")
    ),
    *(
        Owned(_SECRET, ("data", name), "the token controller", _is_token)
        for name in ("token", "ca.crt", "namespace")
    ),
)
"""A kind's field is one line."""

_WITH_BUNDLES: Mapping[GroupKind, tuple[str, ...]] = MappingProxyType(
    {
        GroupKind("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): (
            "webhooks",
            "*",
            "clientConfig",
        ),
        GroupKind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): (
            "webhooks",
            "*",
            "clientConfig",
        ),
        GroupKind("apiregistration.k8s.io", "APIService"): ("spec",),
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): (
            "spec",
            "conversion",
            "webhook",
            "clientConfig",
        ),
    }
)
"""The paths of `caBundle` fields: an empty one asks the issuer of the certificate to fill it in."""


class LeftOut(NamedTuple):
    """A declared field that is left to its owner; `path` leads to it."""

    path: tuple[str, ...]
    owner: str


def split(body: Body) -> tuple[Body, tuple[LeftOut, ...]]:
    """Return an object without such fields, and which were left out; a null and an empty `caBundle` go unnamed."""
    kind = GroupKind(str(body.get("apiVersion")).rpartition("/")[0], str(body.get("kind")))
    found = tuple(_found(body, kind))
    slim: Any = _without(body, [each.path for each in found])
    if steps := _WITH_BUNDLES.get(kind):
        slim = _without_bundles(slim, steps)
    return slim, tuple(each for each in found if _at(body, each.path) is not None)


def _found(body: Body, kind: GroupKind) -> Iterator[LeftOut]:
    annotations = _at(body, ("metadata", "annotations"))
    for name in annotations if isinstance(annotations, Mapping) else ():
        if owner := _writer(name):
            yield LeftOut(("metadata", "annotations", name), owner)
    for field in _FIELDS:
        if field.kind == kind and _has(body, field.path) and field.where(body):
            yield LeftOut(field.path, field.owner)


def _writer(annotation: str) -> str:
    """Return who writes an annotation, empty where that is the author."""
    if "kubernetes.io" not in annotation and "daemonset" not in annotation:
        return ""
    for name, owner in _ANNOTATIONS.items():
        if annotation == name or (name[-1] in "/-" and annotation.startswith(name)):
            return owner
    return ""


def _at(here: Any, path: Sequence[str]) -> Any:
    for step in path:
        here = here.get(step) if isinstance(here, Mapping) else None
    return here


def _has(body: Body, path: Sequence[str]) -> bool:
    above = _at(body, path[:-1])
    return isinstance(above, Mapping) and path[-1] in above


def _without(here: Body, paths: Iterable[Sequence[str]]) -> Body:
    """Take fields out, and each map that has held nothing else."""
    below: dict[str, list[Sequence[str]]] = {}
    for path in paths:
        below.setdefault(path[0], []).append(path[1:])
    kept = dict(here)
    for step, rests in below.items():
        left = _without(here[step], rests) if all(rests) else None
        if left:
            kept[step] = left
        else:
            del kept[step]
    return kept


def _without_bundles(here: Any, steps: Sequence[str]) -> Any:
    if not steps:
        is_map = isinstance(here, Mapping) and "caBundle" in here
        return _without(here, [("caBundle",)]) if is_map and _is_blank(here["caBundle"]) else here
    if steps[0] == "*":
        return [_without_bundles(item, steps[1:]) for item in here] if isinstance(here, list) else here
    if not isinstance(here, Mapping) or steps[0] not in here:
        return here
    return {**here, steps[0]: _without_bundles(here[steps[0]], steps[1:])}


def _is_blank(bundle: Any) -> bool:
    if not isinstance(bundle, str):
        return bundle is None
    try:
        return not base64.b64decode(bundle, validate=True).strip()
    except ValueError:
        return False
