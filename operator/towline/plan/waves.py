"""Order writes into waves, and find the dry runs that must wait for earlier writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from towline.api import labels
from towline.model import APPLIES, Action, Change, GroupKind, Manifest, ObjectRef

Need: TypeAlias = ObjectRef | GroupKind

CRD = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
NAMESPACE = GroupKind("", "Namespace")

_EVERYTHING_ELSE = 5
_STEP = 100
_FURTHEST = 1000

_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_WAVES: tuple[tuple[int, tuple[GroupKind, ...]], ...] = (
    (0, (NAMESPACE, CRD)),
    (
        1,
        (
            GroupKind("scheduling.k8s.io", "PriorityClass"),
            GroupKind("storage.k8s.io", "StorageClass"),
            GroupKind("storage.k8s.io", "VolumeAttributesClass"),
            GroupKind("storage.k8s.io", "CSIDriver"),
            GroupKind("networking.k8s.io", "IngressClass"),
            GroupKind("gateway.networking.k8s.io", "GatewayClass"),
            GroupKind("resource.k8s.io", "DeviceClass"),
            GroupKind("node.k8s.io", "RuntimeClass"),
            GroupKind("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
            GroupKind("", "ServiceAccount"),  # without it the control plane deletes its token Secrets
        ),
    ),
    (
        2,
        (
            GroupKind("", "ConfigMap"),
            GroupKind("", "Secret"),
            GroupKind("", "PersistentVolume"),
            GroupKind("", "PersistentVolumeClaim"),
        ),
    ),
    (
        3,
        (
            GroupKind(_RBAC, "Role"),
            GroupKind(_RBAC, "ClusterRole"),
            GroupKind(
                "", "LimitRange"
            ),  # after the claims that it concerns, before the Pods that it completes
        ),
    ),
    (4, (GroupKind(_RBAC, "RoleBinding"), GroupKind(_RBAC, "ClusterRoleBinding"))),
    (
        6,  # what has no meaning, or no room, before the others are there
        (
            GroupKind("autoscaling", "HorizontalPodAutoscaler"),
            GroupKind("policy", "PodDisruptionBudget"),
            GroupKind("", "Endpoints"),
            GroupKind("discovery.k8s.io", "EndpointSlice"),
            GroupKind("", "ResourceQuota"),
        ),
    ),
    (
        7,  # what can refuse or redirect all the others
        (
            GroupKind("apiregistration.k8s.io", "APIService"),
            GroupKind(_ADMISSION, "ValidatingWebhookConfiguration"),
            GroupKind(_ADMISSION, "MutatingWebhookConfiguration"),
            GroupKind(_ADMISSION, "ValidatingAdmissionPolicy"),
            GroupKind(_ADMISSION, "ValidatingAdmissionPolicyBinding"),
            GroupKind(_ADMISSION, "MutatingAdmissionPolicy"),
            GroupKind(_ADMISSION, "MutatingAdmissionPolicyBinding"),
        ),
    ),
)
_WAVE_OF = MappingProxyType({kind: number for number, kinds in _WAVES for kind in kinds})


def wave(manifest: Manifest) -> int:
    """Return the place of a manifest in the order of writes, low first.

    Raises ValueError, with a sentence, where its `towline.dev/wave` is no whole number from -1000 to 1000.
    """
    return ref_wave(manifest.ref.group_kind, manifest.directives.get(labels.WAVE, 0))


def ref_wave(kind: GroupKind, annotation: str | int = 0) -> int:
    """Return the place of a kind, moved by the value of `towline.dev/wave`.

    The annotation counts first and the kind second: a ConfigMap with wave 1 is written after every object
    without the annotation, and before a Deployment with wave 1. Raises ValueError as `wave` does.
    """
    base = _WAVE_OF.get(kind, _EVERYTHING_ELSE)
    return _moved(annotation) * _STEP + base if annotation else base


def _moved(annotation: str | int) -> int:
    text = str(annotation)
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 4 and int(digits) <= _FURTHEST):
        raise ValueError(f"{labels.WAVE} must be a whole number from -{_FURTHEST} to {_FURTHEST}")
    return int(text)


def step(wave: int) -> int:
    """Return what `towline.dev/wave` says, from the wave that it leads to."""
    return wave // _STEP


def places(
    changes: Sequence[Change], causes: Mapping[ObjectRef, frozenset[ObjectRef]]
) -> Mapping[ObjectRef, tuple[int, int]]:
    """Return the order of writes, low first: what others wait for comes before the first of them.

    Args:
        changes: what is written.
        causes: what each change waits for, where it does. What `towline.dev/wave` keeps apart stays apart.
    """
    found = {change.ref: (change.wave, 0) for change in changes}
    steps: dict[int, dict[ObjectRef, Change]] = defaultdict(dict)
    for change in changes:
        steps[step(change.wave)][change.ref] = change
    for inside in steps.values():
        waiting = [change for ref, change in inside.items() if causes.get(ref)]
        if not waiting:
            continue
        first = min(change.wave for change in waiting)
        shared = {id(each): each for each in (causes[change.ref] for change in waiting)}  # most have the same
        wanted = frozenset[ObjectRef]().union(*shared.values())
        for change in _with_needs(wanted, inside):
            if change.wave >= first:
                found[change.ref] = (first, change.wave - first - _STEP)
    return found


def _with_needs(wanted: frozenset[ObjectRef], inside: Mapping[ObjectRef, Change]) -> Iterator[Change]:
    """Yield the wanted changes, and those that create what these need."""
    todo, seen = [inside[ref] for ref in wanted if ref in inside], set(wanted)
    while todo:
        change = todo.pop()
        yield change
        lacking = needs(change.manifest) - seen if change.manifest else frozenset[Need]()
        more = [inside[need] for need in lacking if isinstance(need, ObjectRef) and need in inside]
        seen.update(each.ref for each in more)
        todo += [each for each in more if each.action is Action.CREATE]


def deferred(changes: Iterable[Change]) -> frozenset[ObjectRef]:
    """Name the objects whose dry run must wait: the same plan creates (or changes) what they need."""
    applies = [change for change in changes if change.action in APPLIES and change.manifest]
    coming = frozenset(need for change in applies for need in _brings(change))
    if not coming:
        return frozenset()
    return frozenset(change.ref for change in applies if change.manifest and needs(change.manifest) & coming)


def _brings(change: Change) -> Iterator[Need]:
    """Yield what does not exist before this change; a CRD that merely changes may bring a field, too."""
    if change.action is Action.CREATE:
        yield change.ref
    if change.ref.group_kind == CRD and change.manifest:
        spec = change.manifest.body.get("spec")
        names = spec.get("names") if isinstance(spec, Mapping) else None
        if isinstance(spec, Mapping) and isinstance(names, Mapping):
            yield GroupKind(str(spec.get("group")), str(names.get("kind")))


def needs(manifest: Manifest) -> frozenset[Need]:
    """Name what must exist before the API server accepts this object, whether or not it exists.

    Its kind and its Namespace; the role that a binding refers to; the service account and the classes of a
    bare Pod. What only a controller looks at later (a Deployment's service account, a volume's claim) is
    none of it.
    """
    ref = manifest.ref
    found: set[Need] = {ref.group_kind}
    if ref.namespace:
        found.add(ObjectRef("", "Namespace", "", ref.namespace))
    if ref.group == _RBAC and ref.kind in {"RoleBinding", "ClusterRoleBinding"}:
        found.update(_role(manifest))
    if ref.group_kind == ("", "Pod"):
        found.update(_pod(manifest))
    return frozenset(found)


def _role(manifest: Manifest) -> Iterator[ObjectRef]:
    role = manifest.body.get("roleRef")
    if isinstance(role, Mapping):
        kind = str(role.get("kind"))
        namespace = manifest.ref.namespace if kind == "Role" else ""
        yield ObjectRef(_RBAC, kind, namespace, str(role.get("name")))


def _pod(manifest: Manifest) -> Iterator[ObjectRef]:
    spec: Any = manifest.body.get("spec")
    if not isinstance(spec, Mapping):
        return
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    yield ObjectRef("", "ServiceAccount", manifest.ref.namespace, str(account))
    for field, group, kind in (
        ("priorityClassName", "scheduling.k8s.io", "PriorityClass"),
        ("runtimeClassName", "node.k8s.io", "RuntimeClass"),
    ):
        if spec.get(field):
            yield ObjectRef(group, kind, "", str(spec[field]))
