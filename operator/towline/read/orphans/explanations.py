"""Decide whether something explains an object: a repository, an owner, another tool, or the cluster itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from towline.api import labels
from towline.api.gitrepository import GitRepository
from towline.fields import managed
from towline.model import Body, ObjectRef
from towline.plan import adoption

_CONTROL_PLANE = frozenset(
    {"kube-controller-manager", "kube-apiserver", "kube-scheduler", "kubelet", "cloud-controller-manager"}
)
"""Field managers that are parts of Kubernetes."""

_MADE_BY_PROGRAMS = frozenset(
    {
        ("", "Endpoints"),
        ("discovery.k8s.io", "EndpointSlice"),
        ("coordination.k8s.io", "Lease"),
        ("events.k8s.io", "Event"),
        ("towline.dev", "SyncRecord"),
        ("towline.dev", "GitRepository"),
    }
)
"""Kinds that nobody declares in Git, and GitRepositories, with which it begins."""

_IN_EACH_NAMESPACE = frozenset({("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")})
_ACCOUNT = "kubernetes.io/service-account.name"
_VIRTUAL_GROUP = "metrics.k8s.io"


class OrphanKind(StrEnum):
    """Why an object is reported."""

    LEFTOVER = "Leftover"
    UNEXPLAINED = "Unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """One object that nothing explains: why it is reported, as a kind and in a sentence, and who wrote it."""

    ref: ObjectRef
    kind: OrphanKind
    why: str
    writers: tuple[str, ...]
    created_at: str

    @property
    def is_leftover(self) -> bool:
        """Whether a repository left it behind."""
        return self.kind is OrphanKind.LEFTOVER

    def as_json(self) -> dict[str, Any]:
        """Return it in the documented form."""
        return {
            "object": str(self.ref),
            "kind": str(self.kind),
            "why": self.why,
            "writers": list(self.writers),
            "createdAt": self.created_at,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRepositories:
    """The repositories that the user may see.

    Attributes:
        uids: by the label of what they own.
        used: the Secrets and ConfigMaps that they read, as kind, namespace and name.
        namespaces: those of which all repositories are known; None for all namespaces.
    """

    uids: Mapping[str, str]
    used: frozenset[tuple[str, str, str]] = field(default_factory=frozenset)
    namespaces: frozenset[str] | None = None

    def is_gone(self, label: str) -> bool:
        """Tell whether there is certainly no repository with this label."""
        place, dot, _ = label.partition(".")
        return label not in self.uids and (
            self.namespaces is None or (bool(dot) and place in self.namespaces)
        )


def known(repositories: Iterable[GitRepository], namespaces: frozenset[str] | None) -> KnownRepositories:
    """Return what repositories explain; `namespaces` are those that were listed, None for all."""
    listed = tuple(repositories)
    return KnownRepositories(
        uids={each.label: each.uid for each in listed},
        used=frozenset(used for each in listed for used in _used(each.raw_spec, each.key.namespace)),
        namespaces=namespaces,
    )


def orphan(ref: ObjectRef, metadata: Body, repositories: KnownRepositories) -> Orphan | None:
    """Return what is to be reported of an object; None where something explains it, or where that cannot be told.

    Args:
        ref: the object.
        metadata: of it.
        repositories: those that the user may see.
    """
    if metadata.get("ownerReferences"):
        return None
    label = (metadata.get("labels") or {}).get(labels.REPOSITORY_LABEL, "")
    mark = (metadata.get("annotations") or {}).get(labels.OWNER, "")
    if label or mark:
        why = _left_behind(ref, label, mark, repositories)
        return _reported(ref, metadata, OrphanKind.LEFTOVER, why) if why else None
    if _is_explained(ref, metadata, repositories):
        return None
    return _reported(ref, metadata, OrphanKind.UNEXPLAINED, "no repository declares it, and nothing owns it")


def _left_behind(ref: ObjectRef, label: str, mark: str, repositories: KnownRepositories) -> str:
    """Say which repository has left an object behind; empty where one explains it, or where that cannot be told."""
    uid, _ = labels.parse_owner(mark, ref)
    if uid and uid in repositories.uids.values():
        return ""
    if not label:
        return _unlabelled(uid) if repositories.namespaces is None else ""
    name = labels.owner_name(label)
    if label not in repositories.uids:
        return f"left behind by GitRepository {name}, which is gone" if repositories.is_gone(label) else ""
    if uid:
        return f"made by an earlier GitRepository {name}, which is gone: the one of today does not own it"
    return f"labelled for GitRepository {name}, which did not make it: a copy, or an edit by hand"


def _unlabelled(uid: str) -> str:
    if uid:
        return f"left behind by a GitRepository that is gone (uid {uid}), and without its label"
    return "has the owner annotation of another object: a copy"


def _is_explained(ref: ObjectRef, metadata: Body, repositories: KnownRepositories) -> bool:
    place = (ref.kind, ref.namespace, ref.name)
    return (
        place in repositories.used
        or _is_of_cluster(ref, metadata)
        or bool(adoption.other_tool(metadata))
        or _is_of_helm(ref, metadata)
        or (ref.kind, ref.name) == ("Secret", labels.KEYS)
    )


def _is_of_cluster(ref: ObjectRef, metadata: Body) -> bool:
    writers = _writers(metadata)
    return (
        (ref.group, ref.kind) in _MADE_BY_PROGRAMS
        or (ref.group == "" and (ref.kind, ref.name) in _IN_EACH_NAMESPACE)
        or ref.group == _VIRTUAL_GROUP
        or (ref.kind == "Secret" and _ACCOUNT in (metadata.get("annotations") or {}))
        or (bool(writers) and _CONTROL_PLANE.issuperset(writers))
    )


def _is_of_helm(ref: ObjectRef, metadata: Body) -> bool:
    """Tell whether Helm keeps a release in it."""
    marked = (metadata.get("labels") or {}).get("owner") == "helm"
    return marked and ref.kind in {"Secret", "ConfigMap"} and "helm.release.v1." in ref.name


def _used(spec: Any, namespace: str) -> Iterator[tuple[str, str, str]]:
    """Yield the Secrets and ConfigMaps that a spec names, wherever it does."""
    if isinstance(spec, Mapping):
        secret = spec.get("secretRef")
        if isinstance(secret, Mapping):
            yield "Secret", namespace, str(secret.get("name", ""))
        if spec.get("kind") in {"Secret", "ConfigMap"} and spec.get("name"):
            yield str(spec["kind"]), namespace, str(spec["name"])
        for value in spec.values():
            yield from _used(value, namespace)
    elif isinstance(spec, list):
        for value in spec:
            yield from _used(value, namespace)


def _reported(ref: ObjectRef, metadata: Body, kind: OrphanKind, why: str) -> Orphan:
    return Orphan(
        ref=ref,
        kind=kind,
        why=why,
        writers=_writers(metadata),
        created_at=str(metadata.get("creationTimestamp", "")),
    )


def _writers(metadata: Body) -> tuple[str, ...]:
    """Return the field managers of an object, but for those of its status."""
    entries = managed.direct(managed.entries({"metadata": metadata}))
    return tuple(sorted({str(each.get("manager", "")) for each in entries}))
