"""Remember which objects were found to be as declared, so that the next plan judges only what is different since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from towline.fields import owned_paths
from towline.model import Action, Change, Live, Manifest, ObjectRef
from towline.plan.gating import gates
from towline.plan.ownership import Policy
from towline.plan.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the last plan left behind, under the policy that `whose` stands for.

    `changes` are those of objects that are as declared in every respect, whatever the policy says about drift; `gates`
    are those of them that later waves wait for. `last` tells them from the others.
    """

    changes: Mapping[ObjectRef, Change] = field(default_factory=dict)
    gates: tuple[ObjectRef, ...] = ()
    last: Snapshot = field(default_factory=Snapshot)
    whose: tuple[object, ...] = ()

    def without(self, refs: Iterable[ObjectRef]) -> dict[ObjectRef, Change]:
        """Return the changes but for those of some objects."""
        left = dict(self.changes)
        for ref in refs:
            left.pop(ref, None)
        return left


@dataclass(slots=True, kw_only=True)
class Verdicts:
    """What plans of one repository found out.

    `lost` keeps the fields that entries lack. `judged` counts the objects that the last plan looked at one by one. What
    is settled is replaced as a whole: a plan that a cancelled pass has left behind spoils nothing.
    """

    lost: owned_paths.Memo = field(default_factory=dict)
    settled: Settled = field(default_factory=Settled)
    judged: int = 0

    def carried(self) -> Verdicts:
        """Return what also holds for another commit; what is known of contents that are gone is forgotten."""
        return Verdicts(settled=self.settled)

    def unsettled(
        self, declared: Mapping[ObjectRef, Manifest], live: Mapping[ObjectRef, Live]
    ) -> frozenset[ObjectRef]:
        """Return the objects that are not known to be as declared, or whose manifest or live object is another one."""
        return self.settled.last.since(declared, live)

    def under(self, policy: Policy) -> Settled:
        """Return what is settled, which is nothing under a policy that knows its objects by other marks."""
        if self.settled.whose == _whose(policy):
            return self.settled
        return Settled(whose=_whose(policy))

    def is_settled(self, change: Change) -> bool:
        """Tell whether an object is as declared in every respect, whatever the policy says about drift."""
        manifest, live = change.manifest, change.live
        if change.action is not Action.KEEP or manifest is None or live is None:
            return False
        if live.digest != manifest.digest or live.terminating or live.altered or live.shared or live.foreign:
            return False
        return all(self.lost.get((digest, live.fields)) == () for digest in (manifest.digest, ""))

    def keep(
        self, before: Settled, left: Mapping[ObjectRef, Change], new: Iterable[Change], seen: Snapshot
    ) -> None:
        """Remember what holds after a plan.

        Args:
            before: what was settled before it.
            left: the changes that still are.
            new: the changes of the objects that the plan judged.
            seen: what it was made from, and which objects it judged.
        """
        more = {change.ref: change for change in new if self.is_settled(change)}
        found = (
            *before.gates,
            *(ref for ref, each in more.items() if each.manifest and gates.is_gate(each.manifest)),
        )
        open_still = (ref for ref in seen.unsettled if ref in seen.declared or ref in seen.live)
        unsettled = frozenset(ref for ref in open_still if ref not in more)
        self.settled = Settled(
            changes={**left, **more},
            gates=tuple(ref for ref in found if ref in left or ref in more),
            last=replace(seen, unsettled=unsettled),
            whose=before.whose,
        )


def _whose(policy: Policy) -> tuple[object, ...]:
    """Return all of a policy that has a say in objects that are as declared."""
    return policy.key, policy.uid, policy.label, policy.manager, policy.installation
