"""What Git said of each object when it was last written: what a repair restores, whatever Git says by now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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


def after(
    before: Baseline, manifests: Iterable[Manifest], revision: Revision, stand: Collection[ObjectRef]
) -> dict[ObjectRef, LastWritten]:
    """Return what holds after a plan for `manifests` was carried out.

    What Git declares no more is never restored, even where its prune waits. `stand` are the objects that hold their
    new content; others are as they were.
    """
    found: dict[ObjectRef, LastWritten] = {}
    for manifest in manifests:
        ref = manifest.ref
        if ref in stand:
            found[ref] = LastWritten(manifest, revision)
        elif ref in before:
            found[ref] = before[ref]
    return found


def standing(plan: Plan, done: Collection[ObjectRef]) -> frozenset[ObjectRef]:
    """Return the objects that hold what the plan's commit declares: kept, written, or only drifted from it."""
    kept = frozenset([change.ref for change in plan.changes if change.action is Action.KEEP])
    return kept.union((change.ref for change in plan.changed if drift_policy.is_reported(change)), done)


def digests(baseline: Baseline) -> dict[ObjectRef, str]:
    """Return the digest of what each object was last written from."""
    return {ref: written.manifest.digest for ref, written in baseline.items()}
