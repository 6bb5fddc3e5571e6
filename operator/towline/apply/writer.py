"""Read and write managed objects; no other module writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from towline.apply import leaving, nulled, takeover
from towline.apply.crds import Settling
from towline.apply.handover import RestOfPlan
from towline.apply.objects import Objects, WriteContext
from towline.apply.outcomes import WriteResult
from towline.apply.prediction import Prediction
from towline.apply.preflight import NOTHING, Preflight, PreflightRun
from towline.apply.removal import Prunes, Releases, RemovalDryRun, RemovalLooks
from towline.apply.room import QuotaRoom
from towline.apply.write import Deadlines, Writes
from towline.errors import Failure
from towline.fields.additions import Addition
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.model import Body, Change, Manifest, ObjectRef


def _never() -> bool:
    return False


class Writer:
    """Carries out plans, for all repositories of one API server.

    Args:
        client: sends the requests, its slots shared fairly between repositories.
        discovery: says where a kind is served.
        index: is told what each write made of its object.
        deadlines: how long one object may keep its wave waiting.
    """

    def __init__(
        self, client: Client, discovery: Discovery, index: Index, deadlines: Deadlines | None = None
    ) -> None:
        self._objects = Objects(client, discovery)
        self._index = index
        self._settling = Settling(discovery)
        self._room = QuotaRoom(self._objects)
        self._deadlines = deadlines or Deadlines()

    async def preflight(
        self, changes: Sequence[Change], sync: WriteContext, beside: RestOfPlan = NOTHING
    ) -> Preflight:
        """Predict the applies of a plan, given what else the plan holds; collect every refusal.

        Raises:
            ClusterError: the API server could not be asked, or refuses Towline as a whole.
        """
        run = PreflightRun(self._objects, self._settling, sync, self._room)
        return await run.run(changes, beside)

    async def write(
        self,
        predictions: Sequence[Prediction],
        sync: WriteContext,
        superseded: Callable[[], bool] = _never,
        first: Sequence[Change] = (),
    ) -> WriteResult:
        """Write what was predicted, wave by wave, until `superseded` says between waves that the head moved.

        `first` are the prunes of what the predictions take over: each comes right before the write that needs it.
        Nothing is raised: if the API server is gone, the result says what is done and what was not tried.
        """
        writes = Writes(self._objects, self._index, self._settling, sync, self._deadlines)
        return await writes.run(predictions, superseded, first)

    async def read(self, manifest: Manifest, sync: WriteContext) -> Body | None:
        """Return the live object in the version that its manifest is written in, None where there is none.

        Raises:
            ClusterError: the API server could not be asked, or refuses.
        """
        return await self._objects.read(manifest.ref, sync, manifest.version)

    async def filled_in(self, body: Body, ref: ObjectRef, sync: WriteContext) -> tuple[Addition, ...]:
        """Return additions to a live object that are defaults of the API server (`takeover.filled_in`).

        Raises:
            ClusterError: the API server could not be asked.
        """
        return await takeover.filled_in(self._objects, body, ref, sync)

    async def nulled(self, sent: Body, live: Body, ref: ObjectRef, sync: WriteContext) -> tuple[str, ...]:
        """Return where others have filled what `sent` sets to null, as JSON pointers into it.

        Raises:
            ClusterError: the API server could not be asked.
        """
        found = await nulled.filled(self._objects, sent, live, ref, sync)
        return tuple(each.declared for each in found)

    async def rehearse(self, changes: Sequence[Change], sync: WriteContext) -> tuple[Failure, ...]:
        """Return which prunes and releases would be refused.

        Raises:
            ClusterError: the API server could not be asked, or refuses Towline as a whole.
        """
        return await RemovalDryRun(self._objects, sync).run(changes)

    async def vanished(self, changes: Sequence[Change], sync: WriteContext) -> frozenset[ObjectRef]:
        """Return what the removals are about and is not there any more, or is not what the plan saw.

        Raises:
            ClusterError: the API server could not be asked.
        """
        return await RemovalLooks(self._objects, self._index, sync).run(changes)

    async def prune(self, changes: Sequence[Change], sync: WriteContext) -> WriteResult:
        """Delete what the changes name, the last wave first; only if everything was written before.

        What is not gone in the end says what keeps it.
        """
        return await Prunes(self._objects, self._index, sync, self._deadlines.pruned).run(changes)

    async def keepers(self, refs: Sequence[ObjectRef], sync: WriteContext) -> Mapping[ObjectRef, str]:
        """Return what keeps those of the objects that are still being deleted."""
        return await leaving.keepers(self._objects, refs, sync)

    async def release(self, changes: Sequence[Change], sync: WriteContext) -> WriteResult:
        """Remove Towline's label, annotations and Apply entry from the objects of the changes."""
        return await Releases(self._objects, self._index, sync).run(changes)
