"""The event loop's threads, shared out: `asyncio.to_thread` and its like wait their turn here."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from towline.shares import behalf
from towline.shares.holds import Holds, Share
from towline.shares.line import Line
from towline.shares.usage import Usage

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Work:
    """A call, and who waits for what it returns."""

    call: Callable[[], Any]
    future: Future[Any]


class Threads(ThreadPoolExecutor):
    """A pool whose work waits in the order of `Line`, by the rules of `Holds`.

    It serves as the default executor of one event loop, which alone submits to it.

    Args:
        share: how many threads there are.
        clock: monotonic seconds.
        usage: is told how long work took, and knows who used much.
    """

    def __init__(self, share: Share, clock: Callable[[], float], usage: Usage) -> None:
        super().__init__(max_workers=share.most, thread_name_prefix="shared")
        self._clock = clock
        self._holds = Holds(share, usage)
        self._line: Line[_Work] = Line()
        self._lock = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Run a call in a thread when its repository's turn comes."""
        future: Future[_T] = Future()
        with self._lock:
            if self._ended:
                raise RuntimeError("the threads have ended")
            self._line.put(behalf.key(), _Work(call=lambda: fn(*args, **kwargs), future=future))
            self._start()
        self._watch()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  Executor's
        """Begin nothing more; what waits for its turn is cancelled."""
        with self._lock:
            self._ended = True
            waiting = self._line.drain()
        for work in waiting:
            work.future.cancel()
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _start(self) -> None:
        """Begin what may begin; the caller has the lock."""
        now = self._clock()
        while found := self._line.take(self._holds, now):
            key, work = found
            super().submit(self._run, work, self._holds.take(key, now))

    def _run(self, work: _Work, hold: int) -> None:
        try:
            if work.future.set_running_or_notify_cancel():
                _settle(work)
        finally:
            with self._lock:
                self._holds.give(hold, self._clock())
                self._start()

    def _watch(self) -> None:
        """Look again when work has become slow, so that what waits behind it need not."""
        if (
            self._timer is None
            and self._line
            and (wait := self._holds.next_change(self._clock())) < float("inf")
        ):
            self._timer = asyncio.get_running_loop().call_later(wait, self._look)

    def _look(self) -> None:
        self._timer = None
        with self._lock:
            self._start()
        self._watch()


def _settle(work: _Work) -> None:
    try:
        work.future.set_result(work.call())
    except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
        work.future.set_exception(error)
