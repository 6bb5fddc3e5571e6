"""A sync that stands still half-way: it brings a kind whose name is taken, and waits until that is settled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from e2e.harness.cluster import Cluster, Object
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

HALF = 20
CRD = "CustomResourceDefinition"
API = "apiextensions.k8s.io/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """Forty ConfigMaps and, half-way between them, a definition in a group of one's own."""

    cluster: Cluster
    group: str

    @property
    def early(self) -> frozenset[str]:
        """The ConfigMaps that are written before the definition."""
        return frozenset(f"early-{number:02}" for number in range(HALF))

    @property
    def late(self) -> frozenset[str]:
        """The ConfigMaps that are written after it."""
        return frozenset(f"late-{number:02}" for number in range(HALF))

    @property
    def definition(self) -> Object:
        """A kind that is called as another one is."""
        body = manifests.widgets(self.group)
        names = {"kind": "Widget", "plural": "gadgets", "singular": "gadget"}
        return {
            **body,
            "metadata": {"name": f"gadgets.{self.group}"},
            "spec": {**body["spec"], "names": names},
        }

    def files(self, **entries: str) -> Mapping[str, str]:
        """Return what the repository holds."""
        early = {f"{name}.yaml": _first(name, entries) for name in self.early}
        late = manifests.config_maps(self.late, **entries)
        return {**early, **late, "definition.yaml": manifests.text(self.definition)}

    def reached(self, repository: Repository) -> None:
        """Wait until the sync has written the first half; it goes on in half a minute or when it is settled."""
        eventually(
            lambda: self.cluster.find(API, CRD, f"gadgets.{self.group}") and repository.records(),
            deadline=30,
            message=f"the definition of gadgets.{self.group}",
        )

    def settle(self) -> None:
        """Free the name: what waits goes on."""
        self.cluster.delete(API, CRD, f"widgets.{self.group}")


def _first(name: str, entries: Mapping[str, str]) -> str:
    body = manifests.config_map(name, **entries)
    body["metadata"]["annotations"] = {"towline.dev/wave": "-1"}
    return manifests.text(body)


@contextmanager
def prepared(cluster: Cluster, namespace: str) -> Iterator[Standstill]:
    """Take the name of the kind; in the end none of the definitions is left."""
    group = f"{namespace}.example.com"
    cluster.create(manifests.widgets(group))
    yield Standstill(cluster=cluster, group=group)
    for name in ("widgets", "gadgets"):
        cluster.delete(API, CRD, f"{name}.{group}")
