"""What the commands that ask for something have in common: options, consent, and how the outcome is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from towline.api import durations
from towline.cli import output
from towline.cli.exit_codes import ExitCode
from towline.cli.output import OutputForm, OutputStyle, Tone
from towline.read.requests.answers import RequestAnswer

Command = TypeVar("Command", bound=Callable[..., Any])

FORMS = (OutputForm.TABLE, OutputForm.JSON, OutputForm.YAML, OutputForm.NAME)
"""The forms of `-o` of these commands."""


def _seconds(_context: click.Context, _option: click.Parameter, value: str) -> float:
    try:
        return durations.parse(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} must be a duration, for example 90s or 10m") from error


_WAIT = click.option(
    "--wait/--no-wait",
    default=None,
    help="Wait for what becomes of it; by default on a terminal, and not in a pipe.",
)
_TIMEOUT = click.option(
    "--timeout",
    default="5m",
    show_default=True,
    metavar="DURATION",
    callback=_seconds,
    help="How long to wait.",
)
yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


def waits(command: Command) -> Command:
    """Give a command the options by which it waits, as the arguments `wait` and `timeout`."""
    decorated: Command = _WAIT(_TIMEOUT(command))
    return decorated


def seconds(*, wait: bool | None, timeout: float) -> float:
    """Return for how long to wait, 0 where the user does not want to."""
    wanted = sys.stdout.isatty() if wait is None else wait
    return timeout if wanted else 0.0


def now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def is_agreed(question: str, *, yes: bool) -> bool:
    """Ask the user on a terminal whether to go on.

    Raises:
        UsageError: there is no terminal to ask on, and the command line does not agree either.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError("this needs a confirmation, and there is no terminal to ask on: give --yes")
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        raise KeyboardInterrupt from None


def show(found: RequestAnswer, style: OutputStyle, told: str) -> None:
    """Print what became of a request; `told` is the sentence for people."""
    if style.format is OutputForm.NAME:
        output.line(f"gitrepository.towline.dev/{found.repository.partition('/')[2]}")
    elif style.format.is_table:
        output.line(told, style, Tone.PLAIN if found.handled else Tone.DOUBTFUL)
    else:
        output.document(found.as_json(), style.format)


def refuse(sentence: str) -> ExitCode:
    """Say on standard error why nothing was asked for."""
    output.note(sentence)
    return ExitCode.NOT_AS_WANTED
