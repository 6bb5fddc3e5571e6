"""A crash leaves no memory on disk: neither the operator's nor that of a program that it runs."""

from __future__ import annotations

import subprocess
import sys

_STARTS_A_CHILD = """
import resource, subprocess
from towline.controller import core_dumps
allowed = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (allowed, allowed))
core_dumps.forbid()
print(*resource.getrlimit(resource.RLIMIT_CORE), flush=True)
subprocess.run(["sh", "-c", "ulimit -Sc; ulimit -Hc"])
"""


def test_a_child_inherits_that_it_may_leave_no_core_dump() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _STARTS_A_CHILD], capture_output=True, text=True, timeout=30, check=True
    )
    assert ended.stdout.splitlines() == ["0 0", "0", "0"]
