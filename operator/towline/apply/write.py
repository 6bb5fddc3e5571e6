"""Write the changes of a plan, wave by wave, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from towline import aio
from towline.apply import existing, faults, immutable, nulled, outcomes, prediction, takeover
from towline.apply.crds import Settling
from towline.apply.letting_go import LettingGo
from towline.apply.objects import Objects, WriteContext, metadata, terminates
from towline.apply.outcomes import Steps, WriteResult
from towline.apply.prediction import Prediction
from towline.apply.removal import Prunes
from towline.apply.retries import Retries
from towline.errors import ApiError, ClusterError, Failure, Refusal
from towline.fields import diff, managed
from towline.kube import object_failures, refusals
from towline.kube.client import IN_FLIGHT
from towline.live.index import Index
from towline.model import APPLIES, Action, Body, Change, Outcome, Result
from towline.plan import adoption, scope, waves

_ATTEMPTS = 6
"""How often a write is tried for an object that others change, delete or recreate at the same moment."""

_PAUSE = 0.05
"""Seconds before the second look, doubled before each further one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds for which one object may hold up its wave, or pruned objects their sync; the next pass continues."""

    gone: float = 20.0
    established: float = 30.0
    lifted: float = 10.0
    pruned: float = 5.0


class Writes:
    """The writes of one sync."""

    def __init__(
        self, objects: Objects, index: Index, settling: Settling, sync: WriteContext, deadlines: Deadlines
    ) -> None:
        self._objects = objects
        self._index = index
        self._settling = settling
        self._sync = sync
        self._deadlines = deadlines
        self._course = Steps(objects, sync)
        self._broken: set[waves.Need] = set()
        self._retries = Retries(objects, settling, sync, deadlines.lifted)
        prunes = Prunes(objects, index, sync, deadlines.gone)
        self._letting_go = LettingGo(objects, index, sync, self._course, prunes)

    async def run(
        self, predictions: Sequence[Prediction], superseded: Callable[[], bool], first: Sequence[Change] = ()
    ) -> WriteResult:
        """Write the predicted changes; a refusal holds back only objects that need the refused one.

        `first` are prunes of what predictions take over. They follow no refusal: nothing is deleted then.
        """
        done: list[Outcome] = []
        self._letting_go.expect(predictions, first)
        for wave in _waves(predictions):
            if superseded():
                done += [outcomes.not_tried(found.change) for found in wave]
            else:
                await self._retry(wave, predictions)
                if all(outcome.result is Result.DONE for outcome in done) and not self._course.error:
                    done += await self._letting_go.before(wave)
                written = await aio.gather(self._turn, await self._counted(wave), IN_FLIGHT)
                self._letting_go.wrote(written)
                self._broken.update(_lacking(written))
                done += written
        return self._course.written(done)

    async def _retry(self, wave: Sequence[Prediction], predictions: Sequence[Prediction]) -> None:
        """Try what waited for other changes once more, all of it together, before the first of it is written."""
        if self._course.error or not any(found.causes for found in wave):
            return
        number = waves.step(wave[0].change.wave)
        same = [each for each in predictions if each.causes and waves.step(each.change.wave) == number]
        await self._again(same)

    async def _again(self, waiting: Sequence[Prediction]) -> None:
        try:
            await self._retries.run(waiting)
        except ClusterError as error:
            self._course.error = error

    async def _turn(self, found: Prediction) -> Outcome:
        """Write one object, unless what it waited for did not lift its refusal, or was not let go."""
        if not self._letting_go.is_free(found):
            return outcomes.not_tried(found.change)
        if found.hand_over:
            await self._again([found])
        now = self._retries.results.get(found.change.ref, found)
        return now if isinstance(now, Outcome) else await self._tried(now)

    async def _counted(self, wave: Sequence[Prediction]) -> Sequence[Prediction]:
        """Note which objects do not exist, where many are to be created in a namespace that was just made."""
        unknown = (found.change for found in wave if not found.known)
        if self._course.error:
            return wave
        try:
            missing = await existing.missing(self._objects, unknown, self._sync)
        except ClusterError:
            return wave  # the writes tell that the API server is away
        return [replace(found, known=True) if found.change.ref in missing else found for found in wave]

    async def _tried(self, found: Prediction) -> Outcome:
        if self._broken and waves.needs(prediction.declared(found.change)) & self._broken:
            return outcomes.not_tried(found.change)
        with self._index.writing(found.change.ref):
            return await self._course.step(found.change, lambda: self._settled(found))

    async def _settled(self, found: Prediction) -> Outcome:
        """Write one object; if it was written since it was read, read it again and decide anew."""
        for attempt in range(_ATTEMPTS):
            step = await self._attempted(found)
            if isinstance(step, Outcome):
                return step
            found = step
            if not found.known:
                await asyncio.sleep(_PAUSE * 2**attempt)
        message = "another client of the API server keeps changing it; the next sync tries again"
        return self._failed(found.change, Refusal.CONTESTED, message)

    async def _attempted(self, found: Prediction) -> Outcome | Prediction:
        if not found.known:
            return await self._known(found.change)
        if found.change.action is Action.REPLACE and found.before is not None:
            return await self._removed(found, found.before)
        sent = found.body
        try:
            body = await self._applied(found, sent)
        except ApiError as error:
            return await self._after(found, error)
        if terminates(body):
            return replace(found, known=False)
        if found.before is None and merged(body, self._sync.identity.manager):
            return await self._met(found, sent, body)
        return await self._done(found, sent, body)

    async def _applied(self, found: Prediction, sent: Body) -> Body:
        """Apply, by force only to an object that Towline was seen to own."""
        ref = found.change.ref
        force = found.before is not None and prediction.insists(found.change, self._sync)
        first = await takeover.claim_left(self._objects, found, self._sync)
        if first is not None:
            await self._objects.apply(first, ref, self._sync, force=True)
        answer = await self._settling.patiently(
            ref.group, lambda: self._objects.apply(sent, ref, self._sync, force=force)
        )
        return answer.body

    async def _known(self, change: Change) -> Outcome | Prediction:
        """Find out whether the object exists; wait for one that is being deleted."""
        found = await self._settling.patiently(
            change.ref.group, lambda: prediction.look(self._objects, change, self._sync)
        )
        if isinstance(found, Failure):
            return outcomes.failed(change, (found,))
        if found.known or await self._gone(change):
            return replace(found, known=True)
        message = "an object of this name is being deleted; it is created when that one is gone"
        return self._failed(change, Refusal.TERMINATING, message)

    async def _gone(self, change: Change) -> bool:
        version = prediction.declared(change).version

        async def absent() -> bool:
            return await self._objects.find(change.ref, self._sync, version) is None

        return await aio.until(absent, self._deadlines.gone)

    async def _removed(self, found: Prediction, before: Body) -> Outcome | Prediction:
        """Delete exactly the object that was seen, for its replacement, and wait until it is gone."""
        held = metadata(before)
        try:
            await self._objects.delete(found.change.ref, (held["uid"], held["resourceVersion"]), self._sync)
        except ApiError as error:
            return await self._after(found, error)
        if not await self._gone(found.change):
            message = "it is being deleted, to be created again when it is gone"
            return self._failed(found.change, Refusal.TERMINATING, message)
        self._index.record(found.change.ref, None)
        return prediction.unseen(found.change, self._sync, known=True)

    async def _after(self, found: Prediction, error: ApiError) -> Outcome | Prediction:
        """Decide after a refusal: look again, replace the object, or give up."""
        is_past = refusals.is_stale(error) and (found.before is None or error.code == 422)
        if is_past or refusals.is_conflict(error):
            return replace(found, known=False)
        if refusals.concerns_all(error):
            raise error
        if found.before is not None and await self._swapped(found, error):
            return found
        failures = await faults.every(self._objects, found, error, self._sync)
        if found.before is None or found.causes:  # another API server may not know yet what lifts its refusal
            return outcomes.failed(found.change, failures)
        instead = await immutable.instead(self._objects, found, error, failures, self._sync)
        return instead if isinstance(instead, Prediction) else outcomes.failed(found.change, instead)

    async def _swapped(self, found: Prediction, error: ApiError) -> bool:
        """Swap the unions that an apply cannot; True where the apply is worth another try."""
        try:
            swapped = await immutable.swap(self._objects, found, error, self._sync)
        except ApiError as refused:
            return refusals.is_stale(refused)
        return swapped

    async def _met(self, found: Prediction, sent: Body, body: Body) -> Outcome:
        """Adopt an object that an apply met unexpectedly, or take back what the apply added."""
        change = found.change
        if refused := adoption.refusal(metadata(body), self._sync.adopt):
            about = object_failures.subject(change, self._sync.commit_of(change))
            failure = object_failures.failure(about, refused.reason, refused.message)
            return await self._undone(change, body, failure)
        adopted = replace(found, change=replace(change, action=Action.ADOPT), before=body)
        sync = self._sync
        manifest, since = prediction.declared(change), prediction.adopted_at(change, sync)
        sent = prediction.stamped(manifest, sync, body, since)
        return await self._done(adopted, sent, await self._applied(adopted, sent))

    async def _undone(self, change: Change, body: Body, failure: Failure) -> Outcome:
        """Take back an apply that met another's object: only what Towline alone had added is removed."""
        held = metadata(body)
        bare = {name: held[name] for name in ("name", "namespace", "uid") if name in held}
        nothing = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": bare}
        await self._objects.apply(nothing, change.ref, self._sync, force=False)
        self._index.record(change.ref, None)
        return outcomes.failed(change, (failure,))

    async def _done(self, found: Prediction, sent: Body, body: Body) -> Outcome:
        change = found.change
        overridden = diff.overridden(sent, body, self._sync.mask)
        if found.before is not None:
            body = await nulled.reset(self._objects, sent, body, change.ref, self._sync)
        body = await takeover.fold(self._objects, body, change.ref, self._sync)
        body = await takeover.purge(self._objects, body, change.ref, self._sync)
        live = self._index.record(change.ref, body)
        if change.ref.group_kind == waves.CRD:
            seconds = self._deadlines.established
            if why := await self._settling.established(self._objects, change.ref, self._sync, seconds):
                return self._failed(change, Refusal.SERVER_ERROR, why)
        return Outcome(change=change, result=Result.DONE, live=live, overridden=overridden)

    def _failed(self, change: Change, reason: Refusal, message: str) -> Outcome:
        about = object_failures.subject(change, self._sync.commit_of(change))
        return outcomes.failed(change, (object_failures.failure(about, reason, message),))


def _waves(predictions: Sequence[Prediction]) -> Iterator[tuple[Prediction, ...]]:
    applied = [found for found in predictions if found.change.action in APPLIES]
    causes = {found.change.ref: found.causes for found in applied if found.causes}
    places = {
        **waves.places([found.change for found in applied], causes),
        **{each.change.ref: (each.change.wave, each.hand_over.turn) for each in applied if each.hand_over},
    }
    applied.sort(key=lambda found: places[found.change.ref])
    for _, wave in groupby(applied, key=lambda found: places[found.change.ref]):
        yield tuple(wave)


def _lacking(outcomes: Iterable[Outcome]) -> Iterator[waves.Need]:
    """Yield what later waves will lack: objects that were not created, and the kinds of such CRDs."""
    for outcome in outcomes:
        if outcome.result is not Result.DONE and outcome.change.action in {Action.CREATE, Action.REPLACE}:
            yield outcome.change.ref
            yield from scope.declared_scopes((prediction.declared(outcome.change),))


def merged(body: Body, manager: str) -> bool:
    """Tell whether an apply that should have created an object met one that another client had created.

    An object that Towline created has Towline's entry from its first second on. (A repeated request, whose first
    answer was lost, may meet Towline's own object, which a controller has written by now.)
    """
    entries = managed.entries(body)
    ours = managed.applied(entries, manager)
    others = [entry for entry in managed.direct(entries) if entry is not ours]
    if not ours or not others:
        return False
    age = _seconds(ours["time"]) - _seconds(metadata(body)["creationTimestamp"])
    return age > 1 or any(
        _seconds(other.get("time", ours["time"])) < _seconds(ours["time"]) for other in others
    )


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
