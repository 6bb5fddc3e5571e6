"""Read what the container may use: memory and processor time, as its control group says (version 2, else 1)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_UNLIMITED = 2**60
"""Version 1 writes a huge number where there is no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What the process and its children may use together: bytes of memory, and processors (at least one)."""

    memory: int
    cpus: int


def capacity(root: Path = ROOT) -> Capacity:
    """Return the limits of the container, or those of the machine where it has none or they cannot be read."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    memory = _memory(root)
    usable = len(os.sched_getaffinity(0))
    return Capacity(
        memory=min(memory or machine, machine),
        cpus=max(1, min(usable, _cpus(root) or usable)),
    )


def _memory(root: Path) -> int | None:
    text = _read(root / "memory.max") or _read(root / "memory" / "memory.limit_in_bytes")
    limit = int(text) if text.isdecimal() else 0
    return limit if 0 < limit < _UNLIMITED else None


def _cpus(root: Path) -> int | None:
    """Return the processors of the quota, rounded up: a child that has a part of one still needs a place."""
    quota, _, period = (_read(root / "cpu.max") or _version_1(root / "cpu")).partition(" ")
    if not (quota.isdecimal() and period.isdecimal() and int(period)):
        return None
    return -(-int(quota) // int(period))


def _version_1(folder: Path) -> str:
    return f"{_read(folder / 'cpu.cfs_quota_us')} {_read(folder / 'cpu.cfs_period_us')}"


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
