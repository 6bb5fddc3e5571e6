"""What the demo prints: numbered steps with the time, and each command before its output."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from e2e.controlplane import children
from e2e.controlplane.progress import EVERY

_WIDTH = 78
_PLAIN = ""
_TITLE = "1"
_COMMAND = "36"
_QUIET = "2"


class CommandError(Exception):
    """A command of the demo failed; the message holds the end of its output."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where lines are printed, with colours or without."""

    out: TextIO
    coloured: bool

    def line(self, text: str, code: str = _PLAIN) -> None:
        """Print one line at once; `code` is the number of a terminal's style."""
        styled = f"\x1b[{code}m{text}\x1b[0m" if self.coloured and code and text else text
        self.out.write(f"{styled}\n")
        self.out.flush()


def page(out: TextIO, environment: Mapping[str, str]) -> Page:
    """Return a page on `out`: with colours where it is a terminal that has them, and NO_COLOR is not set."""
    plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
    return Page(out, coloured=out.isatty() and not plain)


class Narrator:
    """Tells the story and runs its commands in `folder`; `check` raises when what they need has ended."""

    def __init__(
        self,
        page: Page,
        folder: Path,
        environment: Mapping[str, str],
        check: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._page = page
        self._folder = folder
        self._environment = dict(environment)
        self._check = check
        self._clock = clock
        self._began = clock()
        self._step = 0

    def step(self, title: str) -> None:
        """Begin the next step; beside it is the time since the first one."""
        self._step += 1
        seconds = int(self._clock() - self._began)
        told = f"== {self._step}. {title}"
        self._page.line("")
        self._page.line(f"{told:<{_WIDTH - 6}}{seconds // 60:>3}:{seconds % 60:02}", _TITLE)

    def tell(self, text: str) -> None:
        """Print a sentence."""
        self._page.line(f"   {text}", _QUIET)

    def run(self, command: str, *, succeeds: bool = True) -> str:
        """Print a command of the shell, run it, print its output and return it.

        Raises:
            CommandError: it fails although it should succeed.
        """
        self._page.line(f"$ {command}", _COMMAND)
        output = self.quietly(command, succeeds=succeeds)
        for line in filter(str.strip, output.splitlines()):
            self._page.line(line.rstrip())
        return output

    def quietly(self, command: str, *, succeeds: bool = True) -> str:
        """Run a command of the shell that is no part of the story, and return its output.

        Raises:
            CommandError: it fails although it should succeed.
        """
        with (
            tempfile.TemporaryFile("w+", errors="replace") as output,
            subprocess.Popen(
                ["sh", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=self._environment,
            ) as process,
        ):
            try:
                while not children.ends(process, EVERY):
                    self._check()
                    self.tell("… still waiting")
            except BaseException:
                process.kill()
                raise
            code = process.wait()
            output.seek(0)
            written = output.read()
        if code and succeeds:
            raise CommandError(f"{command}\nended with {code}: {written.strip()}")
        return written

    def until(self, command: str, told: str) -> None:
        """Wait for the end of a command, and say how long it took: `told` holds `{}` where the seconds belong."""
        began = self._clock()
        self.quietly(command)
        self.tell(told.format(f"{self._clock() - began:.1f} s"))
