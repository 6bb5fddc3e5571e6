"""Read the resources of another GitOps tool from files, each with the lines of its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from towline.errors import Failure, Reason
from towline.model import Body
from towline.render import documents
from towline.render.documents import Document, DocumentErrors, Places, YamlLimits

_GROUPS = ("toolkit.fluxcd.io", "argoproj.io")
_LIMITS = YamlLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerResource:
    """One resource as it was read.

    `file` is empty, and every line 0, for one that was read from a cluster. `parent` is the ApplicationSet that makes
    it, where one does, whose lines stand for those of the resource. `assumed_namespace` says that it names none.
    """

    body: Body
    file: str = ""
    first: int = 0
    places: Places | None = field(default=None, repr=False, compare=False)
    inside: tuple[str | int, ...] = ()
    parent: str = ""
    assumed_namespace: bool = False

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.body["kind"])

    @property
    def group(self) -> str:
        """Its API group."""
        return str(self.body["apiVersion"]).partition("/")[0]

    @property
    def name(self) -> str:
        """Its name."""
        return str(_map(self.body.get("metadata")).get("name", ""))

    @property
    def namespace(self) -> str:
        """Its namespace, empty where it names none."""
        return str(_map(self.body.get("metadata")).get("namespace") or "")

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its spec."""
        return _map(self.body.get("spec"))

    @property
    def title(self) -> str:
        """What people call it: `Kustomization flux-system/apps`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def placed(self, namespace: str) -> PeerResource:
        """Return the resource in a namespace, because it names none."""
        metadata = {**self.body["metadata"], "namespace": namespace}
        return replace(self, body={**self.body, "metadata": metadata}, assumed_namespace=True)

    def line(self, *path: str | int) -> int:
        """Return the line of a field, or that of the nearest one above it; 0 where lines are not known."""
        return self.places.line(*self.inside, *path) if self.places else self.first


def read(content: bytes, file: str) -> tuple[tuple[PeerResource, ...], tuple[Failure, ...]]:
    """Return the resources of Flux and Argo CD in a file, and what is wrong with it.

    Objects of other kinds are passed over. Documents without an error are read, whatever others hold.
    """
    faults: tuple[Failure, ...] = ()
    try:
        found = documents.parse(content, _LIMITS)
    except DocumentErrors as error:
        found = error.documents
        faults = tuple(
            Failure(reason=Reason.BUILD_FAILED, message=one.message, file=file, line=one.line)
            for one in error.faults
        )
    return tuple(one for each in found for one in _resources(each, file, len(content))), faults


def is_peers(body: object) -> bool:
    """Whether a document is a resource of Flux or Argo CD that has a name."""
    if not isinstance(body, Mapping) or not isinstance(body.get("kind"), str):
        return False
    group = str(body.get("apiVersion", "")).partition("/")[0]
    return group.endswith(_GROUPS) and bool(_map(body.get("metadata")).get("name"))


def mentions_peers(content: bytes) -> bool:
    """Whether a file that cannot be read might hold such a resource."""
    return any(group.encode() in content for group in _GROUPS)


def _resources(document: Document, file: str, size: int) -> Iterator[PeerResource]:
    for inside, body in _objects(document.value):
        if is_peers(body):
            places = Places(document.piece, _LIMITS, _LIMITS.room(size))
            first = places.line(*inside) if inside else document.line
            yield PeerResource(body=body, file=file, first=first, places=places, inside=inside)


def _objects(value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield the objects of a document: itself, or the items of a List."""
    items = (
        value.get("items") if isinstance(value, Mapping) and str(value.get("kind")).endswith("List") else None
    )
    if isinstance(items, list):
        yield from ((("items", number), item) for number, item in enumerate(items))
    else:
        yield (), value


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
