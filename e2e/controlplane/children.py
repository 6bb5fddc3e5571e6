"""Watching a child process in a way that a signal may interrupt anywhere."""

from __future__ import annotations

import os
import select
import subprocess


def ends(process: subprocess.Popen[bytes], within: float = 0.0) -> bool:
    """Say whether `process` has ended, or ends within so many seconds; does not reap it.

    `Popen.poll` and `Popen.wait` with a timeout take a lock and then enter the block that releases it. What a signal
    handler raises between the two leaves the lock taken, and the next `wait` of that process never returns.
    """
    if process.returncode is not None:
        return True
    handle = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(within * 1000))
    finally:
        os.close(handle)
