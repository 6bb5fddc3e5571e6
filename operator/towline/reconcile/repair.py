"""Repair drift: restore what others have changed from what was written last, without asking the Git server."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from towline import aio, log
from towline.api import pins, value_sources
from towline.api.gitrepository import GitRepository, Spec
from towline.drift import last_written
from towline.errors import ClusterError, TowlineError
from towline.fields import atomic_maps
from towline.kube.client import IN_FLIGHT
from towline.live.index import Index
from towline.model import Action, Change, ObjectRef, Plan, Revision
from towline.notify import announcement
from towline.notify.announce import Announcer
from towline.plan import build, drift_policy, one_shot, ownership
from towline.reconcile.desired.commit_reader import CommitReader
from towline.reconcile.drifted.drift_reader import DriftReader
from towline.reconcile.drifted.drift_state import DriftState
from towline.reconcile.drifted.drift_states import DriftStates
from towline.reconcile.state import Fetched, Occasion, Repaired, Start, done_of
from towline.reconcile.sync.executor import Executor
from towline.reconcile.sync.recorder import Recorder
from towline.reconcile.sync.sync_request import SyncResult
from towline.records.written_objects import WrittenObjects

_log = log.logger(__name__)

_LIST_SECONDS = 2.0
"""How long to wait for a kind that is being listed, so that drift that the list shows can be restored at once."""

_SEE_SECONDS = 10.0

_GATHER_SECONDS = 1.0
"""How long others are let go on after they deleted objects: one accident leaves few records."""

_QUIET_SECONDS = 0.5
"""Where they still go on after that, they are done when nothing was touched for so long."""

_CROWD_LOOKS = 6
"""So often that is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """The result of one check of touched objects, and the error that ended it."""

    repaired: Repaired = field(default_factory=Repaired)
    error: TowlineError | None = None


class Repairs:
    """Repairs drift, for all repositories.

    Args:
        source: reads the commit that was applied last.
        index: the live objects, and which of them other clients have touched.
        drifts: what was written last, and what differs from it.
        reader: reads objects together with what would be sent for them.
        executor: carries repairs out.
        recorder: gathers what the record of a repair tells.
        written_objects: what the records tell of objects without a valid stamp.
        announcer: posts Events and logs.
    """

    def __init__(  # noqa: PLR0913  what says what was written, and what writes it again
        self,
        *,
        source: CommitReader,
        index: Index,
        drifts: DriftStates,
        reader: DriftReader,
        executor: Executor,
        recorder: Recorder,
        written_objects: WrittenObjects,
        announcer: Announcer,
    ) -> None:
        self._source = source
        self._index = index
        self._drifts = drifts
        self._reader = reader
        self._executor = executor
        self._recorder = recorder
        self._written_objects = written_objects
        self._announcer = announcer

    async def recall(self, repository: GitRepository, spec: Spec) -> None:
        """Find out, after a restart, what was written last, from the applied commit that the status names.

        The Git server is not asked. If that commit is not in the mirror, the pass itself will find out.
        """
        if (
            self._drifts.known(repository)
            or repository.status.get("observedGeneration") != repository.generation
        ):
            return
        sha = repository.applied
        try:
            found = await self._source.recalled(repository, spec, sha) if sha else None
            if found is None:
                return
            head, revision, desired = found
            if await self._index.unreadable(desired.kinds, _SEE_SECONDS):
                return
        except TowlineError as error:
            _log.debug(
                "last applied content not available", repository=str(repository.key), error=error.message
            )
            return
        live = self._index.owned(repository.label)
        written = await asyncio.to_thread(last_written.recalled, desired.manifests, revision, live)
        self._drifts.recall(repository, spec, head, written)

    async def mend(self, start: Start, spec: Spec, *, everything: bool = False) -> Mended:
        """Restore objects that other clients have touched, and describe drift that is only reported.

        The first repair goes at once. What is touched in the second after a repair of deleted objects shares the next
        one and its record. What is left undone because the API server is away is looked at again.
        """
        repository = start.repository
        known = self._drifts.known(repository)
        if known and self._index.disturbances.waiting(repository.label):
            await self._gathered(known)
        touched = self._index.disturbances.take(repository.label)
        if known is None:
            return Mended()
        due = self._drifts.tried_again(known, touched)
        wanted = known.baseline.keys() if everything else (touched | due) & known.baseline.keys()
        refs = await self._visible(known, wanted)
        if not refs:
            return Mended()
        are_deleted = any(self._index.anyone(ref) is None for ref in refs)
        mended = await self._restored(start, spec, known, refs)
        if mended.repaired.record and are_deleted:
            known.crowd = min(known.crowd + 1, 2)
            known.crowd_until = asyncio.get_running_loop().time() + _GATHER_SECONDS
        if isinstance(mended.error, ClusterError):
            self._index.disturbances.note(repository.label, refs)
        return mended

    async def _gathered(self, known: DriftState) -> None:
        """Let those who delete many objects at once finish, so that one accident leaves few records.

        It waits only in the second after a repair of deleted objects, at first for a second, then until nothing was
        touched for half a second.
        """
        loop, label = asyncio.get_running_loop(), known.repository.label
        if loop.time() > known.crowd_until:
            known.crowd = 0
        if known.crowd == 1:
            await asyncio.sleep(_GATHER_SECONDS)
        elif known.crowd:
            waiting = self._index.disturbances.waiting
            for _ in range(_CROWD_LOOKS):
                before = waiting(label)
                await asyncio.sleep(_QUIET_SECONDS)
                if waiting(label) == before:
                    break

    async def _visible(self, known: DriftState, wanted: Collection[ObjectRef]) -> list[ObjectRef]:
        """Return the objects whose kinds are listed, so that absence proves a deletion; others wait for a later call.

        It waits once for a kind that is being listed.
        """
        if unseen := self._index.unseen({ref.group_kind for ref in wanted}):
            with suppress(ClusterError):
                await self._index.ensure(unseen, _LIST_SECONDS)
        wanted = known.baseline.keys() & known.unseen.union(wanted)
        unseen = self._index.unseen({ref.group_kind for ref in wanted})
        known.unseen = {ref for ref in wanted if ref.group_kind in unseen}
        gone = self._index.gone()
        return [ref for ref in wanted if ref.group_kind not in unseen | gone]

    def doubted(self, ref: ObjectRef) -> None:
        """Check at once an object that another client wrote: the drift that the status shows may have ended."""
        live = self._index.anyone(ref)
        known = self._drifts.labelled(live.label) if live else None
        if known and self._drifts.is_reported(known, ref):
            self._index.disturbed(ref)

    async def verify(self, refs: Sequence[ObjectRef]) -> None:
        """Read objects whose metadata does not show whether their content is as declared."""
        await aio.gather(self._verified, refs, IN_FLIGHT)

    async def _restored(
        self, start: Start, spec: Spec, known: DriftState, refs: Collection[ObjectRef]
    ) -> Mended:
        """Write a few objects again as they were written last, with one record for each revision."""
        decided = await self._decided(start.repository, spec, known, refs)
        known.is_recalled = False
        await self._drifts.describe(known, decided)
        record, restored = "", _left(decided)
        error: TowlineError | None = None
        for revision, changes in _by_revision(known, decided).items():
            try:
                synced = await self._carried_out(start, spec, known, revision, changes)
            except TowlineError as failed:
                error = failed
                break
            record, restored, error = synced.record or record, restored | synced.done, synced.error
            if error:
                break
            self._verify_unwritten(changes, synced)
            if synced.done:
                news = announcement.repaired(synced.done, synced.rivals.values(), synced.record)
                await self._announcer.announce(start.repository, news)
        if refused := known.tries.refused.keys() & frozenset(refs):
            left = await self._decided(start.repository, spec, known, refused)
            await self._drifts.describe(known, left)
        repaired = Repaired(record=record, drift=known.deviations(), restored=restored)
        return Mended(repaired=repaired, error=error)

    async def _decided(
        self, repository: GitRepository, spec: Spec, known: DriftState, refs: Collection[ObjectRef]
    ) -> Plan:
        own = ownership.policy(repository)
        done = one_shot.known(done_of(repository), self._index.finished(repository.label))
        short_lived = self._index.short_lived(repository.label)
        policy = replace(own, adopt=spec.adopt, done=done, short_lived=short_lived)
        policy = self._drifts.policy(policy, known, spec)
        live = {ref: found for ref in refs if (found := self._index.anyone(ref))}
        policy = await self._written_objects.informed(policy, live.values())
        manifests = tuple(known.baseline[ref].manifest for ref in refs)
        return await asyncio.to_thread(build.plan, manifests, live, policy, known.head.sha)

    async def _carried_out(
        self, start: Start, spec: Spec, known: DriftState, revision: Revision, changes: tuple[Change, ...]
    ) -> SyncResult:
        """Write the repairs of one record; each has a dry run, which tells a real difference from another spelling."""
        head = replace(known.head, sha=revision.sha)
        status = start.repository.status
        fetched = Fetched(
            spec=spec,
            head=head,
            revision=revision,
            pins=pins.parse(status),
            sources=value_sources.parse(status),
        )
        plan = Plan(changes=changes)
        why = Occasion(trigger=start.drift_trigger)
        request = await self._recorder.request(start.repository, fetched, plan, why)
        told = frozenset((str(ref), each.reason) for ref, each in known.tries.refused.items())
        synced = await self._executor.run(replace(request, preflight=True, only_repairs=True, told=told))
        self._drifts.repaired(known, synced)
        return synced

    def _verify_unwritten(self, changes: Iterable[Change], synced: SyncResult) -> None:
        """Note the objects whose dry run has shown nothing to repair."""
        refused = {failure.object for failure in synced.failures}
        for change in changes:
            if change.live and change.ref not in synced.done and str(change.ref) not in refused:
                self._index.verified(change.ref, change.live.resource_version, altered=False)

    async def _verified(self, ref: ObjectRef) -> None:
        live = self._index.anyone(ref)
        if live and live.verified:
            return  # by the answer to a repair, or by an earlier read of this version
        known = self._drifts.labelled(live.label) if live else None
        written = known.baseline.get(ref) if known else None
        if live is None or known is None or written is None or live.digest != written.manifest.digest:
            return
        try:
            look = await self._reader.look(known, written, live.commit)
        except ClusterError as error:
            _log.debug("an object could not be verified", object=str(ref), error=error.message)
            return
        if look is None:
            return  # the event of its end is on its way
        differing = set(look.differing) - known.overridden_fields(ref)
        differing.update(atomic_maps.surplus(look.sent, look.body, live.fields, look.others))
        version = look.body["metadata"]["resourceVersion"]
        self._index.verified(ref, version, altered=bool(differing))


def _by_revision(known: DriftState, decided: Plan) -> Mapping[Revision, tuple[Change, ...]]:
    """Return the writes of a plan, by the revision that each object was last written from."""
    found: dict[Revision, list[Change]] = defaultdict(list)
    for change in decided.applies:
        found[known.baseline[change.ref].revision].append(change)
    return {revision: tuple(changes) for revision, changes in found.items()}


def _left(decided: Plan) -> frozenset[ObjectRef]:
    """Return the objects that a plan leaves as they are; only a whole plan reports contested ones as failures."""
    return frozenset(
        each.ref
        for each in decided.changes
        if each.action is Action.KEEP or each.reason == drift_policy.DRIFTED
    )
