"""Do the chores between passes: post kept records, delete what nobody needs, verify objects, learn the kinds."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from towline import log
from towline.controller.queue import WorkQueue
from towline.controller.wiring import Doors, Passes
from towline.errors import ClusterError
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.live.recheck import Rechecks

_log = log.logger(__name__)

POST_SECONDS = 30.0
"""Seconds between two attempts to post refused records and to delete unused mirrors."""

IDLE_SECONDS = 120.0
"""Seconds for which an unused mirror is kept, in case its GitRepository is created again or renamed."""

EXPIRE_SECONDS = 12 * 3600.0
"""Seconds until the records of repositories that are gone are looked through, and then between two looks."""

_VERIFY_AFTER = 0.9
"""The fraction of the time between two verifications in which nothing is read for them."""


async def learn(discovery: Discovery) -> None:
    """Read which kinds are served before the first pass needs them; if that fails, the pass reads them."""
    with suppress(ClusterError):
        await discovery.listable()


async def verify(index: Index, rechecks: Rechecks, seconds: float) -> None:
    """Verify, once in so many seconds, all objects whose present version was not compared with Git.

    This finds drift that metadata cannot show and no event made doubtful. The reads are spread over a part of the time.
    """
    while True:
        await asyncio.sleep(seconds * _VERIFY_AFTER)
        refs = index.unverified()
        pause = seconds * (1 - _VERIFY_AFTER) / max(len(refs), 1)
        for ref in refs:
            rechecks.note(ref)
            await asyncio.sleep(pause)
        if not refs:
            await asyncio.sleep(pause)


async def tidy(queue: WorkQueue, passes: Passes, doors: Doors) -> None:
    """Post the records that were refused, and delete unused mirrors, every `POST_SECONDS`."""
    while True:
        await asyncio.sleep(POST_SECONDS)
        if not queue.started:
            continue
        try:
            await doors.ledger.post_kept()
        except ClusterError as error:
            _log.warning("kept records were not posted", error=error.message)
        except OSError as error:
            _log.warning("kept records cannot be read or deleted in the data folder", error=str(error))
        try:
            await doors.mirrors.retain(passes.remotes(), IDLE_SECONDS)
        except OSError as error:
            _log.warning("unused mirrors were not deleted", error=str(error))


async def expire(queue: WorkQueue, passes: Passes) -> None:
    """Delete the expired records of repositories that are gone, every `EXPIRE_SECONDS`."""
    while True:
        await asyncio.sleep(EXPIRE_SECONDS)
        if not queue.started:
            continue
        try:
            await passes.expire()
        except ClusterError as error:
            _log.warning("records of deleted GitRepositories were not deleted", error=error.message)
