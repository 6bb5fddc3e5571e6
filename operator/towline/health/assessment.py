"""Choose the rule that assesses an object, by one table of kinds; some kinds need none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from towline import text
from towline.api.healthchecks import HealthCheck
from towline.api.stateless_kinds import is_stateless
from towline.health import (
    address,
    autoscaler,
    budget,
    cel,
    daemonset,
    deployment,
    extension,
    generic,
    job,
    namespace,
    pod,
    statefulset,
    volume,
)
from towline.health.body import in_progress, part
from towline.model import CURRENT, Body, GroupKind, Health, State

Rule = Callable[[Body], Health]

_MESSAGE_BYTES = 300

FAMILIES: Mapping[GroupKind, Rule] = MappingProxyType(
    {
        GroupKind("apps", "Deployment"): deployment.assess,
        GroupKind("apps", "ReplicaSet"): deployment.assess_replicas,
        GroupKind("", "ReplicationController"): deployment.assess_replicas,
        GroupKind("apps", "StatefulSet"): statefulset.assess,
        GroupKind("apps", "DaemonSet"): daemonset.assess,
        GroupKind("", "Pod"): pod.assess,
        GroupKind("batch", "Job"): job.assess,
        GroupKind("batch", "CronJob"): job.assess_schedule,
        GroupKind("", "PersistentVolumeClaim"): volume.assess_claim,
        GroupKind("", "PersistentVolume"): volume.assess_volume,
        GroupKind("", "Service"): address.assess_service,
        GroupKind("networking.k8s.io", "Ingress"): address.assess_ingress,
        GroupKind("autoscaling", "HorizontalPodAutoscaler"): autoscaler.assess,
        GroupKind("policy", "PodDisruptionBudget"): budget.assess,
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): extension.assess_definition,
        GroupKind("apiregistration.k8s.io", "APIService"): extension.assess_service,
        GroupKind("", "Namespace"): namespace.assess,
    }
)
"""The kinds with a rule of their own."""


def assess(body: Body, kind: GroupKind, check: HealthCheck | None = None) -> Health:
    """Return the health of an object, by its repository's own check if there is one.

    For stateless kinds, `body` needs only its metadata.
    """
    found = _assessed(body, kind, check)
    return Health(found.state, text.printable(found.message, _MESSAGE_BYTES)) if found.message else found


def _assessed(body: Body, kind: GroupKind, check: HealthCheck | None) -> Health:
    metadata = part(body, "metadata")
    if "deletionTimestamp" in metadata:
        return Health(State.TERMINATING, _deletion(metadata.get("finalizers")))
    if is_stateless(kind):
        return CURRENT
    if lag := generic.unobserved(body):
        return in_progress(lag)
    return cel.assess(body, check) if check else FAMILIES.get(kind, generic.assess)(body)


def _deletion(finalizers: object) -> str:
    held = ", ".join(map(str, finalizers)) if isinstance(finalizers, list) else ""
    return "is being deleted" + (f", which waits for {held}" if held else "")
