from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from towline.source import process

from tests.source import processes
from tests.source.waiting import until

LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
Run = Callable[[Coroutine[Any, Any, None]], None]


def started(script: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def descriptors_of_processes() -> int:
    """Return how many descriptors of this process lead to another process; the one that lists them is gone by then."""
    folder = Path("/proc/self/fd")
    return sum("pidfd" in str(each.readlink()) for each in folder.iterdir() if each.is_symlink())


async def test_an_answer_has_code_output_and_complaint() -> None:
    answer = await process.finish(started("echo out; echo oops >&2; exit 3"), 100)
    assert (answer.code, answer.out, answer.complaint) == (3, b"out\n", "oops\n")


async def test_a_long_complaint_is_cut_and_delays_nothing() -> None:
    answer = await process.finish(started("head -c 1000000 /dev/zero >&2; echo done"), 100)
    assert (answer.out, len(answer.complaint)) == (b"done\n", 64 * 1024)


async def test_output_up_to_the_limit_is_kept_and_more_ends_the_process() -> None:
    assert (await process.finish(started("head -c 100000 /dev/zero"), 100_000)).out == bytes(100_000)
    endless = started("exec yes endless-6f1c")
    with pytest.raises(process.TooMuchOutputError):
        await process.finish(endless, 100_000)
    assert endless.returncode is not None


async def test_a_child_that_outlives_its_parent_is_ended_with_the_deadline() -> None:
    leader = started("tail -f /dev/null --pid=$$ -s 61.77 & sleep 61.77 & echo begun")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await process.finish(leader, 100)
    await until(lambda: not processes.shown(mentioning="61.77"), 2.0)
    assert leader.returncode == 0


async def test_a_process_that_ignores_everything_but_kill_is_ended_by_a_cancellation() -> None:
    stubborn = started("trap '' TERM INT HUP; while :; do sleep 62.88; done")
    waiting = asyncio.create_task(process.finish(stubborn, 100))
    await asyncio.sleep(0)  # a task that never began has nothing to end
    await until(lambda: processes.shown(mentioning="62.88"))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: not processes.shown(mentioning="62.88"), 2.0)


@LOOPS
def test_a_process_that_closes_its_pipes_early_is_awaited_and_leaves_no_descriptor(run: Run) -> None:
    before = descriptors_of_processes()

    async def story() -> None:
        answer = await process.finish(started("echo out; exec >&- 2>&-; sleep 0.2; exit 7"), 100)
        assert (answer.code, answer.out) == (7, b"out\n")
        assert descriptors_of_processes() == before

    run(story())


@LOOPS
def test_a_process_that_closes_its_pipes_and_stays_is_ended_by_a_deadline(run: Run) -> None:
    stubborn = started("trap '' TERM; exec >&- 2>&-; while :; do sleep 63.99; done")

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await process.finish(stubborn, 100)
        assert stubborn.returncode == -signal.SIGKILL
        await until(lambda: not processes.shown(mentioning="63.99"), 2.0)

    run(story())


async def test_a_very_long_line_of_a_server_holds_nothing_up() -> None:
    """Searched anew from each of its letters it took a minute, on the event loop."""
    begun = time.thread_time()
    await process.finish(started("head -c 60000 /dev/zero | tr '\\0' a >&2"), 100, hear=lambda _: None)
    assert time.thread_time() - begun < 5
