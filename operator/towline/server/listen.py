"""Parse the address of `--listen`."""

from __future__ import annotations

import re


def address(listen: str) -> tuple[str | None, int]:
    """Split `host:port`; without a host it is None, which means all addresses.

    IPv6 addresses are in brackets.

    Raises:
        ValueError: the text is malformed.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError("it must be HOST:PORT, for example 127.0.0.1:8080")
    return host.removeprefix("[").removesuffix("]") or None, int(port)
