"""Look up the addresses of hosts in threads, so that a silent resolver blocks nothing else."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import ip_address
from typing import TypeAlias

Resolve: TypeAlias = Callable[[str, int], Iterable[str]]
"""Returns the addresses of a host; blocks."""

_THREADS = 16


class Names:
    """Looks up hosts; `resolve` is asked in threads, at most 16 at a time."""

    def __init__(self, resolve: Resolve | None = None) -> None:
        self._resolve = resolve or _resolve
        self._threads = asyncio.Semaphore(_THREADS)

    async def look_up(self, host: str, port: int) -> tuple[str, ...]:
        """Return the addresses of a host, which may be one itself.

        The end of the process does not wait for the thread that asks: a resolver may be silent for a minute.

        Raises:
            OSError, UnicodeError: there are none.
        """
        with suppress(ValueError):
            return (str(ip_address(host)),)
        await self._threads.acquire()
        loop = asyncio.get_running_loop()
        found: Future[tuple[str, ...]] = Future()
        found.set_running_or_notify_cancel()

        def work() -> None:
            try:
                found.set_result(tuple(self._resolve(host, port)))
            except Exception as error:  # noqa: BLE001  it is raised where it is waited for
                found.set_exception(error)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._threads.release)

        threading.Thread(target=work, name=f"resolve {host}", daemon=True).start()
        return await asyncio.wrap_future(found)


def _resolve(host: str, port: int) -> Iterable[str]:
    return dict.fromkeys(
        str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
