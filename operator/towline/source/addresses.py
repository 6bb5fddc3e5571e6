"""Where a host's name leads: looked up once and kept, so that it cannot lead elsewhere a moment later."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from towline.errors import Reason, SourceError, SpecError
from towline.source.access import Remote

Resolve = Callable[[str, int], Iterable[str]]
"""Returns the addresses of a host; blocks."""

_UNICAST = ipaddress.ip_network("2000::/3")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""All that is public of version 6: what was given out, and what a gateway translates to version 4."""

_THREADS = 16


class Addresses:
    """Refuses hosts inside the operator's own network; for `--deny-private-addresses`."""

    def __init__(self, resolve: Resolve | None = None) -> None:
        self._resolve = resolve or _resolve
        self._threads = asyncio.Semaphore(_THREADS)

    async def pinned(self, remote: Remote) -> Remote:
        """Return the remote with the address that it is to be asked at.

        Raises:
            SpecError: InvalidURL, if any of the host's addresses is not public.
            SourceError: GitUnavailable, if the host has no address.
        """
        try:
            found = await self._look_up(remote.hostname, remote.port)
        except (OSError, UnicodeError) as error:
            raise SourceError(
                Reason.GIT_UNAVAILABLE, f"{remote.url}: the host's name has no address"
            ) from error
        if not found or not all(map(_is_public, found)):
            raise SpecError(
                Reason.INVALID_URL,
                f"spec.url {remote.url}: the host has an address that is not public,"
                " which this operator refuses (--deny-private-addresses)",
            )
        return replace(remote, address=found[0])

    async def _look_up(self, host: str, port: int) -> tuple[str, ...]:
        """Ask in a thread that the end of the process does not wait for: a resolver may be silent for a minute."""
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


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and not (address in _UNICAST or address in _TRANSLATED):
        return False
    return all(one.is_global and not one.is_multicast for one in (address, *_embedded(address)))


def _embedded(address: IPv4Address | IPv6Address) -> Iterable[IPv4Address]:
    """Return the version 4 addresses that a version 6 address leads to."""
    if isinstance(address, IPv4Address):
        return ()
    translated = IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else None
    teredo = address.teredo[1] if address.teredo else None
    return tuple(one for one in (address.ipv4_mapped, address.sixtofour, teredo, translated) if one)
