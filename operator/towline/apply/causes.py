"""Find the changes of a plan that may lift a refusal, because they change what the API server refused an object for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

from towline.model import Change, GroupKind, ObjectRef
from towline.plan import waves

_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_GRANTS = tuple(
    GroupKind(_RBAC, kind) for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
)
_STORAGE_CLASS = GroupKind("storage.k8s.io", "StorageClass")
_LIMIT_RANGE = GroupKind("", "LimitRange")
_QUOTA = GroupKind("", "ResourceQuota")

_LONGEST = 32 * 1024
"""Characters of a refusal that are read: what refuses is named before what it says."""

_Says: TypeAlias = Callable[[re.Match[str], ObjectRef], Iterable[Hashable]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _CauseRule:
    """One wording of a refusal; `causes` says what it names: objects, kinds in a namespace, webhooks (`_places`)."""

    words: re.Pattern[str]
    causes: _Says


class Causes:
    """Finds among the changes of one plan what may lift refusals: each costs what it names, not what the plan holds.

    Args:
        changes: what is written beside the refused changes.
    """

    def __init__(self, changes: Iterable[Change]) -> None:
        self._at: dict[Hashable, list[Change]] = defaultdict(list)
        self._known: dict[tuple[frozenset[Hashable], int], frozenset[ObjectRef]] = {}
        for change in changes:
            for place in _places(change):
                self._at[place].append(change)

    def of(self, refusal: str, refused: Change) -> frozenset[ObjectRef]:
        """Name the changes that may lift the refusal of one change; empty where the plan has nothing to do with it.

        What `towline.dev/wave` puts after the refused change cannot be a cause.

        Args:
            refusal: what the API server says, in the words of Kubernetes 1.34 to 1.37.
            refused: the change that it refuses.
        """
        said = ((rule, found) for rule in _RULES for found in rule.words.finditer(refusal, 0, _LONGEST))
        named = chain.from_iterable(rule.causes(found, refused.ref) for rule, found in said)
        places = frozenset(place for place in named if place in self._at)
        found = self._found(places, waves.step(refused.wave)) if places else frozenset[ObjectRef]()
        return found - {refused.ref} if refused.ref in found else found

    def _found(self, places: frozenset[Hashable], step: int) -> frozenset[ObjectRef]:
        """Return one set for all refusals of one cause: thousands of a large one would fill memory."""
        known = self._known.get((places, step))
        if known is None:
            found = chain.from_iterable(self._at[place] for place in places)
            known = frozenset(change.ref for change in found if waves.step(change.wave) <= step)
            self._known[places, step] = known
        return known


def _places(change: Change) -> Iterator[Hashable]:
    """Yield how a refusal may name a change."""
    ref = change.ref
    yield ref
    yield ref.group_kind, ref.namespace
    if ref.group == _ADMISSION and ref.kind.endswith("WebhookConfiguration"):
        hooks: Any = change.manifest.body.get("webhooks") if change.manifest else None
        yield from {
            _hook(hook["name"])
            for hook in (hooks if isinstance(hooks, list) else ())
            if isinstance(hook, dict) and isinstance(hook.get("name"), str)
        }


def _hook(name: str) -> Hashable:
    return "webhook", name


def _namespace(_said: re.Match[str], refused: ObjectRef) -> Iterable[Hashable]:
    """Policies select namespaces by their labels, and Pod Security is asked for by them."""
    return (ObjectRef("", "Namespace", "", refused.namespace),)


def _policy(said: re.Match[str], refused: ObjectRef) -> Iterable[Hashable]:
    policy = ObjectRef(_ADMISSION, said["kind"], "", said["policy"])
    binding = ObjectRef(_ADMISSION, f"{said['kind']}Binding", "", said["binding"])
    return (policy, binding, *_namespace(said, refused))


def _webhook(said: re.Match[str], refused: ObjectRef) -> Iterable[Hashable]:
    return (_hook(said["webhook"]), *_namespace(said, refused))


def _quota(said: re.Match[str], refused: ObjectRef) -> Iterable[Hashable]:
    return (ObjectRef("", "ResourceQuota", refused.namespace, said["quota"]),)


def _limits(_said: re.Match[str], refused: ObjectRef) -> Iterable[Hashable]:
    return ((_LIMIT_RANGE, refused.namespace),)


def _any_quota(_said: re.Match[str], refused: ObjectRef) -> Iterable[Hashable]:
    return ((_QUOTA, refused.namespace),)


def _grant(_said: re.Match[str], refused: ObjectRef) -> Iterable[Hashable]:
    return ((kind, namespace) for kind in _GRANTS for namespace in ("", refused.namespace))


def _storage_class(_said: re.Match[str], _refused: ObjectRef) -> Iterable[Hashable]:
    return ((_STORAGE_CLASS, ""),)


_RULES = tuple(
    _CauseRule(words=re.compile(words), causes=causes)
    for words, causes in (
        (
            r"\b(?P<kind>\w+AdmissionPolicy) '(?P<policy>[^']+)' with binding '(?P<binding>[^']+)'",
            _policy,
        ),
        (r'admission webhook "(?P<webhook>[^"]+)" denied', _webhook),
        (r'failed calling webhook "(?P<webhook>[^"]+)"', _webhook),
        (r"violates PodSecurity", _namespace),
        (r"quota: (?P<quota>[^\s,:]+)[,:]", _quota),
        (r"failed quota: ", _limits),  # a LimitRange gives the Pod what the quota wants declared
        (r"insufficient quota to (?:match|consume)", _any_quota),
        (r"\A(?s:(?>.*?is forbidden: ).*)per (?:Container|Pod|PersistentVolumeClaim) is", _limits),
        (r'User "[^"]*" cannot \w+ resource', _grant),
        (r"is attempting to grant RBAC permissions not currently held", _grant),
        (r"the storageclass that provisions the pvc must support resize", _storage_class),
    )
)
