"""Say where copies of files are while a tool renders them: in memory, because decrypted values are among them."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from towline import log

MEMORY = Path("/dev/shm")  # noqa: S108  what is made there is checked to be of this user alone

_log = log.logger(__name__)
_NAME = "renders"


def render_folder(data: Path, memory: Path = MEMORY) -> Path:
    """Return the folder for the copies, which no other user can read.

    That is `renders` in the data folder where it is a mount of its own, as the chart makes it; else a folder in the
    memory of the machine, the same one after a restart, so that nothing is left there; else the former again.

    Args:
        data: the data folder.
        memory: a file system that is in memory, where the machine has it.
    """
    own = data / _NAME
    if own.is_mount():
        return own
    name = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]
    found = memory / f"towline-{os.getuid()}-{name}"
    if _is_private(found):
        return found
    _log.warning("renders are copied to the disk", folder=str(own))
    return own


def _is_private(folder: Path) -> bool:
    """Make a folder; tell whether it is there, and nobody else made it."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
