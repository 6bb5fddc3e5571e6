"""Start children with limits that hold from their first instruction on, and nothing of the operator's environment.

A limit that is set on a running process comes too late for what it has allocated: so a shell sets them, and becomes
the command.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

_KIB = 1024
_BLOCK = 512
"""Bytes of the unit in which a POSIX shell counts `ulimit -f`."""

_GRACE = 5
_NICE = 10
"""How much a child for a repository that used much lately stands back behind the others."""

_STARVED = re.compile(r"out of memory|cannot allocate memory", re.IGNORECASE)


_SHELLS_OWN = ("PWD", "OLDPWD", "SHLVL", "_")
"""Variables that a shell adds."""


class NoShellError(Exception):
    """Neither `sh` nor `env` is where the operator runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What each process of a child may use.

    Attributes:
        memory: bytes that it may allocate.
        seconds: of processor time, after which a signal of its own ends it (SIGXCPU), and soon another one.
        file_bytes: of each file that it writes; as the operator itself where it is None.
        descriptors: how many it may have open; as the operator itself where it is None.
    """

    memory: int
    seconds: int
    file_bytes: int | None = None
    descriptors: int | None = None

    def settings(self) -> Iterator[str]:
        """Yield the commands by which a shell limits itself."""
        yield "ulimit -c 0"
        yield f"ulimit -d {self.memory // _KIB}"
        yield f"ulimit -S -t {self.seconds}"
        yield f"ulimit -H -t {self.seconds + _GRACE}"
        if self.file_bytes is not None:
            yield f"ulimit -f {self.file_bytes // _BLOCK}"
        if self.descriptors is not None:
            yield f"ulimit -n {self.descriptors}"


class Limiter:
    """Makes the command lines of limited children."""

    def __init__(self) -> None:
        self._shell, self._env = shutil.which("sh"), shutil.which("env")

    def limited(
        self, limits: Limits, environment: Iterable[str], command: Sequence[str], *, inherits: bool = False
    ) -> tuple[str, ...]:
        """Return what runs a command within limits, with these `NAME=value` and no other variables.

        Args:
            limits: what it may use.
            environment: its variables, which every process of the machine can read.
            command: the command.
            inherits: whether it has those as well that it is started with, which may be secret.

        Raises:
            NoShellError: it cannot be run so.
        """
        if self._shell is None or self._env is None:
            raise NoShellError
        script = " && ".join((*limits.settings(), 'exec "$@"'))
        clean = [part for name in _SHELLS_OWN for part in ("-u", name)] if inherits else ["-i"]
        return (self._shell, "-c", script, "child", self._env, *clean, *environment, *command)


def step_back(pid: int) -> None:
    """Let the group of a child, which it leads, stand back behind all others."""
    with suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PGRP, pid, _NICE)


def is_starved(complaint: str) -> bool:
    """Tell from what a child complained of whether it may not allocate as much as it needs."""
    return _STARVED.search(complaint) is not None
