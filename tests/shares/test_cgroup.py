"""What the container may use, as its control group says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from towline.shares.cgroup import Capacity, capacity

GIB = 1024**3


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return root


@pytest.mark.parametrize(
    "files",
    [
        {"memory.max": str(GIB // 2), "cpu.max": "50000 100000"},
        {
            "memory/memory.limit_in_bytes": str(GIB // 2),
            "cpu/cpu.cfs_quota_us": "50000",
            "cpu/cpu.cfs_period_us": "100000",
        },
    ],
    ids=["version 2", "version 1"],
)
def test_the_limits_of_the_container_count(tmp_path: Path, files: dict[str, str]) -> None:
    assert capacity(written(tmp_path, files)) == Capacity(memory=GIB // 2, cpus=1)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"memory.max": "max", "cpu.max": "max 100000"},
        {"memory/memory.limit_in_bytes": "9223372036854771712", "cpu/cpu.cfs_quota_us": "-1"},
        {"memory.max": "nonsense", "cpu.max": "1 0"},
    ],
    ids=["none", "max", "version 1 without limits", "nonsense"],
)
def test_without_limits_those_of_the_machine_count(tmp_path: Path, files: dict[str, str]) -> None:
    machine = capacity(tmp_path / "nothing")
    assert machine.memory > 0
    assert machine.cpus >= 1
    assert capacity(written(tmp_path, files)) == machine
