"""Build Helm, where it is not found, while earlier chapters are told."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from e2e.controlplane import assemble, children
from e2e.controlplane.progress import EVERY, StepError, say


@contextmanager
def building(environment: Mapping[str, str]) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Yield where Helm is, or will be, and a function that waits for it; the build ends with the block.

    Raises:
        StepError: by the function, where the build failed.
    """
    command = ("nice", sys.executable, "-m", "e2e.controlplane", "helm")
    with (
        tempfile.TemporaryFile("w+", errors="replace") as output,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT) as build,
    ):

        def built() -> None:
            if not children.ends(build, EVERY):
                say("   Helm is being built, once for all demos; that takes some minutes …")
            while not children.ends(build, EVERY):
                say("… still waiting")
            if build.wait():
                output.seek(0)
                raise StepError(f"Helm could not be built: {output.read()}")

        try:
            yield assemble.helm_place(environment), built
        finally:
            if not children.ends(build):
                build.terminate()
