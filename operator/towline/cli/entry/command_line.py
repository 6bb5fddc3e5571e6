"""The group of all commands: however one ends, its exit code says so, and no pipe or disk gives a trace."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from towline.cli.entry.lazy_group import LazyGroup
from towline.cli.exit_codes import ExitCode


class CommandLine(LazyGroup):
    """A lazy group that also says how it ended where click does not.

    What reads the output may end first, as `head` does; the disk that it goes to may be full; standard output may be
    closed; the locale may lack a character. None of them is an answer, so none may look like one.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run one command, which exits in most cases."""
        _prepare()
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except (KeyboardInterrupt, click.Abort):
            sys.exit(ExitCode.INTERRUPTED)
        except OSError as error:
            _broken(error)


def _prepare() -> None:
    """Have a standard output and a standard error, which write what the locale lacks as `?` or an escape."""
    for name, replaced in (("stdout", "replace"), ("stderr", "backslashreplace")):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  it is open until the process ends
            setattr(sys, name, nowhere)
        elif stream.encoding.lower().replace("-", "") != "utf8" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=replaced)


def _broken(error: OSError) -> NoReturn:
    """Exit after an output that could not be written; any other error is a bug, and keeps its trace."""
    if error.errno == errno.EPIPE:
        _quietly(ExitCode.READER_GONE)
    if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF} or error.filename:
        raise error
    click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
    _quietly(ExitCode.NO_ANSWER)


def _quietly(code: ExitCode) -> NoReturn:
    """Exit without another try to write what could not be written."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    sys.exit(code)
