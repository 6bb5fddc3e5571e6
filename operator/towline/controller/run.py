"""Run the operator: build what all passes share, the queue that runs them, and the background chores."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import uvloop

from towline import aio, log
from towline.api import labels
from towline.api.gitrepository import RESOURCE
from towline.controller import background, data_folder, keys, malloc, triggers, wiring
from towline.controller.keys import Keys
from towline.controller.lease import Alone, Elector, Leadership
from towline.controller.queue import WorkQueue
from towline.controller.resumption import Resumption, pages
from towline.controller.triggers import Engine
from towline.controller.wiring import Doors
from towline.kube import credentials
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.live.judge import Shift
from towline.live.recheck import Rechecks
from towline.metrics import Metrics
from towline.model import Key, ObjectRef
from towline.records.checkpoints import Checkpoints
from towline.records.ledger import Ledger
from towline.records.signing import CheckpointKey
from towline.server import app
from towline.settings import Settings
from towline.shares.pools import Pools
from towline.source.helm_charts.chart_door import Charts
from towline.source.helm_charts.chart_http import ChartHttp
from towline.source.mirror import Mirrors
from towline.source.public_addresses import Addresses

_log = log.logger(__name__)

RESTART_SECONDS = 1.0
"""Seconds until the operator starts over."""

SWITCH_SECONDS = 0.0005
"""How long a thread that computes keeps Python's interpreter from the event loop: a tenth of Python's default.

Measured with six such threads on two cores: the loop does three to six times as much, the threads no less.
"""

_ENDING = (signal.SIGTERM, signal.SIGINT)

APART_SECONDS = {Shift.WORDS: 5.0, Shift.STATE: 0.5}
"""Least seconds between passes that only report health, however fast a workload flaps."""


def run(chosen: Settings) -> None:
    """Run the operator until it is told to end.

    Raises:
        TowlineError: the cluster, the credentials or the flags do not allow it.
        OSError: the data folder or the address to listen at cannot be used.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    while not _ends(chosen):
        time.sleep(RESTART_SECONDS)


def _ends(chosen: Settings) -> bool:
    """Run the operator; False if it must start over with empty memory."""
    try:
        uvloop.run(_operate(chosen))
    except triggers.WatchLostError as error:
        _log.error("the operator restarts", error=error.message)
        return False
    return True


async def _operate(chosen: Settings) -> None:
    chosen.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pools = Pools.here()
    asyncio.get_running_loop().set_default_executor(pools.threads)
    await credentials.check()
    home = await asyncio.to_thread(credentials.namespace)
    installation = chosen.installation | {ObjectRef("", "Secret", home, labels.KEYS)}
    chosen = replace(chosen, home=home, installation=installation)
    metrics = Metrics()
    engines: list[Engine] = []

    def ready() -> bool:
        return leadership.stands_by or any(engine.queue.started for engine in engines)

    with _ended_by_signals():
        async with _leadership(chosen) as leadership, app.serving(chosen.listen, metrics, ready):
            found = await _keys(chosen.folder, home)
            async with _engine(chosen, metrics, leadership, found, pools) as engine:
                engines.append(engine)
                await triggers.run(engine, leadership)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End what runs here when SIGTERM or SIGINT asks for it, until kopf takes both signals over at its own start."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    asked = False

    def end() -> None:
        nonlocal asked
        asked = True
        if task:
            task.cancel()

    for signum in _ENDING:
        loop.add_signal_handler(signum, end)
    try:
        yield
    except asyncio.CancelledError:
        if not asked:
            raise
    finally:
        for signum in _ENDING:
            loop.remove_signal_handler(signum)


async def _keys(folder: Path, home: str) -> Keys:
    """Return the operator's keys, as soon as the API server tells them."""
    own = await asyncio.to_thread(data_folder.own_keys, folder, wiring.now())
    async with Client(credentials.load) as client:
        found = await keys.shared(client, home, own)
    await asyncio.to_thread(data_folder.keep, folder, found)
    signs = CheckpointKey(found.checkpoint)
    _log.info("checkpoint key", keyId=signs.id, publicKey=signs.public)
    return found


@asynccontextmanager
async def _leadership(chosen: Settings) -> AsyncIterator[Leadership]:
    """Yield the right to write; an election has a client of its own, whose requests never wait for others."""
    if not chosen.leader_elect:
        yield Alone()
        return
    holder = f"{socket.gethostname()}_{secrets.token_hex(8)}"
    async with Client(credentials.load) as client:
        yield Elector(client, chosen.home, holder, clock=time.monotonic, now=wiring.now)


async def _end(rechecks: Rechecks, index: Index, mirrors: Mirrors, ledger: Ledger) -> None:
    await rechecks.aclose()
    await index.aclose()
    await mirrors.aclose()
    ledger.stop()


def _ledger(chosen: Settings, client: Client, own: Keys) -> Ledger:
    checkpoints = Checkpoints(CheckpointKey(own.checkpoint), wiring.now)
    return Ledger(client, chosen.records_namespace, chosen.folder, checkpoints=checkpoints)


@asynccontextmanager
async def _engine(
    chosen: Settings, metrics: Metrics, leadership: Leadership, own: Keys, pools: Pools
) -> AsyncIterator[Engine]:
    """Make everything that passes need, and the queue that runs them."""
    queue: WorkQueue

    def wake(key: Key) -> None:
        queue.wake(key)

    def changed(label: str, _ref: ObjectRef) -> None:
        _wake_known(queue, label)

    def shifted(label: str, shift: Shift) -> None:
        _wake_known(queue, label, APART_SECONDS[shift])

    async with Client(credentials.load, seconds_left=leadership.seconds_left) as client:
        discovery = Discovery(client)
        rechecks = Rechecks(
            lambda refs: passes.verify(refs),  # noqa: PLW0108  they are made below
            lambda ref: passes.doubted(ref),  # noqa: PLW0108
        )
        ledger = _ledger(chosen, client, own)
        doubt, lost = rechecks.note, ledger.read_again
        index = Index(client, discovery, changed, shifted, stamps=own.stamps, on_doubt=doubt, on_lost=lost)
        mirrors = _mirrors(chosen, own.mask, pools)
        doors = Doors(
            client=client,
            discovery=discovery,
            index=index,
            mirrors=mirrors,
            charts=_charts(chosen, own.mask, pools),
            ledger=ledger,
            pools=pools,
        )
        passes = wiring.passes(chosen, doors, own, metrics, wake)
        queue = WorkQueue(passes.once, time.monotonic, may_interrupt=passes.is_asking)
        resumption = Resumption(lambda: pages(client), wake, lost, queue.leave)

        end = partial(_end, rechecks, index, mirrors, ledger)
        try:
            async with _beside(
                learn=background.learn(discovery),
                give_back=malloc.give_back(),
                tidy=background.tidy(queue, passes, doors),
                expire=background.expire(queue, passes),
                verify=background.verify(index, rechecks, chosen.verify_seconds),
            ):
                yield Engine(queue=queue, resumption=resumption, served=partial(_served, discovery), end=end)
        finally:
            await end()


async def _served(discovery: Discovery) -> bool:
    return bool(await discovery.resource(RESOURCE.group_kind, RESOURCE.version))


def _mirrors(chosen: Settings, mask_key: bytes, pools: Pools) -> Mirrors:
    addresses = Addresses() if chosen.deny_private_addresses else None
    return Mirrors(
        chosen.folder,
        addresses=addresses,
        key=mask_key,
        pools=pools,
        discreet=chosen.hide_connection_details,
    )


def _charts(chosen: Settings, mask_key: bytes, pools: Pools) -> Charts:
    addresses = Addresses() if chosen.deny_private_addresses else None
    http = ChartHttp(pools, addresses, allow_http=chosen.allow_http)
    return Charts(chosen.folder, http, mask_key, discreet=chosen.hide_connection_details)


@asynccontextmanager
async def _beside(**work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run coroutines as tasks during the block, named as the arguments; cancel them at its end."""
    begun = [asyncio.create_task(each, name=name) for name, each in work.items()]
    try:
        yield
    finally:
        await aio.end(*begun)


def _wake_known(queue: WorkQueue, label: str, apart: float = 0.0) -> None:
    """Wake the repositories that a label names, if they exist: everybody who may edit an object may label it."""
    namespace, is_plain, name = label.partition(".")
    asked = {Key(namespace, name)}
    for key in queue.known & asked if is_plain else queue.known:
        if is_plain or labels.repository_label(key) == label:  # the hash of a long name
            queue.wake(key, apart)
