"""What goes over a connection: headers that may be passed on, and the lines of a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import aiohttp

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "upgrade"})
"""Headers that belong to one connection."""


def passed(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are for the other end."""
    return {name: value for name, value in headers.items() if name.lower() not in _HOP}


async def lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Cut a stream into lines, each with its end; what a broken connection leaves of the last one is dropped."""
    rest = bytearray()
    with suppress(aiohttp.ClientPayloadError):
        async for chunk in content.iter_any():
            rest += chunk
            while (end := rest.find(b"\n") + 1) > 0:
                line, rest = bytes(rest[:end]), rest[end:]
                yield line
