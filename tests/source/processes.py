"""What other processes of this machine show to everybody: their arguments and, to their owner, their environment."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def shown(*, mentioning: str) -> dict[int, bytes]:
    """Return arguments and environment of every live process whose arguments mention a text, by process id."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            arguments = (folder / "cmdline").read_bytes()
            if mentioning.encode() in arguments:
                found[int(folder.name)] = arguments + (folder / "environ").read_bytes()
    return found
