"""The address that probes and metrics are served at, as a flag has it."""

from __future__ import annotations

import re


def address(listen: str) -> tuple[str | None, int]:
    """Split `host:port`; the host is None, which means all addresses, where it is left out.

    An address of IP version 6 stands in brackets.

    Raises:
        ValueError: it is no such text.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError("it must be HOST:PORT, for example 127.0.0.1:8080")
    return host.removeprefix("[").removesuffix("]") or None, int(port)
