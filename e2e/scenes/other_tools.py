"""Flux and Argo CD as far as a cluster shows them: their kinds, and objects that they have applied."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from e2e.harness.cluster import Cluster, Object


class PeerKind(NamedTuple):
    """A kind of another tool."""

    group: str
    version: str
    kind: str
    plural: str


KINDS = (
    PeerKind("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations"),
    PeerKind("source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories"),
    PeerKind("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases"),
    PeerKind("argoproj.io", "v1alpha1", "Application", "applications"),
    PeerKind("argoproj.io", "v1alpha1", "ApplicationSet", "applicationsets"),
)


@contextmanager
def installed(cluster: Cluster) -> Iterator[None]:
    """Serve the kinds of Flux and Argo CD, with any content, without their controllers."""
    crds = [_crd(kind) for kind in KINDS]
    names = [f"crd/{each['metadata']['name']}" for each in crds]
    cluster.kubectl("apply", "-f", "-", stdin="\n---\n".join(map(json.dumps, crds)))
    try:
        for kind in KINDS:
            cluster.list(f"{kind.group}/{kind.version}", kind.kind)  # waits until it is served
        yield
    finally:
        cluster.kubectl("delete", "--wait=false", *names)


def applied(cluster: Cluster, manager: str, objects: Iterable[Object], labels: Mapping[str, str]) -> None:
    """Apply objects as a tool does: by its field manager, with its labels on them."""
    marked = []
    for body in objects:
        metadata = body["metadata"]
        marked.append({**body, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), **labels}}})
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": marked})
    cluster.kubectl("apply", "--server-side", "--field-manager", manager, "-f", "-", stdin=text)


def _crd(kind: PeerKind) -> Object:
    any_content = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "listKind": f"{kind.kind}List",
            },
            "versions": [
                {
                    "name": kind.version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": any_content},
                }
            ],
        },
    }
