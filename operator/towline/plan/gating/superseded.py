"""Keep what kustomize generated before until the workloads that use its successor are healthy.

Until then, Pods of the earlier roll-out may start again, and would not find what they name
(https://github.com/fluxcd/kustomize-controller/issues/1180).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from towline.model import REMOVES, Change, GroupKind, Manifest, ObjectRef
from towline.plan import generated_names
from towline.plan.gating import gates

_GENERATED = frozenset({GroupKind("", "ConfigMap"), GroupKind("", "Secret")})
_USERS = frozenset(
    {
        GroupKind("apps", "Deployment"),
        GroupKind("apps", "StatefulSet"),
        GroupKind("apps", "DaemonSet"),
        GroupKind("apps", "ReplicaSet"),
        GroupKind("batch", "Job"),
        GroupKind("", "Pod"),
    }
)


def waits(
    changes: Iterable[Change], declared: Mapping[ObjectRef, Manifest], known: Mapping[ObjectRef, Change]
) -> dict[ObjectRef, ObjectRef]:
    """Return for each removal that must wait the workload that is not ready.

    Args:
        changes: those that go now.
        declared: all objects of the commit.
        known: what is done with each of them; one that is refused is not in it.
    """
    leaving = [change.ref for change in changes if change.action in REMOVES and _is_generated(change.ref)]
    if not leaving:
        return {}
    successors = {_stem(ref): ref for ref in declared if _is_generated(ref)}
    found = {}
    for ref in leaving:
        successor = successors.get(_stem(ref))
        unready = next(_unready(successor, declared, known), None) if successor else None
        if unready:
            found[ref] = unready
    return found


def _is_generated(ref: ObjectRef) -> bool:
    return ref.group_kind in _GENERATED and generated_names.is_hashed(ref.name)


def _stem(ref: ObjectRef) -> ObjectRef:
    return ref._replace(name=generated_names.unhashed(ref.name))


def _unready(
    successor: ObjectRef, declared: Mapping[ObjectRef, Manifest], known: Mapping[ObjectRef, Change]
) -> Iterator[ObjectRef]:
    """Yield the workloads that name the successor, and are still to be written or not healthy."""
    name = successor.name.encode()
    for ref, manifest in declared.items():
        if ref.group_kind in _USERS and ref.namespace == successor.namespace and name in manifest.content:
            change = known.get(ref)
            if change is None or not gates.is_open(change):
                yield ref
