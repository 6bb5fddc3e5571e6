"""Find the changes of a plan that may lift a refusal, because they change what the API server refused an object for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from towline.model import Change, GroupKind, ObjectRef
from towline.plan import waves

_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_STORAGE_CLASS = GroupKind("storage.k8s.io", "StorageClass")

_Says: TypeAlias = Callable[[re.Match[str], ObjectRef, Change], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _CauseRule:
    """One wording of a refusal; `is_cause` tells of a change whether it concerns what the refusal names."""

    words: re.Pattern[str]
    is_cause: _Says


def of(refusal: str, refused: Change, changes: Iterable[Change]) -> frozenset[ObjectRef]:
    """Name the changes that may lift the refusal of one change; empty where the plan has nothing to do with it.

    Args:
        refusal: what the API server says, in the words of Kubernetes 1.34 to 1.37.
        refused: the change that it refuses.
        changes: what else is written; what `towline.dev/wave` puts after the refused change cannot be a cause.
    """
    candidates = tuple(
        change
        for change in changes
        if change.ref != refused.ref and waves.step(change.wave) <= waves.step(refused.wave)
    )
    return frozenset(
        change.ref
        for rule in _RULES
        for said in rule.words.finditer(refusal)
        for change in candidates
        if rule.is_cause(said, refused.ref, change)
    )


def _namespace(_said: re.Match[str], refused: ObjectRef, change: Change) -> bool:
    """Policies select namespaces by their labels, and Pod Security is asked for by them."""
    return change.ref == ObjectRef("", "Namespace", "", refused.namespace)


def _policy(said: re.Match[str], refused: ObjectRef, change: Change) -> bool:
    policy = ObjectRef(_ADMISSION, said["kind"], "", said["policy"])
    binding = ObjectRef(_ADMISSION, f"{said['kind']}Binding", "", said["binding"])
    return change.ref in {policy, binding} or _namespace(said, refused, change)


def _webhook(said: re.Match[str], refused: ObjectRef, change: Change) -> bool:
    if change.ref.group == _ADMISSION and change.ref.kind.endswith("WebhookConfiguration"):
        hooks: Any = change.manifest.body.get("webhooks") if change.manifest else None
        return any(isinstance(hook, dict) and hook.get("name") == said["webhook"] for hook in hooks or ())
    return _namespace(said, refused, change)


def _quota(said: re.Match[str], refused: ObjectRef, change: Change) -> bool:
    return change.ref == ObjectRef("", "ResourceQuota", refused.namespace, said["quota"])


def _limits(_said: re.Match[str], refused: ObjectRef, change: Change) -> bool:
    return change.ref.group_kind == ("", "LimitRange") and change.ref.namespace == refused.namespace


def _any_quota(_said: re.Match[str], refused: ObjectRef, change: Change) -> bool:
    return change.ref.group_kind == ("", "ResourceQuota") and change.ref.namespace == refused.namespace


def _grant(_said: re.Match[str], refused: ObjectRef, change: Change) -> bool:
    return change.ref.group == _RBAC and change.ref.namespace in {"", refused.namespace}


def _storage_class(_said: re.Match[str], _refused: ObjectRef, change: Change) -> bool:
    return change.ref.group_kind == _STORAGE_CLASS


_RULES = tuple(
    _CauseRule(words=re.compile(words), is_cause=is_cause)
    for words, is_cause in (
        (
            r"(?P<kind>\w+AdmissionPolicy) '(?P<policy>[^']+)' with binding '(?P<binding>[^']+)'",
            _policy,
        ),
        (r'admission webhook "(?P<webhook>[^"]+)" denied', _webhook),
        (r'failed calling webhook "(?P<webhook>[^"]+)"', _webhook),
        (r"violates PodSecurity", _namespace),
        (r"quota: (?P<quota>[^\s,:]+)[,:]", _quota),
        (r"failed quota: ", _limits),  # a LimitRange gives the Pod what the quota wants declared
        (r"insufficient quota to (?:match|consume)", _any_quota),
        (r"is forbidden: (?s:.*)per (?:Container|Pod|PersistentVolumeClaim) is", _limits),
        (r'User "[^"]*" cannot \w+ resource', _grant),
        (r"is attempting to grant RBAC permissions not currently held", _grant),
        (r"the storageclass that provisions the pvc must support resize", _storage_class),
    )
)
