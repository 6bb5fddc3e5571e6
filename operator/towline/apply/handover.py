"""What passes within one plan from one object to another, although only one may have it.

The dry run refuses whoever takes it while the other one has it. The pair is found from the refusal: the other one is
in the same plan, and is deleted or changed by it. Where everything else of the plan is accepted, the giver lets go
first; otherwise the refusal names both objects, and the two commits that do it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from towline import aio
from towline.apply import faults, prediction, single_values, turns
from towline.apply.objects import Objects, WriteContext
from towline.apply.prediction import HandOver, Prediction
from towline.apply.single_values import SingleValue
from towline.errors import ApiError, Failure
from towline.fields import server_paths
from towline.kube.client import IN_FLIGHT
from towline.model import Action, Body, Change, GroupKind, ObjectRef
from towline.plan import ownership, vetoes, waves

_ROUNDS = 20
"""So many values of one object are found one after another: a refusal names the first one only."""

_KEEPS_DATA = vetoes.DATA_KINDS | ownership.DELEGATES


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedChange:
    """One change that is refused.

    `words` are the API server's own, which may name what the same plan changes. `instead` is the replacement of an
    object that cannot be updated, where there may be one: what can wait for another change is never replaced.
    """

    found: Prediction
    failures: tuple[Failure, ...]
    words: str = ""
    instead: Prediction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestOfPlan:
    """What a plan holds beside the changes that are looked at.

    `gated` are changes that are written later, `removals` what is deleted or released after all writes, `held` what is
    not done yet: it waits for a confirmation or for other repositories. `hands_over` says whether a giver may let go
    first.
    """

    gated: Sequence[Change] = ()
    removals: Sequence[Change] = ()
    held: Sequence[Change] = ()
    hands_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Giver:
    """An object of the plan that has what another one takes; `keeps` says why it cannot let go first."""

    change: Change
    live: Body
    after: Body | None = None
    keeps: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taking:
    """An object, what it takes from whom, and whether everything else about it is accepted."""

    refused: RefusedChange
    values: tuple[SingleValue, ...]
    givers: tuple[_Giver, ...]
    is_else_accepted: bool

    @property
    def ref(self) -> ObjectRef:
        return self.refused.found.change.ref


class HandOvers:
    """The handovers of one plan.

    Args:
        objects: the API server's.
        sync: for whom.
        beside: what the plan holds beside its writes.
    """

    def __init__(self, objects: Objects, sync: WriteContext, beside: RestOfPlan) -> None:
        self._objects = objects
        self._sync = sync
        self._beside = beside

    async def settled(self, found: Sequence[Prediction | RefusedChange]) -> list[Prediction | RefusedChange]:
        """Return the same with each handover that is safe in place of its refusal, and a sentence in the others.

        Raises:
            ClusterError: the API server could not be asked, or refuses us as a whole.
        """
        asked = [each for each in map(self._suspected, found) if each]
        kinds = frozenset(each.found.change.ref.group_kind for each in asked)
        givers = await self._givers(found, kinds) if kinds else ()
        takings = [
            taking for each in asked if givers and (taking := await self._taking(each, givers)) is not None
        ]
        if not takings:
            return list(found)
        taken = {each.ref: each for each in takings}
        others = [each for each in found if _ref(each) not in taken]
        order = turns.arranged(
            {each.ref: frozenset(giver.change.ref for giver in each.givers) for each in takings},
            [each.ref for each in takings if all(value.is_picked_by_server for value in each.values)],
        )
        why = {each.ref: self._obstacle(each, others, order) for each in takings}
        if any(why.values()):
            told = {ref: _told(each, why[ref] or _ALL_OR_NONE, self._sync) for ref, each in taken.items()}
            return [told.get(_ref(each), each) for each in found]
        done = {ref: _handed(each, order) for ref, each in taken.items()}
        return [done.get(_ref(each), each) for each in found]

    def _suspected(self, each: Prediction | RefusedChange) -> RefusedChange | None:
        """Return a refusal to look into; a creation may be refused although its dry run passes."""
        if isinstance(each, RefusedChange):
            return each if single_values.is_about_one(each.words) else None
        change = each.change
        if change.action is not Action.CREATE or each.causes or change.manifest is None:
            return None
        words = single_values.unseen_by_dry_runs(change.ref, change.manifest.body)
        return RefusedChange(found=each, failures=(), words=words) if words else None

    async def _givers(
        self, found: Sequence[Prediction | RefusedChange], kinds: frozenset[GroupKind]
    ) -> tuple[_Giver, ...]:
        """Return the objects of some kinds that exist, and that the plan changes, deletes or would delete."""
        changed = [
            giver
            for each in found
            if _ref(each).group_kind in kinds and (giver := _changed(each)) is not None
        ]
        going = [
            (change, keeps)
            for changes, keeps in (
                (self._beside.removals, ""),
                (self._beside.gated, _GATED),
                (self._beside.held, "its deletion has to wait"),
            )
            for change in changes
            if change.manifest is None and change.ref.group_kind in kinds
        ]
        read = await aio.gather(self._going, going, IN_FLIGHT)
        return (*changed, *(each for each in read if each))

    async def _going(self, going: tuple[Change, str]) -> _Giver | None:
        change, keeps = going
        live = await self._objects.read(change.ref, self._sync)
        if live is None or change.action not in {Action.PRUNE, Action.RELEASE}:
            return None
        if change.action is Action.RELEASE:
            keeps = "it is released instead of deleted, and keeps it"
        elif change.ref.group_kind in _KEEPS_DATA:
            keeps = "what holds data is never deleted before everything else is written"
        return _Giver(change=change, live=live, keeps=keeps)

    async def _taking(self, refused: RefusedChange, givers: Sequence[_Giver]) -> _Taking | None:
        """Find out what an object takes from whom: all that it is refused for is left out, until it is accepted."""
        change, words = refused.found.change, refused.words
        failures, body = refused.failures, refused.found.body
        values: dict[str, SingleValue] = {}
        givers_of: dict[ObjectRef, _Giver] = {}
        is_accepted = False
        for _ in range(_ROUNDS):
            new = {
                giver.change.ref: (giver, held)
                for giver in givers
                if giver.change.ref != change.ref
                and (held := self._held(change, words, failures, giver))
                and not values.keys() >= held.keys()
            }
            if not new:
                break
            for ref, (giver, held) in new.items():
                givers_of[ref] = giver
                values |= held
            for path in values:
                body = server_paths.without(body, single_values.removable(path))
            try:
                force = prediction.insists(change, self._sync)
                await self._objects.rehearse(body, change.ref, self._sync, force=force)
            except ApiError as error:
                failures = await faults.translated(change, error, self._sync, refused.found.before)
                words = error.message
            else:
                is_accepted = True
                break
        if not values:
            return None
        return _Taking(
            refused=refused,
            values=tuple(values.values()),
            givers=tuple(givers_of.values()),
            is_else_accepted=is_accepted,
        )

    def _held(
        self, change: Change, words: str, failures: Iterable[Failure], giver: _Giver
    ) -> dict[str, SingleValue]:
        """Return what a refusal is about and a giver has, by its path; nothing where the giver keeps it."""
        declared = prediction.declared(change).body
        found = single_values.shared(words, [each.field for each in failures], declared, giver.live)
        keeps = giver.after is not None and any(each.is_held(giver.after) for each in found)
        return {} if keeps else {each.path: each for each in found}

    def _obstacle(
        self, taking: _Taking, others: Sequence[Prediction | RefusedChange], order: turns.Turns
    ) -> str:
        """Say why a giver cannot let go first; empty where it can."""
        if not self._beside.hands_over:
            return "Towline lets it go first only with spec.preflight: true"
        if any(map(_is_refused, others)) or not taking.is_else_accepted:
            return "Towline lets it go first as soon as nothing else of the commit is refused"
        if taking.ref in order.stuck:
            return "they wait for each other"
        step = waves.step(taking.refused.found.change.wave)
        is_gated = any(change.ref == taking.ref for change in self._beside.gated)
        for giver in taking.givers:
            if giver.keeps and not (is_gated and giver.keeps == _GATED):
                return giver.keeps
            if giver.change.manifest is not None and waves.step(giver.change.wave) > step:
                return "towline.dev/wave puts its change after this one"
        return ""


_GATED = "its deletion waits until the gates of the commit are healthy"
_ALL_OR_NONE = "Towline lets it go first as soon as it may do so for every such object of the commit"


def _is_refused(each: Prediction | RefusedChange) -> bool:
    """Tell whether a change of the commit is refused, for now or for good; a repair is none, and holds nothing up."""
    if isinstance(each, Prediction):
        return bool(each.causes)
    return each.found.change.action is not Action.REPAIR


def _ref(each: Prediction | RefusedChange) -> ObjectRef:
    found = each.found if isinstance(each, RefusedChange) else each
    return found.change.ref


def _changed(each: Prediction | RefusedChange) -> _Giver | None:
    """Return an object that exists and is changed; what it will be is known where its dry run was accepted."""
    found = each.found if isinstance(each, RefusedChange) else each
    if found.before is None or found.change.action is Action.KEEP:
        return None
    keeps = "its own change waits for others" if found.causes else ""
    return _Giver(change=found.change, live=found.before, after=found.after or found.body, keeps=keeps)


def _handed(taking: _Taking, order: turns.Turns) -> Prediction:
    found = taking.refused.found
    aside = tuple(value.path for value in taking.values) if taking.ref in order.aside else ()
    givers = frozenset(giver.change.ref for giver in taking.givers)
    return replace(found, hand_over=HandOver(givers=givers, turn=order.turn[taking.ref], aside=aside))


def _told(taking: _Taking, why: str, sync: WriteContext) -> RefusedChange:
    """Add to a refusal who has what it is about, why that one does not let go first, and what to do."""
    change = taking.refused.found.change
    declared = prediction.declared(change)
    said = sync.mask.text(_sentence(taking, why), declared.body)
    failures = taking.refused.failures or (faults.invalid(change, taking.refused.words, sync),)
    first, *more = failures
    return replace(taking.refused, failures=(replace(first, message=f"{first.message}; {said}"), *more))


def _sentence(taking: _Taking, why: str) -> str:
    change = taking.refused.found.change
    names = ", ".join(dict.fromkeys(value.name for value in taking.values))
    takes = f"gives it to {change.ref.display}"
    if change.action is Action.CREATE:
        takes = f"creates {change.ref.display}"
    parts = []
    for giver in taking.givers:
        is_changed = giver.change.manifest is not None
        does = "changes" if is_changed else "deletes"
        first = (
            f"takes it from {giver.change.ref.display}"
            if is_changed
            else f"deletes {giver.change.ref.display}"
        )
        parts.append(
            f"{names} belongs to {giver.change.ref.display}, which this commit {does}: {why}. "
            f"To do it in two commits, the first {first}, and the second {takes}"
        )
    return "; ".join(parts)
