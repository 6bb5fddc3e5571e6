from __future__ import annotations

import asyncio
import gc
import platform
from pathlib import Path

import pytest
from towline.controller import malloc

MIB = 1024 * 1024


def resident() -> int:
    """What this process holds, in bytes."""
    line = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:")
    )
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such switch")
async def test_pages_that_are_free_between_others_go_back_to_the_kernel() -> None:
    blocks = [bytearray(2000 + number % 100) for number in range(40_000)]
    kept = blocks[::400]
    full = resident()
    blocks.clear()
    gc.collect()
    giving = asyncio.create_task(malloc.give_back(0.01))
    try:
        async with asyncio.timeout(10):
            while resident() > full - 50 * MIB:  # noqa: ASYNC110  the kernel tells nobody
                await asyncio.sleep(0.01)
    finally:
        giving.cancel()
    assert len(kept) == 100
