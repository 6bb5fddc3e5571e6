"""Look up the addresses of hosts in threads, so that a silent resolver blocks nothing else."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import ip_address
from typing import TypeAlias

from towline.shares import behalf
from towline.shares.holds import Share
from towline.shares.slots import Slots

Resolve: TypeAlias = Callable[[str, int], Iterable[str]]
"""Returns the addresses of a host; blocks."""

_SHARE = Share(limit=16, slow=8, quick_seconds=1.0, namespace=4)


class Names:
    """Looks up hosts; `resolve` is asked in threads, of which tenants with silent resolvers take a part only."""

    def __init__(self, resolve: Resolve | None = None) -> None:
        self._resolve = resolve or _resolve
        self._threads = Slots(_SHARE, time.monotonic)

    async def look_up(self, host: str, port: int) -> tuple[str, ...]:
        """Return the addresses of a host, which may be one itself.

        The end of the process does not wait for the thread that asks: a resolver may be silent for a minute.

        Raises:
            OSError, UnicodeError: there are none.
        """
        with suppress(ValueError):
            return (str(ip_address(host)),)
        turn = await self._threads.begin(behalf.key())
        loop = asyncio.get_running_loop()
        found: Future[tuple[str, ...]] = Future()
        found.set_running_or_notify_cancel()

        def work() -> None:
            try:
                found.set_result(tuple(self._resolve(host, port)))
            except Exception as error:  # noqa: BLE001  it is raised where it is waited for
                found.set_exception(error)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._threads.end, turn)

        threading.Thread(target=work, name=f"resolve {host}", daemon=True).start()
        return await asyncio.wrap_future(found)


def _resolve(host: str, port: int) -> Iterable[str]:
    return dict.fromkeys(
        str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
