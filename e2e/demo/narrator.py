"""What the demo prints: numbered steps, and each command before its output."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from e2e.controlplane import children
from e2e.controlplane.progress import EVERY, say


class CommandError(Exception):
    """A command of the demo failed; its output has been printed."""


class Narrator:
    """Tells the story and runs its commands in `folder`; `check` raises when what they need has ended."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], check: Callable[[], object] = lambda: None
    ) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._check = check
        self._step = 0

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._step += 1
        say(f"\n== {self._step}. {title}")

    def tell(self, text: str) -> None:
        """Print a sentence."""
        say(f"   {text}")

    def run(self, *command: str) -> str:
        """Print a command, run it, print its output and return it; raises `CommandError` when it fails."""
        say(f"\n$ {shlex.join(command)}")
        output, code = self._output(command)
        say(output.rstrip("\n"))
        if code:
            raise CommandError(f"{command[0]} ended with {code}")
        return output

    def _output(self, command: Sequence[str]) -> tuple[str, int]:
        with (
            tempfile.TemporaryFile("w+", errors="replace") as output,
            subprocess.Popen(
                command,
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
                    say("… still waiting")
            except BaseException:
                process.kill()
                raise
            code = process.wait()
            output.seek(0)
            return output.read(), code
