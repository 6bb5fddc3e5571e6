"""Compare what two revisions declare, without a cluster: the older one is taken for what is live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from towline.api import labels
from towline.errors import Failure
from towline.fields import diff
from towline.fields.mask import Mask
from towline.model import Action, Change, Live, Manifest, ObjectRef, Plan, Stamp
from towline.plan import build
from towline.plan.ownership import Policy
from towline.plan.verdicts import Verdicts
from towline.read.comparison import compared
from towline.read.comparison.compared import ComparedChange, StayingObject

_FIELDS = b"{}"
"""The fields of Towline's entry, which nobody can have taken where nothing is live."""


class Compared(NamedTuple):
    """What a plan would do to objects: changes, refusals by the plan itself, and what would stay."""

    changes: tuple[ComparedChange, ...] = ()
    refused: tuple[Failure, ...] = ()
    blocked: tuple[StayingObject, ...] = ()


def compare(
    before: Mapping[ObjectRef, Manifest],
    after: Mapping[ObjectRef, Manifest],
    policy: Policy,
    sha: str,
    mask: Mask,
) -> Compared:
    """Return what a repository would do that has applied `before` and now declares `after`.

    Args:
        before: what was applied.
        after: what is declared now.
        policy: of the repository.
        sha: the commit of `after`.
        mask: hides secret values.
    """
    plan = build.replan(after, live(before, policy), policy, sha, verdicts(after))
    return of_plan(plan, [changed(each, before, mask) for each in plan.writes])


def live(before: Mapping[ObjectRef, Manifest], policy: Policy) -> dict[ObjectRef, Live]:
    """Return objects as the sync has left them that wrote these manifests."""
    return {ref: _applied(manifest, policy) for ref, manifest in before.items()}


def verdicts(after: Mapping[ObjectRef, Manifest]) -> Verdicts:
    """Return what a plan knows beforehand of such objects: no other field manager has taken a field of them."""
    return Verdicts(
        lost={(digest, _FIELDS): () for digest in ("", *(each.digest for each in after.values()))}
    )


def of_plan(plan: Plan, changes: Iterable[ComparedChange]) -> Compared:
    """Return what a plan does, given the changes as they are shown."""
    kept = (each for each in plan.changed if each.action is Action.SKIP and each.manifest is None)
    return Compared(
        changes=tuple(changes),
        refused=plan.failures,
        blocked=(
            *(compared.staying(each, waits=True) for each in plan.blocked),
            *(compared.staying(each, waits=False) for each in kept),
        ),
    )


def _applied(manifest: Manifest, policy: Policy) -> Live:
    """Return an object as a sync has left it that wrote a manifest."""
    says = manifest.directives.get(labels.PRUNE)
    return Live(
        ref=manifest.ref,
        uid="",
        resource_version="",
        generation=-1,
        label=policy.label,
        owner=policy.uid,
        digest=manifest.digest,
        commit="",
        source=manifest.origin.file,
        manager=policy.manager,
        fields=_FIELDS,
        entry_time="",
        terminating=False,
        prune_disabled=says == "Disabled",
        prune_enabled=says == "Enabled",
        stamp=Stamp.VALID,
    )


def changed(change: Change, before: Mapping[ObjectRef, Manifest], mask: Mask) -> ComparedChange:
    """Return a planned change with the fields that are declared otherwise than before."""
    was = before.get(change.ref)
    if change.manifest is None or was is None:
        return compared.changed(change)
    new = change.manifest.body
    return compared.changed(change, diff.fields(was.body, new, new, mask), new)
