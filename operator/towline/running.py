"""The operator process: what all passes share, the queue that runs them, and what is done beside them."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress

import uvloop

from towline import aio, assembly, controller, log, memory
from towline.api import labels
from towline.api.gitrepository import RESOURCE
from towline.assembly import Doors
from towline.cluster.lease import Alone, Elector, Leadership
from towline.controller import Engine
from towline.data_folder import mask_key
from towline.errors import ClusterError
from towline.kube import credentials
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.live.judge import Shift
from towline.live.recheck import Doubts
from towline.metrics import Metrics
from towline.model import Key, ObjectRef
from towline.reconcile.reconciler import Reconciler
from towline.records.ledger import Ledger
from towline.server import app
from towline.settings import Settings
from towline.source.mirror import Mirrors
from towline.source.public_addresses import Addresses
from towline.workqueue import WorkQueue

_log = log.logger(__name__)

RESTART_SECONDS = 1.0
"""How long the operator rests before it begins again."""

POST_SECONDS = 30.0
"""How often records that the cluster refused are posted again, and mirrors that nobody uses are deleted."""

IDLE_SECONDS = 120.0
"""How long a mirror that no repository follows any more is kept, for one that is created again or renamed."""

APART_SECONDS = {Shift.WORDS: 5.0, Shift.STATE: 0.5}
"""How far apart passes begin at least that only tell how objects are: a workload may flap as fast as it likes."""


_VERIFY_AFTER = 0.9
"""The part of the time between two verifications in which nothing is read for them."""


def run(chosen: Settings) -> None:
    """Run the operator until it is told to end.

    Raises:
        TowlineError: it cannot run like this: the cluster, the credentials, the flags.
        OSError: it cannot use its folder, or its address.
    """
    while not _ends(chosen):
        time.sleep(RESTART_SECONDS)


def _ends(chosen: Settings) -> bool:
    """Run the operator; False where it must begin again, with nothing of what it knew."""
    try:
        uvloop.run(_operate(chosen))
    except controller.WatchLostError as error:
        _log.error("the operator begins again", error=error.message)
        return False
    return True


async def _operate(chosen: Settings) -> None:
    chosen.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    metrics = Metrics()
    async with (
        _leadership(chosen) as leadership,
        _engine(chosen, metrics, leadership) as engine,
        app.serving(chosen.listen, metrics, lambda: engine.queue.started or leadership.stands_by),
    ):
        await controller.run(engine, leadership)


@asynccontextmanager
async def _leadership(chosen: Settings) -> AsyncIterator[Leadership]:
    """Give the right to write; an election has a client of its own, whose requests never wait for others."""
    if not chosen.leader_elect:
        yield Alone()
        return
    namespace = await asyncio.to_thread(credentials.namespace)
    holder = f"{socket.gethostname()}_{secrets.token_hex(8)}"
    async with Client(credentials.load) as client:
        yield Elector(client, namespace, holder, clock=time.monotonic, now=assembly.now)


@asynccontextmanager
async def _engine(chosen: Settings, metrics: Metrics, leadership: Leadership) -> AsyncIterator[Engine]:
    """Make everything that passes need, and the queue that runs them."""
    queue: WorkQueue

    def wake(key: Key) -> None:
        queue.wake(key)

    def changed(label: str, _ref: ObjectRef) -> None:
        for key in _keys(label, queue):
            queue.wake(key)

    async def verify(refs: Sequence[ObjectRef]) -> None:
        await reconciler.verify(refs)

    def shifted(label: str, shift: Shift) -> None:
        for key in _keys(label, queue):
            queue.wake(key, APART_SECONDS[shift])

    async with Client(credentials.load, seconds_left=leadership.seconds_left) as client:
        discovery = Discovery(client)
        doubts = Doubts(verify)
        addresses = Addresses() if chosen.deny_private_addresses else None
        doors = Doors(
            client=client,
            discovery=discovery,
            index=Index(client, discovery, changed, shifted, on_doubt=doubts.note),
            mirrors=Mirrors(chosen.folder, addresses=addresses, key=mask_key(chosen.folder)),
            ledger=Ledger(client, chosen.records_namespace, chosen.folder),
        )
        reconciler = assembly.reconciler(chosen, doors, metrics, wake)
        queue = WorkQueue(reconciler.once, time.monotonic)

        async def served() -> bool:
            return bool(await discovery.resource(RESOURCE.group_kind, RESOURCE.version))

        async def end() -> None:
            await doubts.aclose()
            await doors.index.aclose()
            await doors.mirrors.aclose()

        try:
            async with _beside(
                learn=_learn(discovery),
                give_back=memory.give_back(),
                tidy=_tidy(queue, reconciler, doors),
                verify=_verify(doors.index, doubts, chosen.verify_seconds),
            ):
                yield Engine(queue=queue, served=served, end=end)
        finally:
            await end()


@asynccontextmanager
async def _beside(**work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do work beside the block, under the names of the arguments; what is left of it is cancelled at its end."""
    begun = [asyncio.create_task(each, name=name) for name, each in work.items()]
    try:
        yield
    finally:
        await aio.end(*begun)


def _keys(label: str, queue: WorkQueue) -> tuple[Key, ...]:
    """Return the repositories of a label; a hashed one is looked up among those that are known."""
    namespace, dot, name = label.partition(".")
    if dot:
        return (Key(namespace, name),)
    return tuple(key for key in queue.known if labels.repository_label(key) == label)


async def _learn(discovery: Discovery) -> None:
    """Look up what is served before the first pass asks; where that fails, the pass asks again."""
    with suppress(ClusterError):
        await discovery.listable()


async def _verify(index: Index, doubts: Doubts, seconds: float) -> None:
    """Have all objects read, once in so many seconds, of which nobody has read the state that they are in.

    What metadata cannot tell, and no event has cast doubt on, is found by this. It is spread over a part of the time.
    """
    while True:
        await asyncio.sleep(seconds * _VERIFY_AFTER)
        refs = index.unverified()
        pause = seconds * (1 - _VERIFY_AFTER) / max(len(refs), 1)
        for ref in refs:
            doubts.note(ref)
            await asyncio.sleep(pause)
        if not refs:
            await asyncio.sleep(pause)


async def _tidy(queue: WorkQueue, reconciler: Reconciler, doors: Doors) -> None:
    while True:
        await asyncio.sleep(POST_SECONDS)
        if not queue.started:
            continue
        try:
            await doors.ledger.post_kept()
        except ClusterError as error:
            _log.warning("kept records were not posted", error=error.message)
        except OSError as error:
            _log.warning("kept records cannot be taken out of the data folder", error=str(error))
        try:
            await doors.mirrors.retain(reconciler.remotes(), IDLE_SECONDS)
        except OSError as error:
            _log.warning("mirrors that nobody uses were not deleted", error=str(error))
