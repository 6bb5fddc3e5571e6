"""Watching a child process in a way that a signal may interrupt anywhere."""

from __future__ import annotations

import os
import subprocess
import time

_PAUSE = 0.01


def ends(process: subprocess.Popen[bytes], within: float = 0.0) -> bool:
    """Say whether `process` has ended, or ends within so many seconds; does not reap it.

    `Popen.poll` and `Popen.wait` with a timeout take a lock and then enter the block that releases it. What a signal
    handler raises between the two leaves the lock taken, and the next `wait` of that process never returns. Likewise, a
    descriptor of the process would stay open.
    """
    if process.returncode is not None:
        return True
    end = time.monotonic() + within
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        left = end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(left, _PAUSE))
    return True
