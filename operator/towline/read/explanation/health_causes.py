"""Find the change after which an object is not ready: of the object itself, or of what its Pods read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from towline.health import pod
from towline.model import Body, Health, ObjectRef
from towline.read.explanation.cause import FoundCause
from towline.read.explanation.known_syncs import KnownSyncs, RecordedChange

_NOTHING: Body = MappingProxyType({})
_READS = (
    (("configMap", "name"), "ConfigMap"),
    (("configMapRef", "name"), "ConfigMap"),
    (("configMapKeyRef", "name"), "ConfigMap"),
    (("secret", "secretName"), "Secret"),
    (("secretRef", "name"), "Secret"),
    (("secretKeyRef", "name"), "Secret"),
    (("persistentVolumeClaim", "claimName"), "PersistentVolumeClaim"),
)
"""How a Pod names the objects that it reads: a field, the one below it that holds the name, and the kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadyObject:
    """An object that is not ready: what it says of itself, or its Pods do, and the object as it is.

    `commit` and `source` are what Towline wrote on it: the commit that changed it last, and its file.
    """

    ref: ObjectRef
    health: Health
    said: str = ""
    body: Body = field(default_factory=lambda: _NOTHING, repr=False)
    commit: str = ""
    source: str = ""

    @property
    def words(self) -> str:
        """What is told of it."""
        return self.said or self.health.message or str(self.health.state)


def causes(unready: UnreadyObject, syncs: KnownSyncs, healthy: str, applied: str) -> Iterator[FoundCause]:
    """Yield the changes that explain why an object is not ready; none where it was ready with all of them.

    Args:
        unready: the object.
        syncs: the records.
        healthy: the newest commit with which all objects were ready, empty where there was none.
        applied: the commit that is applied.
    """
    if healthy and healthy == applied:
        return  # nothing of Git has changed since all was ready
    own = syncs.written(str(unready.ref))
    if own is None:
        if unready.commit and unready.commit != healthy:
            yield _of_annotations(unready, syncs)
        return
    if not healthy or syncs.is_later(own, healthy):
        yield _of_change(own, unready, syncs, unready.words)
        return
    for name in _read_names(unready):
        found = syncs.written(name)
        if found and syncs.is_later(found, healthy):
            yield _of_change(found, None, syncs, f"{unready.ref.display} reads it: {unready.words}")


def _of_annotations(unready: UnreadyObject, syncs: KnownSyncs) -> FoundCause:
    return FoundCause(
        object=str(unready.ref),
        pointer=pod.image_field(dict(unready.body), unready.words),
        file=unready.source,
        commit=unready.commit,
        author=syncs.author(unready.commit),
        reason=str(unready.health.state),
        evidence=unready.words,
    )


def _of_change(
    found: RecordedChange, unready: UnreadyObject | None, syncs: KnownSyncs, said: str
) -> FoundCause:
    """Return the cause that a recorded change is, with the field that what is said is about, or the first one."""
    entry = found.entry
    changed = [each.path for each in entry.fields]
    image = pod.image_field(dict(unready.body), unready.words) if unready else ""
    blamed = image if image and (image in changed or not changed) else next(iter(changed), "")
    values = next((each for each in entry.fields if each.path == blamed), None)
    was = f" (was {values.old})" if values and isinstance(values.old, str) else ""
    return FoundCause(
        object=entry.object,
        pointer=blamed,
        file=entry.file,
        line=entry.line,
        commit=entry.commit or found.record.intent.target,
        author=syncs.author(entry.commit or found.record.intent.target),
        reason=str(unready.health.state) if unready else "Changed",
        evidence=f"{said}{was}",
    )


def _read_names(unready: UnreadyObject) -> Iterator[str]:
    """Name the objects that the Pods of a workload read."""
    spec: Any = unready.body.get("spec") or {}
    template = spec.get("template", {}).get("spec") if isinstance(spec.get("template"), Mapping) else spec
    found = dict.fromkeys(_named(template))
    for kind, name in found:
        yield str(ObjectRef("", kind, unready.ref.namespace, name))


def _named(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _named(item)
    elif isinstance(value, Mapping):
        for (outer, inner), kind in _READS:
            below = value.get(outer)
            if isinstance(below, Mapping) and isinstance(below.get(inner), str):
                yield kind, below[inner]
        for item in value.values():
            yield from _named(item)
