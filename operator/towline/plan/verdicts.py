"""Remember which objects were found to be as declared, so that the next plan judges only what is different since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from towline.fields import owned_paths
from towline.model import Action, Change, GroupKind, Live, Manifest, ObjectRef
from towline.plan.ownership import Policy


@dataclass(slots=True, kw_only=True)
class Verdicts:
    """What plans of one repository found out; one plan may use it at a time.

    `lost` keeps the fields that entries lack. `kept` are the changes of objects that are as declared in every respect,
    by wave and name, under the policy that `whose` stands for. `judged` counts the objects that the last plan looked
    at one by one.
    """

    lost: owned_paths.Memo = field(default_factory=dict)
    kept: Sequence[Change] = ()
    whose: tuple[object, ...] = ()
    judged: int = 0

    def carried(self) -> Verdicts:
        """Return what also holds for another commit; what is known of contents that are gone is forgotten."""
        return Verdicts(kept=self.kept, whose=self.whose)

    def still(
        self, declared: Mapping[ObjectRef, Manifest], live: Mapping[ObjectRef, Live], policy: Policy
    ) -> Sequence[Change]:
        """Return the changes that hold as they are: neither the manifest nor the live object is another one."""
        if not self.kept or self.whose != _whose(policy):
            return ()
        found = [
            change
            for change in self.kept
            if declared.get(change.ref) is change.manifest
            and live.get(change.ref) is change.live
            and (change.ref in policy.written) is change.restores
        ]
        return _readable(found, policy.unreadable)

    def is_settled(self, change: Change) -> bool:
        """Tell whether an object is as declared in every respect, whatever the policy says about drift."""
        manifest, live = change.manifest, change.live
        if change.action is not Action.KEEP or manifest is None or live is None:
            return False
        if live.digest != manifest.digest or live.terminating or live.altered or live.shared or live.foreign:
            return False
        return all(self.lost.get((digest, live.fields)) == () for digest in (manifest.digest, ""))

    def keep(self, changes: Iterable[Change], others: Iterable[Change], policy: Policy) -> None:
        """Remember the changes of a plan, in their order, but for the others."""
        left = {id(change) for change in others}
        self.kept = tuple(change for change in changes if id(change) not in left)
        self.whose = _whose(policy)


def _readable(changes: Sequence[Change], unreadable: frozenset[GroupKind]) -> Sequence[Change]:
    if not unreadable:
        return changes
    return [change for change in changes if change.ref.group_kind not in unreadable]


def _whose(policy: Policy) -> tuple[object, ...]:
    """Return all of a policy that has a say in objects that are as declared."""
    return policy.key, policy.uid, policy.label, policy.manager, policy.installation
