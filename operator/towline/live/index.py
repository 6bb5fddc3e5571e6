"""Keep the state of all objects that Towline owns in memory, by watches and by the answers to its own writes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress

from towline import aio
from towline.api.healthchecks import HealthCheck
from towline.errors import ClusterError
from towline.kube import refusals
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.live import judge
from towline.live.assessor import Assessor
from towline.live.inventory import Inventory
from towline.live.judge import Shift
from towline.live.observed import Interned, live_from
from towline.live.own_writes import Echoes, Seen
from towline.live.relist import KindFeed
from towline.live.short_lived import ShortLived
from towline.live.touched import Touched
from towline.live.watch import Watch
from towline.model import Body, GroupKind, Live, ObjectRef
from towline.plan.stamp import Stamps

GONE_SECONDS = 60.0
"""Seconds until Towline asks again whether a kind that was gone, and that nothing declares, has come back."""


class Index:
    """All objects with Towline's label, of every kind that was asked for.

    Args:
        client: of the API server.
        discovery: says where a kind is served.
        on_event: called with label and object when another client changed it so that a plan may differ; it
            must not block. It is not called for Towline's own writes.
        on_health: called with label and shift when the health of an object has moved and a plan cannot differ.
        stamps: tell which owner annotations the operator has written.
        on_doubt: called with an object that must be read to know what an event meant.
        on_lost: called when the connection of a watch was lost: what is remembered of the API server may be untrue.
        jitter: random numbers from 0 to 1.
    """

    def __init__(  # noqa: PLR0913  where it asks, and whom it tells what
        self,
        client: Client,
        discovery: Discovery,
        on_event: Callable[[str, ObjectRef], None],
        on_health: Callable[[str, Shift], None] = lambda _label, _shift: None,
        *,
        stamps: Stamps,
        on_doubt: Callable[[ObjectRef], None] = lambda _ref: None,
        on_lost: Callable[[], None] = lambda: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._stamps = stamps
        self._on_event = on_event
        self._on_health = on_health
        self._on_doubt = on_doubt
        self._on_lost = on_lost
        self.disturbances = Touched()
        self._jitter = jitter
        self._inventory = Inventory()
        self._assessor = Assessor(client, discovery, self._inventory)
        self._echoes = Echoes(self._judge)
        self._short_lived = ShortLived(time.monotonic)
        self._intern = Interned()
        self._watches: dict[GroupKind, Watch] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone: dict[GroupKind, float] = {}
        self._bugs: dict[GroupKind, BaseException] = {}

    def follow(self, kinds: Iterable[GroupKind]) -> None:
        """Watch `kinds` from now on, without a pause, and return at once."""
        for kind in kinds:
            self._watch(kind).resume()

    async def ensure(self, kinds: Iterable[GroupKind], deadline: float = 30.0) -> None:
        """Watch `kinds` from now on, but for pauses, and wait until all that the cluster has of them is known.

        Kinds that are gone for good count as known: they have no objects. A bug that ended a watch is raised
        here.

        Raises:
            ClusterError: not all are known after `deadline` seconds; it names those that are not, and why.
        """
        wanted = frozenset(kinds)
        waiting = [watch for watch in map(self._watch, wanted) if not watch.ready.is_set()]
        try:
            async with asyncio.timeout(deadline):
                for watch in waiting:
                    await watch.ready.wait()
        except TimeoutError as error:
            unknown = "; ".join(f"{kind}: {why}" for kind, why in sorted(_problems(waiting).items()))
            raise ClusterError(f"cannot watch {unknown}") from error
        self._raise_bugs(wanted)

    async def unreadable(self, kinds: Iterable[GroupKind], deadline: float = 30.0) -> Mapping[GroupKind, str]:
        """Watch `kinds` from now on; return those that cannot be read, each with the reason.

        It takes a few seconds to find that out, or longer while a kind is being listed, and no time once it is known.
        A bug that ended a watch is raised here.
        """
        wanted = frozenset(kinds)
        watches = [watch for watch in map(self._watch, wanted) if not watch.ready.is_set()]
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                for watch in watches:
                    await watch.settled.wait()
        self._raise_bugs(wanted)
        return _problems(watches)

    async def resume(self, kinds: Iterable[GroupKind]) -> None:
        """End the pauses of `kinds`, and wait until they are known again.

        Raises:
            ClusterError: as `ensure` does.
        """
        paused = [kind for kind in kinds if (watch := self._watches.get(kind)) and watch.is_paused]
        self.follow(paused)
        await self.ensure(paused)

    async def denied(self, kinds: Iterable[GroupKind], deadline: float = 30.0) -> Mapping[GroupKind, str]:
        """Watch `kinds` from now on; return those that we may not see, each with the rule that is missing.

        Of those that nobody has asked for before, nothing is expected to be ours yet: they are listed, and watched
        from `resume` on, or a few seconds later. Kinds of which nothing is known after `deadline` seconds are none of
        those that are returned: `ensure` names these.
        """
        watches = [self._watch(kind, pauses=True) for kind in frozenset(kinds)]
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                for watch in watches:
                    await watch.settled.wait()
        return {watch.kind: refusals.permission(watch.denied) for watch in watches if watch.denied}

    def unseen(self, kinds: Iterable[GroupKind]) -> frozenset[GroupKind]:
        """Return those of `kinds` of which it is not known what exists: for them, absence proves nothing."""
        return frozenset(kind for kind in kinds if kind not in self._gone and not self._is_ready(kind))

    def gone(self) -> frozenset[GroupKind]:
        """Return the kinds that were found to be gone for good less than `GONE_SECONDS` ago."""
        since = asyncio.get_running_loop().time() - GONE_SECONDS
        return frozenset(kind for kind, seen_at in self._gone.items() if seen_at > since)

    def owned(self, label: str) -> Mapping[ObjectRef, Live]:
        """Return the objects that carry `label`, as they are known now; what was returned never changes."""
        return self._inventory.owned(label)

    def finished(self, label: str) -> Mapping[ObjectRef, str]:
        """Return what was seen to have finished, whether it is gone by now or not, with the digest of its content."""
        return self._inventory.finished(label)

    def short_lived(self, label: str) -> frozenset[ObjectRef]:
        """Return what went within seconds after our own write, and was not written again."""
        return self._short_lived.of(label)

    def anyone(self, ref: ObjectRef) -> Live | None:
        """Return the object if it carries Towline's label, whichever repository the label names."""
        return self._inventory.get(ref)

    def versions(self, label: str) -> int:
        """Return a number that grows with each change that could matter to a plan for `label`."""
        return self._inventory.version(label)

    def touched(self, label: str, since: int) -> frozenset[ObjectRef] | None:
        """Return the objects whose changes made that number grow; None where they are too many to be known."""
        return self._inventory.touched(label, since)

    def writing(self, ref: ObjectRef) -> AbstractContextManager[None]:
        """Hold back the events of an object while a write to it is in flight; they are judged after its answer."""
        return self._echoes.buffering(ref)

    def record(self, ref: ObjectRef, body: Body | None) -> Live | None:
        """Record the result of Towline's own write to an object; return what is known of it now.

        Args:
            ref: the object.
            body: from the answer; None where the object is gone, or was released.
        """
        before = self._inventory.get(ref)
        live = self._read(body, ref, verified=True) if body else None
        live = live if live and live.label else None
        if live:
            self._short_lived.wrote(live)
        if (watch := self._watches.get(ref.group_kind)) and not watch.is_paused:
            self._echoes.expect(ref, before, live)
        if before != live:
            self._keep(ref, live)
            self._inventory.touch(ref, *_labels(before, live))
        return live

    def looked_at(self, ref: ObjectRef, body: Body | None) -> None:
        """Record what a read has shown, which the watch may tell later; None where the object does not exist."""
        known = self._inventory.get(ref)
        version = body["metadata"]["resourceVersion"] if body else ""
        if version != (known.resource_version if known else ""):
            self.record(ref, body)

    def disturbed(self, ref: ObjectRef) -> None:
        """Have an object looked at in a pass, although its metadata alone asks for none."""
        if live := self._inventory.get(ref):
            self._inventory.touch(ref, live.label)
            self.disturbances.note(live.label, (ref,))
            self._on_event(live.label, ref)

    def verified(self, ref: ObjectRef, version: str, *, altered: bool) -> None:
        """Record what a read of one version of an object has shown; it does not count for other versions.

        `altered` says that values differ from what Git declares in a way that metadata does not show.
        """
        before = self._inventory.get(ref)
        if before is None or before.resource_version != version:
            return
        self._inventory.put(before._replace(verified=True, altered=altered))
        if altered or before.altered:
            self._inventory.touch(ref, before.label)
        if altered:
            self.disturbances.note(before.label, (ref,))
            self._on_event(before.label, ref)

    def unverified(self) -> tuple[ObjectRef, ...]:
        """Return the objects whose present version has not been compared with Git."""
        return self._inventory.unverified()

    async def assess_by(self, label: str, checks: Iterable[HealthCheck]) -> None:
        """Assess the objects of a repository by these checks from now on.

        Raises:
            ClusterError: the checks have changed, and the objects that are known could not be read.
        """
        await self._assessor.use(label, checks)

    async def aclose(self) -> None:
        """End all watches."""
        await aio.end(*self._tasks)
        self._echoes.close()

    def _watch(self, kind: GroupKind, *, pauses: bool = False) -> Watch:
        if watch := self._watches.get(kind):
            return watch
        roll = KindFeed(kind, self._inventory, self._echoes, self._read)
        watch = Watch(
            self._client,
            self._discovery,
            kind,
            roll,
            jitter=self._jitter,
            pauses=pauses,
            on_trouble=lambda: self._tell_trouble(kind),
            on_lost=self._on_lost,
        )
        self._watches[kind] = watch
        self._gone.pop(kind, None)
        task = asyncio.create_task(watch.run(), name=f"watch {kind}")
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._ended(watch, ended))
        return watch

    def _raise_bugs(self, kinds: frozenset[GroupKind]) -> None:
        for kind in kinds & self._bugs.keys():
            raise self._bugs.pop(kind)

    def _tell_trouble(self, kind: GroupKind) -> None:
        """Wake the repositories with objects of a kind that has become unreadable, or readable again."""
        owners = {
            live.label: ref for ref in self._inventory.of_kind(kind) if (live := self._inventory.get(ref))
        }
        for label, ref in owners.items():
            self._on_event(label, ref)

    def _ended(self, watch: Watch, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        del self._watches[watch.kind]
        if task.cancelled():
            return
        if bug := task.exception():
            self._bugs[watch.kind] = bug
        else:
            self._gone[watch.kind] = asyncio.get_running_loop().time()
        watch.finished()

    def _is_ready(self, kind: GroupKind) -> bool:
        watch = self._watches.get(kind)
        return watch is not None and watch.ready.is_set()

    def _judge(self, seen: Seen) -> None:
        """Apply an event that tells something new, and wake the repository that it concerns."""
        before = self._inventory.get(seen.ref)
        if before and not seen.live and seen.uid not in {"", before.uid}:
            return  # the end of an earlier object of this name
        seen = seen._replace(live=judge.stripped(before, seen.live))
        verdict, shift = judge.judge(before, seen.live), judge.shift(before, seen.live)
        if verdict is judge.EventMeaning.ECHO and not shift:
            return
        self._keep(seen.ref, seen.live if verdict.matters else _still_altered(before, seen.live))
        if before and verdict is judge.EventMeaning.GONE and seen.uid:  # not merely missing in a list
            self._short_lived.went(before)
        if verdict.doubtful and not seen.quiet:
            self._on_doubt(seen.ref)
        if verdict.matters:
            concerned = _labels(before, seen.live)
            self._inventory.touch(seen.ref, *concerned)
            for label in () if seen.quiet else concerned:
                self.disturbances.note(label, (seen.ref,))
                self._on_event(label, seen.ref)
        elif shift and seen.live and not seen.quiet:
            if seen.live.finished and not (before and before.finished):
                self._inventory.touch(seen.ref, seen.live.label)  # the next pass remembers it
            self._on_health(seen.live.label, shift)

    def _read(self, body: Body, ref: ObjectRef, *, verified: bool = False) -> Live:
        return live_from(body, self._stamps, ref, self._intern, self._assessor.assess, verified=verified)

    def _keep(self, ref: ObjectRef, live: Live | None) -> None:
        if live:
            self._inventory.put(live)
        else:
            self._inventory.drop(ref)


def _problems(watches: Iterable[Watch]) -> dict[GroupKind, str]:
    """Return why kinds are not known, for those that are not."""
    return {each.kind: refusals.permission(str(each.problem)) for each in watches if not each.ready.is_set()}


def _still_altered(before: Live | None, live: Live | None) -> Live | None:
    """Carry over a difference that a read has shown and that Towline has not repaired yet."""
    return live._replace(altered=True) if before and live and before.altered else live


def _labels(*states: Live | None) -> frozenset[str]:
    return frozenset(live.label for live in states if live)
