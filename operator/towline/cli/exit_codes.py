"""The exit codes of all commands."""

from __future__ import annotations

from enum import IntEnum

import click


class ExitCode(IntEnum):
    """How a command ended, for scripts."""

    GOOD = 0
    NOT_AS_WANTED = 1
    NO_ANSWER = 2
    """Wrong usage, no answer, or not all of it."""
    INTERRUPTED = 130
    """Ended by Ctrl-C, as a shell counts it."""
    READER_GONE = 141
    """What read the output ended first, as a shell counts it."""


class NoAnswerError(click.ClickException):
    """A command cannot give an answer; the message says why, and what to do."""

    exit_code = ExitCode.NO_ANSWER
