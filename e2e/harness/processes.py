"""Programs that run beside the tests: each in a process group of its own, stopped by id, none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

from e2e.controlplane import children

GRACE = 10.0
"""Seconds between the polite signal and SIGKILL."""


class ProcessError(Exception):
    """A program ended although it should run; the message holds the tail of what it wrote."""


@dataclass(slots=True, kw_only=True)
class Program:
    """One program: how it is started, and where its output goes (`log` is appended to by every start)."""

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    folder: Path = field(default_factory=Path.cwd)
    _process: subprocess.Popen[bytes] | None = None
    _cleared: bool = True

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group; raises `ProcessError` before the first start."""
        if self._process is None:
            raise ProcessError(f"{self.name} was not started")
        return self._process.pid

    def running(self) -> bool:
        """Say whether the process lives."""
        return self._process is not None and not children.ends(self._process)

    def exit_code(self) -> int | None:
        """Return how it ended (negative: by that signal), None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it in its own session; the kernel kills it when the thread that called this dies."""
        if threading.current_thread() is not threading.main_thread():
            raise ProcessError(
                f"{self.name}: only the main thread may start programs, they die with the thread"
            )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=dict(self.environment),
                start_new_session=True,
            )
        self._cleared = False

    def check(self) -> bool:
        """Return True while it runs, else raise `ProcessError` with the end of its log."""
        if self.running():
            return True
        raise ProcessError(f"{self.name} ended with {self.exit_code()}; {self.log} ends:\n{self.tail()}")

    def tail(self, lines: int = 20) -> str:
        """Return the last lines that it wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def send(self, signum: signal.Signals) -> None:
        """Send a signal to the process alone, as `kill` does."""
        if self._process is not None:
            self._process.send_signal(signum)

    def wait(self, deadline: float = GRACE) -> int:
        """Wait for its end and return the exit code; raises `ProcessError` after `deadline` seconds."""
        if self._process is None:
            raise ProcessError(f"{self.name} was not started")
        if not children.ends(self._process, deadline):
            raise ProcessError(f"{self.name} still runs {deadline:g} s later")
        return self._process.wait()

    def stop(self) -> None:
        """Ask it to end, then kill what is left of its group; does nothing when it does not run."""
        if self._process is None:
            return
        if self.running():
            self._process.terminate()
            children.ends(self._process, GRACE)
        self.kill()

    def kill(self) -> None:
        """Kill its whole group at once and reap it."""
        if self._process is None or self._cleared:
            return
        self._cleared = True  # never twice: the kernel may have given the id to somebody else
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@dataclass(frozen=True, slots=True)
class Found:
    """One line of the process table."""

    pid: int
    command: str


def leftovers(folder: Path) -> tuple[Found, ...]:
    """Return the processes, whoever started them, that name `folder` in their arguments or stand below it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if command and (str(folder) in command or (entry / "cwd").readlink().is_relative_to(folder)):
                found.append(Found(int(entry.name), command))
    return tuple(found)


@contextmanager
def ended_by_signals() -> Iterator[Callable[[], bool]]:
    """Turn SIGTERM and SIGHUP into `SystemExit` for a while, so that what was started is stopped in order.

    SIGINT stays `KeyboardInterrupt`, also where a background job of a shell was started with it ignored.

    Yields whether one has come: where the interpreter happens to run a finalizer it drops the exception, so whoever
    waits for long asks from time to time.
    """
    came: list[int] = []

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        came.append(number)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    before = {
        number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    }
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
