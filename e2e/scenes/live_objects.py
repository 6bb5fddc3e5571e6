"""Declared objects as they are live: where they are, what is on them of us, and what they are without it."""

from __future__ import annotations

from e2e.harness.cluster import Cluster, Object
from e2e.harness.repositories import Repository

PREFIX = "towline.dev/"


def name(body: Object) -> tuple[str, str]:
    """Return the kind and the name of an object."""
    return body["kind"], body["metadata"]["name"]


def live(cluster: Cluster, repository: Repository, body: Object) -> Object:
    """Return a declared object as it is now; raises where there is none."""
    return cluster.get(body["apiVersion"], *_place(repository, body))


def until_gone(cluster: Cluster, repository: Repository, body: Object) -> None:
    """Wait until a declared object does not exist."""
    cluster.until_gone(body["apiVersion"], *_place(repository, body))


def marks(body: Object) -> set[str]:
    """Return everything on an object that says that it is ours: labels, annotations, field managers."""
    metadata = body["metadata"]
    names = {*(metadata.get("labels") or {}), *(metadata.get("annotations") or {})}
    managers = {entry["manager"] for entry in metadata.get("managedFields") or ()}
    return {name for name in names if name.startswith(PREFIX)} | {
        manager for manager in managers if manager.startswith("towline:")
    }


def content(body: Object) -> Object:
    """Return what an object is, without what we write on it and what counts anybody's writes."""
    metadata = body["metadata"]
    kept = {name: value for name, value in metadata.items() if name not in _TOUCHED}
    for field in ("labels", "annotations"):
        theirs = {name: value for name, value in (metadata.get(field) or {}).items() if not _is_ours(name)}
        kept |= {field: theirs} if theirs else {}
    return {**body, "metadata": kept}


_TOUCHED = frozenset({"managedFields", "resourceVersion", "generation", "labels", "annotations"})


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX) or name == "kubernetes.io/change-cause"


def _place(repository: Repository, body: Object) -> tuple[str, str, str]:
    cluster_wide = body["kind"] in {"Namespace", "CustomResourceDefinition"}
    space = "" if cluster_wide else body["metadata"].get("namespace", repository.namespace)
    return *name(body), space
