"""An application that brings its own Namespace and its own kind: everything that a first sync may hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from e2e.harness import repositories
from e2e.harness.cluster import Cluster, Object
from e2e.scenes import manifests


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The application, in a namespace and an API group of its own."""

    namespace: str
    group: str

    @property
    def objects(self) -> tuple[Object, ...]:
        """Everything that it declares; what needs others stands before them."""
        return (
            manifests.widget(self.group, self.namespace),
            manifests.deployment("web", self.namespace, account="web"),
            manifests.role_binding("web", self.namespace),
            manifests.role("reader", self.namespace),
            manifests.service("web", self.namespace),
            manifests.service_account("web", self.namespace),
            manifests.secret("credentials", self.namespace, word="open sesame"),
            manifests.config_map("settings", self.namespace, colour="blue"),
            manifests.widgets(self.group),
            manifests.namespace(self.namespace),
        )

    def live(self, cluster: Cluster) -> tuple[Object, ...]:
        """Return each of them as it is in the cluster; raises where one is missing."""
        return tuple(_live(cluster, body) for body in self.objects)


@contextmanager
def opened(cluster: Cluster, namespace: str) -> Iterator[Shop]:
    """Name an application after the namespace of its GitRepository; in the end nothing of it is left."""
    shop = Shop(namespace=f"{namespace}-shop", group=f"{namespace}.example.com")
    yield shop
    repositories.abandon(cluster, namespace)
    cluster.delete("v1", "Namespace", shop.namespace)
    cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{shop.group}")


def _live(cluster: Cluster, body: Object) -> Object:
    metadata = body["metadata"]
    return cluster.get(body["apiVersion"], body["kind"], metadata["name"], metadata.get("namespace", ""))
