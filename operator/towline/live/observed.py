"""Read from one object who owns it, by its metadata, and how it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from towline.api import labels, other_annotations
from towline.fields import additions, coowners, managed
from towline.health import assessment, finished
from towline.model import Body, GroupKind, Health, Key, Live, ObjectRef
from towline.plan.stamp import Stamps

_PREFIX = "towline:"
_T = TypeVar("_T")


class Interned:
    """Keeps one of many equal values, because thousands of objects share namespaces, commits and entries."""

    def __init__(self, limit: int = 50_000) -> None:
        self._values: dict[Any, Any] = {}
        self._limit = limit

    def __call__(self, value: _T) -> _T:
        """Return the first value that was equal to `value`."""
        if len(self._values) > self._limit:
            self._values.clear()  # what is forgotten stands twice in memory, no more
        kept: _T = self._values.setdefault(value, value)
        return kept


def ref_from(metadata: Body, kind: GroupKind) -> ObjectRef:
    """Return the identity of the object of `kind` that has this metadata."""
    return ObjectRef(kind.group, kind.kind, sys.intern(metadata.get("namespace", "")), metadata["name"])


def live_from(  # noqa: PLR0913  the object, what is known of it, and what judges it
    body: Body,
    stamps: Stamps,
    ref: ObjectRef | None = None,
    intern: Interned | None = None,
    assess: Callable[[Body, GroupKind], Health] = assessment.assess,
    *,
    verified: bool = False,
) -> Live:
    """Read one object, whole or, of a kind whose health needs no more, as PartialObjectMetadata.

    `fields`, `entry_time` and `manager` are those of the Apply entry of the label's repository, or else of another.

    Args:
        body: the object.
        stamps: tell whether the operator has written its owner annotation.
        ref: which one it is, as far as it is known: a PartialObjectMetadata does not tell its kind.
        intern: shares equal values between objects.
        assess: says how the object is.
        verified: whether it comes from the answer to Towline's own write.
    """
    ref = ref or ref_from(body["metadata"], _kind(body))
    intern = intern or Interned()
    return _live(body, stamps, ref, intern, intern(assess(body, ref.group_kind)), verified)


def _live(  # noqa: PLR0913, PLR0917  written out, because each answer and event makes one
    body: Body,
    stamps: Stamps,
    ref: ObjectRef,
    intern: Interned,
    health: Health,
    verified: bool,  # noqa: FBT001
) -> Live:
    metadata: Body = body["metadata"]
    notes: Mapping[str, str] = metadata.get("annotations") or {}
    label = (metadata.get("labels") or {}).get(labels.REPOSITORY_LABEL, "")
    entry = _entry(entries := managed.entries(body), label)
    owner, stamp = stamps.read(notes.get(labels.OWNER, ""), ref)
    prune = _prune(notes)
    return Live(
        ref=ref,
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", -1),
        label=intern(label),
        owner=intern(owner),
        digest=notes.get(labels.DIGEST, ""),
        commit=intern(notes.get(labels.COMMIT, "")),
        source=intern(notes.get(labels.SOURCE, "")),
        manager=intern(entry.get("manager", "")),
        fields=intern(managed.encoded(entry)),
        entry_time=intern(entry.get("time", "")),
        terminating="deletionTimestamp" in metadata,
        prune_disabled=prune == "Disabled",
        prune_enabled=prune == "Enabled",
        adopted=labels.ADOPTED in notes,
        shared=bool(entry) and coowners.is_shared(entries, entry["manager"]),
        foreign=bool(entry) and additions.has(entries, entry["manager"]),
        health=health,
        verified=verified,
        finished=finished.is_finished(body, ref.group_kind),
        rerun=str(notes.get(labels.RERUN, "")),
        stamp=stamp,
        early=metadata.get("creationTimestamp", "") < stamps.since,
    )


def _prune(notes: Mapping[str, str]) -> str:
    own = labels.directive(labels.PRUNE, notes.get(labels.PRUNE, ""))
    return own or ("Disabled" if other_annotations.keeps(notes) else "")


def _kind(body: Body) -> GroupKind:
    group, _, _ = body["apiVersion"].rpartition("/")
    return GroupKind(group, body["kind"])


def _entry(entries: Any, label: str) -> Body:
    ours = [entry for entry in entries if _applied_by_us(entry)]
    if len(ours) > 1:
        ours.sort(key=lambda entry: not _writes(entry["manager"], label))
    return ours[0] if ours else {}


def _applied_by_us(entry: Body) -> bool:
    return managed.is_applied(entry) and entry.get("manager", "").startswith(_PREFIX)


def _writes(manager: str, label: str) -> bool:
    named = manager.removeprefix(_PREFIX)
    namespace, separator, name = named.partition("/")
    return (labels.repository_label(Key(namespace, name)) if separator else named) == label
