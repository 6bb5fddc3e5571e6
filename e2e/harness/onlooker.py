"""What other processes of this machine can see of a program and of all that it starts, looked at without a pause."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from e2e.harness.processes import ProcessError

PAUSE = 0.001
"""Seconds between two looks: the shortest git command lives for several of them."""


@dataclass(slots=True, eq=False)
class Onlooker:
    """What was seen so far: arguments, and environment, each with its ends of strings as zeros."""

    seen: set[bytes] = field(default_factory=set)

    def saw(self, word: str) -> bool:
        """Say whether some arguments or some environment held a word."""
        return any(word.encode() in text for text in self.seen)


@contextmanager
def looking(pid: Callable[[], int]) -> Iterator[Onlooker]:
    """Look at the process `pid` names and at everything below it, whoever they are at the moment, for a while."""
    onlooker, ended = Onlooker(), threading.Event()

    def look() -> None:
        while not ended.wait(PAUSE):
            with suppress(ProcessError):
                onlooker.seen.update(_shown(pid()))

    thread = threading.Thread(target=look, name="onlooker")
    thread.start()
    try:
        yield onlooker
    finally:
        ended.set()
        thread.join()


def _shown(root: int) -> Iterator[bytes]:
    left = [Path("/proc") / str(root)]
    while left:
        process = left.pop()
        for name in ("cmdline", "environ"):
            with suppress(OSError):
                yield (process / name).read_bytes()
        left += [Path("/proc") / child for child in _children(process)]


def _children(process: Path) -> Iterator[str]:
    """Yield the children of all threads of a process; those of a process that has ended are nobody's."""
    with suppress(OSError):
        for thread in (process / "task").iterdir():
            with suppress(OSError):
                yield from (thread / "children").read_text().split()
