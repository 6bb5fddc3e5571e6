"""Turn kopf's events about GitRepositories into keys for the queue, and run until the process is told to stop.

kopf sees an `on.event` handler only: daemons, timers and change handlers write finalizers and annotations to every
resource and leave them behind when the operator is uninstalled. Nor does it watch CRDs: it would read those of the
whole cluster, and it looks for a new kind as its CRD changes, which may be before the API server serves it, and never
again. It looks once, and everything begins again when our kind is served and was not found.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import kopf
from kopf._cogs.structs.references import Insights  # taken by kopf.operator, without a public name

from towline import log
from towline.api.gitrepository import RESOURCE
from towline.controller.lease import Leadership
from towline.controller.queue import WorkQueue
from towline.controller.resumption import Resumption
from towline.errors import ClusterError
from towline.kube import credentials
from towline.kube.kopf_session import Sessions
from towline.model import Key

_log = log.logger(__name__)

_LOGIN_SECONDS = 2.0
"""Seconds until refused credentials are offered again."""

_WORKER_SECONDS = 0.5
"""How long kopf keeps what it knows of a resource after an event of it, which is several KiB: a trigger needs none."""

_SERVED_SECONDS = 2.0
"""Seconds between two questions whether GitRepositories are served."""


class _Backoffs:
    """Endless seconds between kopf's attempts at one request: an API server that is away must not end the operator."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((0.2, 0.5, 1, 2), itertools.repeat(3))


class WatchLostError(ClusterError):
    """GitRepositories are not watched: kopf has ended over an error, has not found them, or has seen the future."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What the triggers need of the operator.

    Attributes:
        queue: runs passes.
        resumption: knows what was told of GitRepositories.
        served: whether GitRepositories are served; it may raise a ClusterError.
        end: ends those tasks that passes have left behind; it is awaited after the last pass.
    """

    queue: WorkQueue
    resumption: Resumption
    served: Callable[[], Awaitable[bool]]
    end: Callable[[], Awaitable[None]]


class _NoDiffs(kopf.DiffBaseStorage):
    """Keeps nothing for differences, which no handler asks for: kopf would copy each resource at each event."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return nothing of a resource."""
        return cast("kopf.BodyEssence", {})

    def fetch(self, **_: Any) -> None:
        """Know nothing of earlier states."""

    def store(self, **_: Any) -> None:
        """Write nothing into a resource."""


async def run(engine: Engine, leadership: Leadership) -> None:
    """Serve the queue with triggers until SIGTERM or SIGINT, then stop the passes before kopf stops its own tasks.

    The queue is started here, before kopf, which at its end waits for every task that began after it, and cancels it
    five seconds later. Passes run while `leadership` allows it; triggers are collected from the start.

    Raises:
        LeaseLostError: this replica led, and may not any more.
        WatchLostError: kopf gave up, or has not found GitRepositories that are served, or the API server has an older
            store than before; everything can be started again.
        ClusterError: there are no credentials.
    """
    ended = asyncio.Event()
    passes = asyncio.create_task(leadership.lead(engine.queue.run), name="passes")
    passes.add_done_callback(lambda _: ended.set())
    insights = Insights()
    missed = asyncio.create_task(_missed(insights, engine), name="missed")
    missed.add_done_callback(lambda _: ended.set())
    registry = kopf.OperatorRegistry()
    asked = _taken_over(registry, ended)
    _watch(registry, engine.resumption)
    sessions = _log_in(registry, engine.resumption)

    @kopf.on.cleanup(registry=registry)
    async def _stop_passes(**_: Any) -> None:
        missed.cancel()
        passes.cancel()
        await asyncio.wait({passes}, timeout=8)
        await engine.end()

    try:
        await kopf.operator(
            registry=registry,
            settings=_settings(),
            insights=insights,
            clusterwide=True,
            standalone=True,
            stop_flag=ended,
        )
    except kopf.LoginError as error:
        raise ClusterError("there are no credentials for the cluster") from error
    except Exception as error:  # noqa: BLE001  whatever ended a task of kopf's, such as a watch; it is raised again
        _lost(error, asked)
    finally:
        missed.cancel()
        await sessions.aclose()
    if missed.done() and not missed.cancelled() and not asked.is_set():
        raise WatchLostError(missed.result())
    if passes.done() and not passes.cancelled():
        passes.result()


def _lost(error: Exception, asked: asyncio.Event) -> None:
    """Have everything started again, unless the end was asked for."""
    if not asked.is_set():
        raise WatchLostError(f"the watch of GitRepositories has ended: {error}"[:500]) from error
    _log.debug("a watch failed while the operator ended", error=str(error)[:500])


def _taken_over(registry: kopf.OperatorRegistry, ended: asyncio.Event) -> asyncio.Event:
    """Take SIGTERM and SIGINT over from kopf, which does not tell of them; return what they set besides `ended`.

    What fails while the operator ends must not start it over: the signal would be lost.
    """
    asked = asyncio.Event()

    def stop() -> None:
        asked.set()
        ended.set()

    @kopf.on.startup(registry=registry)
    async def _take_signals_over(**_: Any) -> None:
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, stop)

    return asked


async def _missed(insights: Insights, engine: Engine) -> str:
    """Return why everything must be started again: what kopf watches is not what the API server has."""
    await insights.ready_resources.wait()
    if insights.watched_resources:
        await engine.resumption.went_back.wait()
        return "the API server has an older store than before, as after a restored backup"
    while True:
        await asyncio.sleep(_SERVED_SECONDS)
        with suppress(ClusterError):
            if await engine.served():
                return "GitRepositories are served now"


def _log_in(registry: kopf.OperatorRegistry, resumption: Resumption) -> Sessions:
    """Offer Towline's credentials to kopf again and again: what the API server refuses now may work in a moment.

    kopf ends the operator when it gets the same credentials again, so each offer differs in its rank. Returns the
    sessions that it offers, for the caller to close.
    """
    ranks, sessions = itertools.count(), Sessions(resumption.resume)

    @kopf.on.login(registry=registry)
    async def _offer(**_: Any) -> kopf.AiohttpSession:
        rank = next(ranks)
        if rank:
            await asyncio.sleep(_LOGIN_SECONDS)
        try:
            access = await credentials.threaded(credentials.load)
            authorization = await credentials.threaded(access.authorization)
        except ClusterError as error:
            raise kopf.TemporaryError(error.message, delay=_LOGIN_SECONDS) from error
        opened = sessions.open(access, authorization)
        return kopf.AiohttpSession(server=access.host, aiohttp_session=opened, priority=rank)

    return sessions


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.diffbase_storage = _NoDiffs()
    settings.queueing.idle_timeout = _WORKER_SECONDS
    settings.networking.error_backoffs = _Backoffs()
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    return settings


def _watch(registry: kopf.OperatorRegistry, resumption: Resumption) -> None:
    @kopf.on.event(RESOURCE.group, RESOURCE.version, RESOURCE.plural, registry=registry)
    async def _changed(event: kopf.RawEvent, namespace: str | None, name: str, **_: Any) -> None:
        if event["type"] == "DELETED":
            resumption.ended(Key(namespace or "", name))
        else:
            resumption.told(event["object"])
