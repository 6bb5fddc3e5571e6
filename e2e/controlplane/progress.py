"""Run one long command and say every few seconds that it still runs; usable before anything is installed.

python -m e2e.controlplane.progress WHAT COMMAND [ARGUMENT…] runs the command and ends as it does.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from e2e.controlplane import children

EVERY = 8.0
"""Seconds between two lines; whoever waits is promised one every ten."""

EVERY_ON_A_TERMINAL = 1.0
"""Seconds between two changes of the one line that a terminal shows."""

Judge = Callable[[str, float], str]
"""From what a command has written, and the seconds since its start, to what is said of it."""


class StepError(Exception):
    """A command failed; the message says which, and how its output ends."""


def say(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def elapsed(_written: str, seconds: float) -> str:
    """Say for how long a command has been running."""
    return f"{seconds:.0f} s"


def run(
    what: str,
    argv: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    every: float = 0.0,
    judge: Judge = elapsed,
) -> str:
    """Run `argv` in `folder`, saying `what` it does from its start to its end; returns what it wrote.

    In a pipe that is a line every `every` seconds; on a terminal it is one line, which changes. The command's own
    output is shown only when it fails: raises `StepError`.
    """
    start = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as output, _Line(what) as line:
        with subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=None if environment is None else dict(environment),
        ) as process:
            try:
                while not children.ends(process, every or line.every):
                    line.put(f"{what} … {judge(_written(output), time.monotonic() - start)}")
            except BaseException:
                process.terminate()
                raise
        written = _written(output)
        if process.returncode:
            raise StepError(f"{what} failed ({argv[0]} ended with {process.returncode}):\n{_tail(written)}")
        line.put(f"{what}: done after {time.monotonic() - start:.0f} s")
    return written


class _Line:
    """What is said of a command: lines in a pipe, one line that changes on a terminal."""

    def __init__(self, what: str) -> None:
        self._changes = sys.stdout.isatty()
        self.every = EVERY_ON_A_TERMINAL if self._changes else EVERY
        self._what = what

    def __enter__(self) -> Self:
        self.put(f"{self._what} …")
        return self

    def __exit__(self, *_error: object) -> None:
        if self._changes:
            say("")

    def put(self, text: str) -> None:
        if self._changes:
            sys.stdout.write(f"\r\x1b[K{text}")
            sys.stdout.flush()
        else:
            say(text)


def _written(output: IO[str]) -> str:
    """Return what a command has written so far; its next output follows that, wherever this reads."""
    output.flush()
    with open(f"/proc/self/fd/{output.fileno()}", errors="replace") as again:  # noqa: PTH123  # no path of its own
        return again.read()


def _tail(output: str) -> str:
    return "\n".join(output.splitlines()[-30:])


def main(arguments: Sequence[str]) -> int:
    """Run what the command line says; returns its exit code."""
    what, *argv = arguments
    try:
        run(what, argv)
    except (StepError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
