"""Run a whole plan as a dry run, to collect all refusals before the first write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from towline import aio
from towline.api.gitrepository import ForeignFields
from towline.apply import existing, faults, immutable, nulled, prediction, takeover
from towline.apply.causes import Causes
from towline.apply.crds import Settling
from towline.apply.handover import HandOvers, RefusedChange, RestOfPlan
from towline.apply.objects import Objects, WriteContext, metadata, version_of
from towline.apply.prediction import Prediction
from towline.apply.room import QuotaRoom
from towline.errors import ApiError, Failure
from towline.fields import additions, coowners, edited_items, managed, server_fields
from towline.kube.calls import Answer
from towline.kube.client import IN_FLIGHT
from towline.model import APPLIES, Action, Body, Change, ObjectRef
from towline.plan import waves

NOTHING = RestOfPlan()

_LOOKS = 3
"""How often an object is read whose dry run is made from another version than the one that was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """The predictions for a plan; with any failure nothing of it may be written."""

    predictions: tuple[Prediction, ...] = ()
    failures: tuple[Failure, ...] = ()


_Found: TypeAlias = Prediction | RefusedChange


class PreflightRun:
    """One preflight, for one repository and revision."""

    def __init__(
        self, objects: Objects, settling: Settling, sync: WriteContext, room: QuotaRoom | None = None
    ) -> None:
        self._objects = objects
        self._room = room or QuotaRoom(objects)
        self._settling = settling
        self._sync = sync

    async def run(self, changes: Sequence[Change], beside: RestOfPlan = NOTHING) -> Preflight:
        """Look at each object that the changes apply to, and send its dry run where `WriteContext.preflight` says so.

        A refusal whose cause other changes of the plan may end is no failure: its prediction names them. Neither is
        the refusal of what another object of the plan lets go. What quotas leave no room for together is one, although
        each dry run passes.

        Args:
            changes: what is written in one go.
            beside: what else the plan holds.

        Raises:
            ClusterError: the API server could not be asked, or refuses Towline as a whole.
        """
        gated = tuple(change for change in beside.gated if change.action in APPLIES)
        every = (*changes, *gated)
        found = await self._found(every)
        refused = {each.found.change.ref for each in found if isinstance(each, RefusedChange)}
        now = tuple(change for change in changes if change.ref not in refused)
        ever = tuple(change for change in every if change.ref not in refused)
        later = {change.ref for change in gated}
        waiting = await aio.aside(len(found), _liftable, found, Causes(now), Causes(ever), later)
        if not self._sync.preflight:
            return _preflight(waiting)
        flight = _preflight(await HandOvers(self._objects, self._sync, beside).settled(waiting))
        first = [each for each in flight.predictions if each.change.ref not in later]
        together = await self._room.refused(first, self._sync)
        return replace(flight, failures=(*flight.failures, *together))

    async def again(self, changes: Sequence[Change]) -> Preflight:
        """Look at changes whose turn has come: each refusal counts, and none leads to a replacement.

        The API server may not know yet that a policy has changed; a later pass replaces what still must be.

        Raises:
            ClusterError: the API server could not be asked, or refuses Towline as a whole.
        """
        return _preflight(await self._found(changes))

    async def _found(self, changes: Sequence[Change]) -> tuple[_Found, ...]:
        waiting = waves.deferred(changes)
        missing = await self._missing(changes, waiting)
        return await aio.gather(partial(self._predict, waiting, missing), changes, IN_FLIGHT)

    async def _missing(
        self, changes: Sequence[Change], waiting: frozenset[ObjectRef]
    ) -> frozenset[ObjectRef]:
        """Return what is known not to exist; a dry run tells that by itself."""
        if self._sync.preflight:
            return frozenset()
        now = (change for change in changes if change.ref not in waiting)
        return await existing.missing(self._objects, now, self._sync)

    async def _predict(
        self, waiting: frozenset[ObjectRef], missing: frozenset[ObjectRef], change: Change
    ) -> _Found:
        try:
            if change.action is Action.CREATE and (change.ref in waiting or change.ref in missing):
                return prediction.unseen(change, self._sync, known=change.ref in missing)
            if change.ref in waiting or not self._sync.preflight:
                return await self._seen(change)
            return await (self._new(change) if change.action is Action.CREATE else self._existing(change))
        except ApiError as error:
            before = await faults.live_body(self._objects, change, error, self._sync)
            failures = await faults.translated(change, error, self._sync, before)
            found = prediction.unseen(change, self._sync)
            return RefusedChange(found=found, failures=failures, words=error.message)

    async def _seen(self, change: Change) -> _Found:
        """Look at the object; one that exists in another version only is looked at again when it is written."""
        version = prediction.declared(change).version
        before = await self._objects.find(change.ref, self._sync, version)
        found = prediction.seen(change, before, self._sync)
        if isinstance(found, Failure):
            return RefusedChange(found=prediction.unseen(change, self._sync), failures=(found,))
        return replace(found, known=False) if before and version_of(before) != version else found

    async def _new(self, change: Change) -> _Found:
        """Run a creation as a dry run; if the object turns out to exist, run the update instead."""
        fresh = prediction.unseen(change, self._sync)
        try:
            answer = await self._rehearse(fresh, force=False)
        except ApiError as error:
            exists = await self._existing(change) if error.code in {409, 422} else None
            if exists is None or _absent(exists):
                failures = await faults.every(self._objects, fresh, error, self._sync)
                return RefusedChange(found=fresh, failures=failures, words=error.message)
            return exists
        if answer.code == 201:
            return replace(fresh, known=True)  # thousands of answers that nobody compares would fill memory
        return await self._existing(change)

    async def _existing(self, change: Change) -> _Found:
        """Run an update as a dry run, with the old values of the same version, whatever others write in between."""
        found = await self._rehearsed(change)
        for _ in range(_LOOKS - 1):
            if not isinstance(found, Prediction) or not _is_torn(found):
                break
            found = await self._rehearsed(change)
        return found

    async def _rehearsed(self, change: Change) -> _Found:
        found = await self._seen(change)
        if not isinstance(found, Prediction) or found.before is None:
            return found
        if takeover.left(found.before, found, self._sync):
            return await self._undone(found)
        try:
            answer = await self._rehearse(found, force=prediction.insists(found.change, self._sync))
        except ApiError as error:
            failures = await faults.every(self._objects, found, error, self._sync)
            if await immutable.would_help(self._objects, found, error, self._sync):
                return found
            instead = await immutable.instead(self._objects, found, error, failures, self._sync)
            replaced = instead if isinstance(instead, Prediction) else None
            failures = failures if isinstance(instead, Prediction) else instead
            return RefusedChange(found=found, failures=failures, words=error.message, instead=replaced)
        if _content(answer.body) == _content(found.before) and not await self._hides(found, found.before):
            return replace(found, change=replace(found.change, action=Action.KEEP), after=found.before)
        return replace(found, after=answer.body)

    async def _undone(self, found: Prediction) -> _Found:
        """Rehearse an apply that removes items that people left, which no dry run of an update shows.

        As a creation, it is refused because the object exists, but only where nothing else refuses it.
        """
        try:
            fresh = edited_items.unallocated(prediction.unseen(found.change, self._sync).body)
            await self._objects.rehearse_create(fresh, found.change.ref, self._sync)
        except ApiError as error:
            if error.status_reason != "AlreadyExists":
                failures = await faults.every(self._objects, found, error, self._sync)
                return RefusedChange(found=found, failures=failures, words=error.message)
        return found

    async def _hides(self, found: Prediction, before: Body) -> bool:
        """Tell whether anything must be removed that no apply shows."""
        entries, manager = managed.entries(before), self._sync.identity.manager
        added = self._sync.foreign is ForeignFields.REMOVE and additions.has(entries, manager)
        if added or coowners.is_shared(entries, manager):
            return True
        return bool(await nulled.filled(self._objects, found.body, before, found.change.ref, self._sync))

    async def _rehearse(self, found: Prediction, *, force: bool) -> Answer:
        ref, body = found.change.ref, _of_any_version(found.body)
        return await self._settling.patiently(
            ref.group, lambda: self._objects.rehearse(body, ref, self._sync, force=force)
        )


def _preflight(found: Sequence[_Found]) -> Preflight:
    return Preflight(
        predictions=tuple(each for each in found if isinstance(each, Prediction)),
        failures=tuple(
            failure for each in found if isinstance(each, RefusedChange) for failure in each.failures
        ),
    )


def _liftable(
    found: Sequence[_Found], now: Causes, ever: Causes, later: AbstractSet[ObjectRef]
) -> list[_Found]:
    """Let refusals wait for what may lift them: those of what is written `later` for any change."""
    return [
        _waiting(each, ever if each.found.change.ref in later else now)
        if isinstance(each, RefusedChange)
        else each
        for each in found
    ]


def _waiting(refused: RefusedChange, causes: Causes) -> _Found:
    """Turn a refusal that other changes may lift into a prediction that waits for them."""
    if lifting := causes.of(refused.words, refused.found.change):
        return replace(refused.found, causes=lifting)
    return refused.instead or refused


def _is_torn(found: Prediction) -> bool:
    """Tell whether the dry run was made from another version of the object than the one that was read."""
    versions = {metadata(body)["resourceVersion"] for body in (found.before, found.after) if body}
    return len(versions) > 1


def _of_any_version(body: Body) -> Body:
    """Remove the resourceVersion: a dry run holds for any version, only the write itself is bound to one."""
    held = {name: value for name, value in metadata(body).items() if name != "resourceVersion"}
    return {**body, "metadata": held}


def _absent(found: _Found) -> bool:
    return isinstance(found, Prediction) and found.before is None and found.known


def _content(body: Body) -> Mapping[str, Any]:
    """Return what must be equal in two answers: content and field owners, without the server's other fields."""
    held = server_fields.metadata(body)
    held["managedFields"] = [
        {name: value for name, value in entry.items() if name != "time"}
        for entry in managed.direct(managed.entries(body))
    ]
    return server_fields.without(body) | {"metadata": held}
