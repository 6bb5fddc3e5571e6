"""Flux and Argo CD as far as a cluster shows them: their kinds, and objects that they have applied."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from e2e.harness.cluster import Cluster, Object
from e2e.scenes import manifests


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
        cluster.kubectl("delete", "--timeout=60s", "--ignore-not-found", *names)


def applied(cluster: Cluster, manager: str, objects: Iterable[Object], labels: Mapping[str, str]) -> None:
    """Apply objects as a tool does: by its field manager, with its labels on them."""
    marked = []
    for body in objects:
        metadata = body["metadata"]
        marked.append({**body, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), **labels}}})
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": marked})
    cluster.kubectl("apply", "--server-side", "--field-manager", manager, "-f", "-", stdin=text)


def manage_apps(cluster: Cluster, tool: str, url: str) -> None:
    """Let a tool manage the ConfigMap `settings` of the namespace `shop`, as the guides that move from it say."""
    resource, manager, label = _APPS[tool]
    cluster.kubectl("apply", "-f", "-", stdin=resource.replace("@URL", url))
    applied(cluster, manager, [manifests.config_map("settings", "shop", greeting="Hello")], {label: "apps"})


_FLUX = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: platform}
spec: {url: '@URL', ref: {branch: main}, interval: 5s}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: platform}
spec:
  interval: 10m
  path: ./apps
  prune: true
  serviceAccountName: deployer
  sourceRef: {kind: GitRepository, name: fleet}
"""

_ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: apps
  namespace: platform
  finalizers: [resources-finalizer.argocd.argoproj.io]
spec:
  project: fleet
  destination: {server: 'https://kubernetes.default.svc', namespace: shop}
  source: {repoURL: '@URL', path: apps, targetRevision: main}
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions: [CreateNamespace=true]
"""

_APPS = {
    "flux": (_FLUX, "kustomize-controller", "kustomize.toolkit.fluxcd.io/name"),
    "argo-cd": (_ARGO, "argocd-controller", "argocd.argoproj.io/instance"),
}


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
