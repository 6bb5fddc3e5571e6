"""Give freed memory back to the kernel: glibc alone keeps a tenth of the process after many first passes."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from contextlib import suppress

TRIM_SECONDS = 5.0
"""Seconds between two calls that give pages back; a call takes some five milliseconds of a thread."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of mallopt(3)
_LARGE = 512 * 1024  # bytes


def tune() -> None:
    """Have glibc keep little: no large block, no large end of its heap, and one heap for all threads.

    By default it raises its limits with every large block that is freed, and gives each thread a heap, although
    Python's threads take turns. Other C libraries have no such switches.
    """
    with suppress(AttributeError, OSError):
        switch = ctypes.CDLL(None).mallopt
        switch(_MMAP_THRESHOLD, _LARGE)
        switch(_TRIM_THRESHOLD, _LARGE)
        switch(_ARENA_MAX, 1)


async def give_back(seconds: float = TRIM_SECONDS) -> None:
    """Return the free pages inside the heap to the kernel, again and again: each pass leaves some."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return
    while True:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(trim, 0)
