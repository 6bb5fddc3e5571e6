"""Somebody who writes one object again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Rival:
    """Writes until it is told to stop; `writes` counts how often it did."""

    write: Callable[[int], object]
    pause: float
    writes: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Write, wait, write again."""
        while not self._stopped.is_set():
            self.writes += 1
            self.write(self.writes)
            self._stopped.wait(self.pause)

    def stop(self) -> None:
        """Write no more."""
        self._stopped.set()


@contextmanager
def fighting(write: Callable[[int], object], *, pause: float = 1.0) -> Iterator[Rival]:
    """Let somebody write all the time, with a pause in seconds; `write` gets the number of the write."""
    rival = Rival(write, pause)
    thread = threading.Thread(target=rival.run, name="rival")
    thread.start()
    try:
        yield rival
    finally:
        rival.stop()
        thread.join()
