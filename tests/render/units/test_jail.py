"""How a tool is confined: what it sees, what it may use, and what is left of it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from towline.render.units.jail import Jail, JailError
from towline.shares.pools import Pools


def jail(folder: Path, seconds: float = 30) -> Jail:
    return Jail(folder, Pools.here(), seconds)


async def ran(folder: Path, script: str, files: dict[str, bytes] | None = None) -> str:
    run = await jail(folder).run(("/bin/sh", "-c", script), files or {})
    return run.result.out.decode() + run.result.complaint


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


async def test_a_tool_sees_its_files_and_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_OPERATOR", "x")
    told = await ran(tmp_path, "/bin/cat a/b.yaml; export", {"a/b.yaml": b"content\n"})
    assert told.startswith("content\n")
    assert "SECRET_OF_THE_OPERATOR" not in told
    assert "PATH='/nonexistent'" in told
    assert is_empty(tmp_path)


async def test_its_files_are_for_reading_by_the_operator_alone(tmp_path: Path) -> None:
    assert (await ran(tmp_path, "/bin/ls -l a", {"a": b""})).startswith("-r--------")


async def test_its_limits_hold_from_the_start(tmp_path: Path) -> None:
    told = await ran(tmp_path, "ulimit -c; ulimit -n; ulimit -d; ulimit -t")
    core, descriptors, memory, seconds = map(int, told.split())
    assert (core, descriptors, seconds) == (0, 256, 30)
    assert memory <= 512 * 1024


async def test_a_tool_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    with pytest.raises(JailError, match=r"took more than 1 s") as raised:
        await jail(tmp_path, 1).run(("/bin/sh", "-c", "/bin/sleep 600 & /bin/sleep 600"), {"a": b""})
    assert raised.value.passing
    assert is_empty(tmp_path)


async def test_a_tool_that_writes_without_end_is_killed(tmp_path: Path) -> None:
    with pytest.raises(JailError, match=r"wrote more than 32 MiB") as raised:
        await jail(tmp_path).run(("/bin/cat", "/dev/zero"), {})
    assert not raised.value.passing
    assert is_empty(tmp_path)


async def test_a_render_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    folder = tmp_path / "renders"
    task = asyncio.create_task(
        jail(folder).run(("/bin/sh", "-c", f": >{begun}; /bin/sleep 600"), {f"{n}": b"" for n in range(50)})
    )
    await asyncio.to_thread(begun.read_bytes)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_empty(folder)


def test_what_an_earlier_process_left_is_deleted_at_the_start(tmp_path: Path) -> None:
    left = tmp_path / "render-x" / "confined"
    left.mkdir(parents=True)
    (left / "secret").write_text("x")
    (left / "secret").chmod(0o400)
    jail(tmp_path)
    assert is_empty(tmp_path)
