"""What processes have used, by the kernel's own books: processor time and memory, children included."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1024.0
"""KiB, as /proc counts memory, in one MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """One line of /proc/<pid>/stat: clock ticks of the process itself, and of children that it has waited for."""

    pid: int
    parent: int
    own: int
    reaped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """Seconds of processor time: of the process itself, and of all that descends from it, dead or alive."""

    own: float = 0.0
    children: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.own + self.children

    def __sub__(self, earlier: Cpu) -> Cpu:
        return Cpu(own=self.own - earlier.own, children=self.children - earlier.children)


def parse_stat(text: str) -> Stat:
    """Read one line of /proc/<pid>/stat; the name in it may hold spaces and parentheses."""
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(") ")[2].split()
    return Stat(
        pid=int(pid),
        parent=int(fields[1]),
        own=int(fields[11]) + int(fields[12]),
        reaped=int(fields[13]) + int(fields[14]),
    )


def descendants(root: int, stats: Iterable[Stat]) -> tuple[Stat, ...]:
    """Return those of `stats` that descend from the process `root`, itself not among them."""
    children: dict[int, list[Stat]] = {}
    for stat in stats:
        children.setdefault(stat.parent, []).append(stat)
    found: list[Stat] = []
    left = [root]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += [stat.pid for stat in below]
    return tuple(found)


def used(root: int, stats: Mapping[int, Stat]) -> Cpu:
    """Add up what a process and its descendants have used; raises `KeyError` where it does not run."""
    below = descendants(root, stats.values())
    own = stats[root].own
    children = stats[root].reaped + sum(stat.own + stat.reaped for stat in below)
    return Cpu(own=own / TICKS, children=children / TICKS)


def cpu(root: int) -> Cpu:
    """Return what a process and its descendants have used until now."""
    return used(root, _table())


def kibibytes(text: str, name: str) -> int:
    """Return one line of /proc/<pid>/status or smaps_rollup, such as `Pss: 123 kB`; 0 where there is none."""
    lines = (line.split() for line in text.splitlines() if line.startswith(f"{name}:"))
    return next((int(words[1]) for words in lines), 0)


def resident_peak(pid: int) -> float:
    """Return the most MiB that a process has ever had in memory."""
    return kibibytes((PROC / str(pid) / "status").read_text(), "VmHWM") / MIB


def resident(pid: int) -> float:
    """Return the MiB that a process has in memory now."""
    return kibibytes((PROC / str(pid) / "status").read_text(), "VmRSS") / MIB


def shared_out(root: int) -> float:
    """Return the MiB that a process and its descendants hold; what several share is divided among them (PSS).

    A child that runs no program yet (vfork) lives in its parent's memory, and would count it twice. This is asked ten
    times a second while something is measured, so it looks at no process but these.
    """
    line = _read(root, "cmdline")
    pids = (root, *(pid for pid in _below(root) if _read(pid, "cmdline") != line))
    return sum(kibibytes(_read(pid, "smaps_rollup"), "Pss") for pid in pids) / MIB


@dataclass(slots=True)
class Peak:
    """The most that was seen so far, in MiB."""

    mebibytes: float = 0.0
    _ended: Event = field(default_factory=Event)

    def follow(self, look: Callable[[], float], every: float) -> None:
        """Look every so many seconds, until `end` is called."""
        while not self._ended.wait(every):
            self.mebibytes = max(self.mebibytes, look())

    def end(self) -> None:
        """Look no more."""
        self._ended.set()


@contextmanager
def memory_peak(root: int, every: float = 0.1) -> Iterator[Peak]:
    """Watch what a process and its descendants hold together for a while."""
    peak = Peak(shared_out(root))
    thread = Thread(target=peak.follow, args=(lambda: shared_out(root), every), name="memory")
    thread.start()
    try:
        yield peak
    finally:
        peak.end()
        thread.join()


def _below(root: int) -> Iterator[int]:
    """Yield the descendants of a process that run now; each thread has a list of the children that it began."""
    with suppress(OSError):
        for task in (PROC / str(root) / "task").iterdir():
            for child in map(int, _read(root, f"task/{task.name}/children").split()):
                yield child
                yield from _below(child)


def _table() -> dict[int, Stat]:
    found = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (text := _read(int(entry.name), "stat")):
            found[int(entry.name)] = parse_stat(text)
    return found


def _read(pid: int, name: str) -> str:
    """Return a file of a process; nothing of one that has ended meanwhile."""
    with suppress(OSError):
        return (PROC / str(pid) / name).read_text()
    return ""
