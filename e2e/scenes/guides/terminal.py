"""A terminal: a text is pasted into an interactive shell, which reads it as what a person types."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from e2e.harness import shells

_LINES = {"bash": ("--noediting",), "zsh": ("+o", "zle")}
"""The arguments with which a shell reads whole lines, so that its line editor draws nothing."""

_STOP_AT_AN_ERROR = ("-i", "-s", "-e", "-u", "-o", "pipefail")
_EXIT = "\nexit\n\x04\x04\x04"
"""Ends the shell; the ends of input are for one that still waits for the end of a quoted text."""


class Pasted(NamedTuple):
    """How a shell ended, and what it printed."""

    exit_code: int
    printed: str
    errors: str


def paste(
    text: str, shell: str, folder: Path, environment: Mapping[str, str], *, deadline: float = 500
) -> Pasted:
    """Paste a text into a shell that somebody sits at, which ends at the first command that fails.

    It is read as an interactive shell reads: zsh takes `#` for a command, and `!` recalls an earlier line.

    Args:
        text: the commands.
        shell: `bash` or `zsh`.
        folder: where they are typed.
        environment: all that the shell gets from the one who sits there.
        deadline: after how many seconds the shell is killed.

    Raises:
        subprocess.TimeoutExpired: it was.
        shells.NoShellError: there is no such shell.
    """
    found = shells.found(shell)
    with _keyboard(text + _EXIT) as line:
        started = subprocess.Popen(
            [*found.argv[:1], *_LINES[shell], *found.argv[1:], *_STOP_AT_AN_ERROR],
            cwd=folder,
            env={**environment, **found.environment, "PS1": "", "PS2": "", "HISTFILE": ""},
            stdin=line,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            printed, errors = started.communicate(timeout=deadline)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()
    return Pasted(started.returncode, printed, errors)


@contextmanager
def _keyboard(text: str) -> Iterator[int]:
    """Open a terminal that does not echo, at which a text is typed."""
    keyboard, line = pty.openpty()
    settings = termios.tcgetattr(line)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(line, termios.TCSANOW, settings)
    hands = [
        threading.Thread(target=_type, args=(keyboard, text.encode()), name="typing"),
        threading.Thread(target=_clear, args=(keyboard,), name="clearing the screen"),
    ]
    for each in hands:
        each.start()
    try:
        yield line
    finally:
        os.close(line)  # the last one that has it, once the shell has ended: both threads end, too
        for each in hands:
            each.join()
        os.close(keyboard)


def _type(keyboard: int, text: bytes) -> None:
    with suppress(OSError):  # the shell has ended
        while text:
            text = text[os.write(keyboard, text) :]


def _clear(keyboard: int) -> None:
    """Take away what is drawn, so that nobody waits for room on the screen."""
    with suppress(OSError):
        while os.read(keyboard, 4096):
            pass
