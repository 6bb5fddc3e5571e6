"""Decide about owned objects that are no longer declared; each veto is a function and a row of a table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from towline.api import labels
from towline.api.gitrepository import RESOURCE, Removal
from towline.errors import Reason, Refusal
from towline.model import REMOVES, Action, Change, GroupKind, Live, ObjectRef
from towline.plan import claims, waves
from towline.plan.ownership import OWN, Ownership, Policy, missing, ownership

DATA_KINDS = frozenset(
    {
        waves.NAMESPACE,
        waves.CRD,
        GroupKind("", "PersistentVolume"),
        GroupKind("", "PersistentVolumeClaim"),
        RESOURCE.group_kind,
    }
)
"""Deleting one of these deletes what Git cannot bring back; no setting removes one from the list."""

_LOST = MappingProxyType(
    {
        waves.NAMESPACE: "everything in it",
        waves.CRD: "all objects of its kind",
        GroupKind("", "PersistentVolume"): "data",
        GroupKind("", "PersistentVolumeClaim"): "data",
    }
)
"""What goes with an object that holds data; the others are those that manage more objects."""

_MANY = 10
"""With fewer owned objects than this, losing most of them is not suspicious."""


class Veto(NamedTuple):
    """Why an object is not simply pruned; the message is for users."""

    reason: str
    message: str


class Loss(NamedTuple):
    """How many objects a plan desires, owns and would take away; and how many were owned when it was first doubted."""

    desired: int
    owned: int
    leaving: int
    doubted: int
    verb: str = "deleted"

    @property
    def counted(self) -> str:
        """The loss in numbers: of the objects that were owned before the creates of a doubted plan."""
        return f"{self.leaving} of {self.doubted or self.owned} objects would be {self.verb}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removals:
    """The removals that go on, those that wait for a person, and the token that confirms exactly these.

    `doubted` counts the objects that were owned when the source as a whole was first doubted, 0 where it is not.
    `waiting` are the prunes before which other repositories must read the commit; what is blocked may be among them.
    """

    changes: tuple[Change, ...] = ()
    blocked: tuple[Change, ...] = ()
    token: str = ""
    waiting: tuple[Change, ...] = ()
    doubted: int = 0


def removals(owned: Mapping[ObjectRef, Live], desired: frozenset[ObjectRef], policy: Policy) -> Removals:
    """Decide about every object with Towline's label that is not desired, last written first.

    `owned` holds all live objects with the policy's label, desired or not. What is being deleted already is
    waited for and not mentioned. A blocked list goes on once `policy.confirm` is its token.
    """
    undesired = (live for ref, live in owned.items() if ref not in desired and not live.terminating)
    judged = tuple(sorted((_judged(live, policy) for live in undesired), key=lambda c: (-c.wave, c.ref)))
    blocked, doubted = ((), 0) if policy.finalizing is not None else _blocked(judged, owned, desired, policy)
    token = _token(blocked, policy) if blocked else ""
    if policy.standing.awaited:
        return Removals(
            changes=tuple(change for change in judged if not _waits(change)),
            blocked=blocked,
            token=token,
            doubted=doubted,
            waiting=_waiting(judged, policy),
        )
    if policy.confirm == token:
        return Removals(changes=judged)
    waiting = {change.ref for change in blocked}
    going = tuple(change for change in judged if change.ref not in waiting)
    return Removals(changes=going, blocked=blocked, token=token, doubted=doubted)


def _waits(change: Change) -> bool:
    """Tell whether a removal waits while others are awaited: all do but what is known to be taken."""
    return change.action in REMOVES and not change.taken


def _waiting(judged: tuple[Change, ...], policy: Policy) -> tuple[Change, ...]:
    """Hold back every removal until the other repositories are known to declare the objects or not."""
    whom, have = claims.named(policy.standing.awaited, policy.key)
    veto = Veto("", f"waits until {whom}, which may declare it, {have} read the commit")
    return tuple(_held(change, veto) for change in judged if _waits(change))


def _judged(live: Live, policy: Policy) -> Change:
    change = Change(action=Action.PRUNE, ref=live.ref, live=live, wave=waves.ref_wave(live.ref.group_kind))
    for veto, action in _PLAIN if policy.finalizing is None else _AT_THE_END:
        found = veto(live, policy)
        if found:
            taken = action is Action.RELEASE and live.ref in policy.standing.taken
            return replace(change, action=action, reason=found.reason, message=found.message, taken=taken)
    return change


def _blocked(
    judged: tuple[Change, ...],
    owned: Mapping[ObjectRef, Live],
    desired: frozenset[ObjectRef],
    policy: Policy,
) -> tuple[tuple[Change, ...], int]:
    """Hold back every prune where one is vetoed; where the whole source is doubtful, every release too.

    While others are awaited, nothing is blocked yet, unless the plan creates objects beside which a loss that is
    doubtful now would look small later. What holds data comes first. The number is that of the objects that were
    owned when the source was first doubted, 0 where it is not.
    """
    leaving = [change for change in judged if change.action is not Action.SKIP and not _moves(change, policy)]
    if not leaving:
        return (), 0
    ours = sum(ownership(live, policy) in OWN for live in owned.values() if not live.terminating)
    verb = "deleted" if any(change.action is Action.PRUNE for change in leaving) else "released"
    loss = Loss(len(desired), ours, len(leaving), doubted=policy.doubted, verb=verb)
    doubt = _first(veto(loss) for veto in _BLOCKING_ALL)
    if policy.standing.awaited and not (doubt and desired - owned.keys()):
        return (), 0
    waiting = leaving if doubt else [change for change in leaving if change.action is Action.PRUNE]
    vetoes = {
        change.ref: _first(veto(owned[change.ref], policy) for veto in _BLOCKING_ONE)
        for change in waiting
        if change.action is Action.PRUNE
    }
    if not doubt and not any(vetoes.values()):
        return (), 0
    shared = doubt or Veto(
        Reason.PRUNE_BLOCKED, "waits with another deletion of this commit, which needs a confirmation"
    )
    waiting = sorted(
        waiting, key=lambda change: (not _holds_data(change.ref, policy), not vetoes.get(change.ref))
    )
    held = tuple(_held(change, vetoes.get(change.ref) or shared) for change in waiting)
    return held, (policy.doubted or ours) if doubt else 0


def _moves(change: Change, policy: Policy) -> bool:
    return change.ref in policy.standing.elsewhere


def _first(vetoes: Iterable[Veto | None]) -> Veto | None:
    return next((veto for veto in vetoes if veto), None)


def _held(change: Change, veto: Veto) -> Change:
    return replace(change, reason=veto.reason, message=veto.message)


def _token(blocked: tuple[Change, ...], policy: Policy) -> str:
    """Digest what a person is asked to agree to, from the commit on that was applied last.

    An object that was recreated since is another one, and so is a loss after one that Git took back.
    """
    lines = sorted(
        f"{change.action} {change.ref} {change.live.uid if change.live else ''}" for change in blocked
    )
    return hashlib.sha256("\n".join((policy.uid, policy.applied, *lines)).encode()).hexdigest()[
        :_TOKEN_DIGITS
    ]


_TOKEN_DIGITS = 12


# Vetoes about one object.


def _not_ours(live: Live, policy: Policy) -> Veto | None:
    if ownership(live, policy) in OWN:
        return None
    return Veto(Refusal.NOT_OURS, f"carries the label of this GitRepository, but has {missing(live, policy)}")


def _prune_disabled(live: Live, _: Policy) -> Veto | None:
    return Veto("", "kept: it is annotated towline.dev/prune: disabled") if live.prune_disabled else None


def _installation(live: Live, policy: Policy) -> Veto | None:
    if live.ref not in policy.installation:
        return None
    return Veto(Refusal.SELF_MANAGEMENT_REFUSED, "released: it belongs to the operator's installation")


def _declared_elsewhere(live: Live, policy: Policy) -> Veto | None:
    if live.ref not in policy.standing.elsewhere:
        return None
    return Veto("", "released: another GitRepository declares it")


def _prune_off(live: Live, policy: Policy) -> Veto | None:
    """Release if the spec asks for it; the object's own annotation overrules the spec."""
    return None if policy.prune or live.prune_enabled else Veto("", "released: spec.prune is false")


def _orphaned(_: Live, policy: Policy) -> Veto | None:
    return Veto("", "released with its GitRepository") if policy.finalizing is Removal.NONE else None


def _adopted(live: Live, policy: Policy) -> Veto | None:
    if policy.finalizing is not Removal.CREATED or not live.adopted:
        return None
    return Veto("", "released: it existed before Towline wrote it")


def _inherited(live: Live, policy: Policy) -> Veto | None:
    if ownership(live, policy) is not Ownership.INHERITED:
        return None
    earlier = "belonged to an earlier GitRepository of this name"
    if live.owner == policy.uid:
        earlier = f"its {labels.OWNER} has no valid stamp, so anybody may have written it"
    data = _data_kind(live, policy)
    return Veto(Refusal.INHERITED, f"{data.message}; it {earlier}" if data else earlier)


def _data_kind(live: Live, policy: Policy) -> Veto | None:
    if not _holds_data(live.ref, policy):
        return None
    lost = _LOST.get(live.ref.group_kind, "what it manages")
    return Veto(Reason.PRUNE_BLOCKED, f"deleting {live.ref.display} loses {lost}")


def _holds_data(ref: ObjectRef, policy: Policy) -> bool:
    return ref.group_kind in DATA_KINDS or ref.group_kind in policy.data_kinds


# Vetoes about the source as a whole.


def _source_empty(loss: Loss) -> Veto | None:
    if loss.desired:
        return None
    return Veto(
        Reason.SOURCE_EMPTY, f"the commit declares nothing: all {loss.owned} objects would be {loss.verb}"
    )


def _shrunken_source(loss: Loss) -> Veto | None:
    if loss.owned < _MANY or loss.leaving * 2 <= loss.owned:
        return None
    return Veto(Reason.PRUNE_BLOCKED, loss.counted)


def _doubted_before(loss: Loss) -> Veto | None:
    """Keep a loss doubtful after the creates of its plan are written and make it look small."""
    if not loss.doubted or loss.leaving * 2 <= _MANY:
        return None
    return Veto(Reason.PRUNE_BLOCKED, loss.counted)


_PLAIN = (
    (_not_ours, Action.SKIP),
    (_installation, Action.RELEASE),
    (_declared_elsewhere, Action.RELEASE),
    (_prune_disabled, Action.SKIP),
    (_prune_off, Action.RELEASE),
)
"""The vetoes while the GitRepository exists; the first that applies decides."""

_AT_THE_END = (
    (_not_ours, Action.SKIP),
    (_installation, Action.RELEASE),
    (_orphaned, Action.RELEASE),
    (_adopted, Action.RELEASE),
    (_prune_off, Action.RELEASE),
    (_prune_disabled, Action.RELEASE),
    (_declared_elsewhere, Action.RELEASE),
    (_inherited, Action.RELEASE),
    (_data_kind, Action.RELEASE),
)
"""The same while it is being deleted: nothing may hold the deletion up."""

_BLOCKING_ONE = (_inherited, _data_kind)
_BLOCKING_ALL = (_source_empty, _shrunken_source, _doubted_before)
