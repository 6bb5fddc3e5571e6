"""Run one long command and say every few seconds that it still runs; usable before anything is installed.

python -m e2e.controlplane.progress WHAT COMMAND [ARGUMENT…] runs the command and ends as it does.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from e2e.controlplane import children

EVERY = 8.0
"""Seconds between two lines; whoever waits is promised one every ten."""


class StepError(Exception):
    """A command failed; the message says which, and how its output ends."""


def say(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(
    what: str,
    argv: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    every: float = EVERY,
) -> None:
    """Run `argv` in `folder`; print a line with `what` at the start, every `every` seconds, and at the end.

    The command's own output is shown only when it fails: raises `StepError`.
    """
    start = time.monotonic()
    say(f"{what} …")
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        with subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=None if environment is None else dict(environment),
        ) as process:
            try:
                while not children.ends(process, every):
                    say(f"{what} … {time.monotonic() - start:.0f} s")
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            output.seek(0)
            raise StepError(
                f"{what} failed ({argv[0]} ended with {process.returncode}):\n{_tail(output.read())}"
            )
    say(f"{what}: done after {time.monotonic() - start:.0f} s")


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
