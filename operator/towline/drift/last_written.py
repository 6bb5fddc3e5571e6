"""What Git said of each object when it was last written: what a repair restores, whatever Git says by now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from towline.model import Action, Live, Manifest, ObjectRef, Plan, Revision
from towline.plan import drift_policy


class LastWritten(NamedTuple):
    """The manifest that an object was last written from, and a revision that holds it."""

    manifest: Manifest
    revision: Revision


Baseline: TypeAlias = Mapping[ObjectRef, LastWritten]


def recalled(
    manifests: Iterable[Manifest], revision: Revision, live: Mapping[ObjectRef, Live]
) -> dict[ObjectRef, LastWritten]:
    """Return what a commit left whose whole plan was done.

    An object that holds other content since is not part of it; one that is missing was deleted since.
    """
    return {
        manifest.ref: LastWritten(manifest, revision)
        for manifest in manifests
        if (found := live.get(manifest.ref)) is None or found.digest == manifest.digest
    }


class AppliedCommit(Mapping[ObjectRef, LastWritten]):
    """What a commit left: its manifests, and what was written before of those objects that do not hold theirs.

    It takes over the manifests as they are, so that it costs what differs, and not what all objects do.

    Args:
        declared: the manifests of the commit.
        revision: the commit.
        late: what the objects that do not hold their manifest were last written from; None where they never were.
    """

    __slots__ = ("_declared", "_late", "_revision")

    def __init__(
        self,
        declared: Mapping[ObjectRef, Manifest],
        revision: Revision,
        late: Mapping[ObjectRef, LastWritten | None],
    ) -> None:
        self._declared = declared
        self._revision = revision
        self._late = late

    def __getitem__(self, ref: ObjectRef) -> LastWritten:
        if ref not in self._late:
            return LastWritten(self._declared[ref], self._revision)
        if written := self._late[ref]:
            return written
        raise KeyError(ref)

    def __iter__(self) -> Iterator[ObjectRef]:
        return (ref for ref in self._declared if ref in self)

    def __len__(self) -> int:
        return len(self._declared) - sum(written is None for written in self._late.values())


class Digests(Mapping[ObjectRef, str]):
    """The digest of what each object was last written from."""

    __slots__ = ("_baseline",)

    def __init__(self, baseline: Baseline) -> None:
        self._baseline = baseline

    def __getitem__(self, ref: ObjectRef) -> str:
        return self._baseline[ref].manifest.digest

    def __iter__(self) -> Iterator[ObjectRef]:
        return iter(self._baseline)

    def __len__(self) -> int:
        return len(self._baseline)


def after(
    before: Baseline, declared: Mapping[ObjectRef, Manifest], revision: Revision, late: Iterable[ObjectRef]
) -> Baseline:
    """Return what holds after a plan for a commit was carried out.

    What Git declares no more is never restored, even where its prune waits. `late` are the objects that do not hold
    what the commit declares: they are as they were.
    """
    return AppliedCommit(declared, revision, {ref: before.get(ref) for ref in late})


def late(
    plan: Plan, declared: Mapping[ObjectRef, Manifest], done: Collection[ObjectRef]
) -> tuple[ObjectRef, ...]:
    """Return the objects that do not hold what the plan's commit declares: not kept, written, or only drifted from it.

    Args:
        plan: for the commit.
        declared: what the commit declares.
        done: what was written or taken away.
    """
    stand = {change.ref for change in plan.changes if change.action is Action.KEEP}
    stand.update(change.ref for change in plan.changed if drift_policy.is_reported(change))
    stand.update(ref for ref in done if ref in declared)
    if len(plan.settled) + len(stand) == len(declared):
        return ()
    return tuple(ref for ref in declared if ref not in stand and ref not in plan.settled)
