"""Find the change after which an object is not ready: of the object itself, or of what its Pods read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from towline.fields import pointer
from towline.model import Body, Health, ObjectRef
from towline.read.explanation import read_objects, suspects
from towline.read.explanation.cause import CHANGED, REMOVED, FoundCause
from towline.read.explanation.known_syncs import KnownSyncs, RecordedChange
from towline.read.explanation.read_objects import LackingObject

_NOTHING: Body = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadyObject:
    """An object that is not ready: what it says of itself, or its Pods do, and the object as it is.

    `commit` and `source` are what Towline wrote on it: the commit that changed it last, and its file. `lacking` is what
    it refers to and is not there.
    """

    ref: ObjectRef
    health: Health
    said: str = ""
    body: Body = field(default_factory=lambda: _NOTHING, repr=False)
    commit: str = ""
    source: str = ""
    lacking: tuple[LackingObject, ...] = ()

    @property
    def words(self) -> str:
        """What is told of it."""
        said = self.said or self.health.message or str(self.health.state)
        return "; ".join((said, *(each.words for each in self.lacking)))


def causes(unready: UnreadyObject, syncs: KnownSyncs, healthy: str, applied: str) -> Iterator[FoundCause]:
    """Yield the changes that explain why an object is not ready; none where it was ready with all of them.

    What it refers to and is not there explains it first, then the newest change of a field that its words point to,
    then one of what its Pods read, and at last any change of it.

    Args:
        unready: the object.
        syncs: the records.
        healthy: the newest commit with which all objects were ready, empty where there was none.
        applied: the commit that is applied.
    """
    if healthy and healthy == applied:
        return  # nothing of Git has changed since all was ready
    own = [each for each in syncs.writes(str(unready.ref)) if not healthy or syncs.is_later(each, healthy)]
    lacking = tuple(_of_lacking(unready, own, syncs, healthy))
    is_recorded = syncs.written(str(unready.ref)) is not None
    if lacking or (unready.lacking and is_recorded):
        yield from lacking
        return
    if not is_recorded:
        if unready.commit and unready.commit != healthy:
            yield _of_annotations(unready, syncs)
        return
    for each in own:
        if path := _suspect(each, unready):
            yield _of_change(each, path, syncs, unready.words, str(unready.health.state))
            return
    read = tuple(_of_read(unready, syncs, healthy)) if healthy else ()
    yield from read
    if own and not read:
        path = next((each.path for each in own[0].entry.fields), "")
        yield _of_change(own[0], path, syncs, unready.words, str(unready.health.state))


def _suspect(found: RecordedChange, unready: UnreadyObject) -> str:
    """Return the field of a change that the words of an object point to."""
    if changed := [each.path for each in found.entry.fields]:
        return suspects.first(changed, unready.body, unready.words)
    return suspects.declared(unready.body, unready.words)


def _of_read(unready: UnreadyObject, syncs: KnownSyncs, healthy: str) -> Iterator[FoundCause]:
    """Yield the changes of what the Pods of a workload read since all was ready."""
    for name in dict.fromkeys(
        str(each.ref) for each in read_objects.read_by(unready.body, unready.ref.namespace)
    ):
        found = syncs.written(name)
        if found and syncs.is_later(found, healthy):
            path = next((each.path for each in found.entry.fields), "")
            said = f"{unready.ref.display} reads it: {unready.words}"
            yield _of_change(found, path, syncs, said, CHANGED)


def _of_lacking(
    unready: UnreadyObject, own: Sequence[RecordedChange], syncs: KnownSyncs, healthy: str
) -> Iterator[FoundCause]:
    """Yield the changes by which something is not there that an object refers to."""
    told = unready.said or unready.health.message
    for each in sorted(unready.lacking, key=lambda one: f'"{one.read.ref.name}"' not in told):
        name = str(each.read.ref)
        said = f"{unready.ref.display} needs it: {unready.words}"
        gone = syncs.removed(name)
        changed = syncs.written(name) if each.key else None
        key = (
            next((one.path for one in changed.entry.fields if one.path.endswith(f"/{each.key}")), "")
            if changed
            else ""
        )
        referring = next((one for one in own if _sets(one, each.read.pointer)), None)
        if not each.key and gone and (not healthy or syncs.is_later(gone, healthy)):
            yield _of_change(gone, "", syncs, said, REMOVED)
        elif changed and key and (not healthy or syncs.is_later(changed, healthy)):
            yield _of_change(changed, key, syncs, said, CHANGED)
        elif referring:
            state = str(unready.health.state)
            yield _of_change(referring, each.read.pointer, syncs, unready.words, state)


def _sets(found: RecordedChange, path: str) -> bool:
    """Tell whether a change set a field: itself, something that holds it, or the whole object."""
    changed = [each.path for each in found.entry.fields]
    return not changed or any(pointer.is_within(path, each) for each in changed)


def _of_annotations(unready: UnreadyObject, syncs: KnownSyncs) -> FoundCause:
    lacking = next((each.read.pointer for each in unready.lacking), "")
    return FoundCause(
        object=str(unready.ref),
        pointer=lacking or suspects.declared(unready.body, unready.words),
        file=unready.source,
        commit=unready.commit,
        author=syncs.author(unready.commit),
        reason=str(unready.health.state),
        evidence=unready.words,
    )


def _of_change(found: RecordedChange, blamed: str, syncs: KnownSyncs, said: str, reason: str) -> FoundCause:
    """Return the cause that a recorded change of a field is."""
    entry = found.entry
    values = next((each for each in entry.fields if each.path == blamed), None)
    was = f" (was {values.old})" if values and isinstance(values.old, str) else ""
    commit = found.record.intent.target if reason == REMOVED else entry.commit or found.record.intent.target
    return FoundCause(
        object=entry.object,
        pointer=blamed,
        file=entry.file,
        line=0 if reason == REMOVED else entry.line,
        commit=commit,
        author=syncs.author(commit),
        reason=reason,
        evidence=f"{said}{was}",
    )
