"""How a tool is confined: what it sees, what it may use, and what is left of it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from towline.model import Key
from towline.render.confined import landlock
from towline.render.confined.jail import Grant, Jail, JailError
from towline.shares import behalf
from towline.shares.cgroup import Capacity
from towline.shares.pools import Pools

from tests.render.kubectl import KUBECTL
from tests.source.waiting import until


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
        await jail(tmp_path).run(("/usr/bin/yes",), {})
    assert not raised.value.passing
    assert is_empty(tmp_path)


async def test_a_render_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    task = asyncio.create_task(
        jail(tmp_path).run(
            ("/bin/sh", "-c", ': >"$HOME"/begun; /bin/sleep 600'), {f"{n}": b"" for n in range(50)}
        )
    )
    await until(lambda: any(tmp_path.glob("render-*/home/begun")), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_empty(tmp_path)


def test_what_an_earlier_process_left_is_deleted_at_the_start(tmp_path: Path) -> None:
    left = tmp_path / "render-x" / "confined"
    left.mkdir(parents=True)
    (left / "secret").write_text("x")
    (left / "secret").chmod(0o400)
    jail(tmp_path)
    assert is_empty(tmp_path)


_with_landlock = pytest.mark.skipif(not landlock.version(), reason="the kernel has no Landlock")


@_with_landlock
async def test_a_tool_reads_no_other_file_of_the_machine(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the operator")
    told = await ran(tmp_path / "renders", f"/bin/cat {secret} /etc/hostname /proc/1/environ")
    assert "of the operator" not in told
    assert told.count("Permission denied") == 3


@_with_landlock
async def test_a_tool_changes_nothing_but_its_own_home(tmp_path: Path) -> None:
    told = await ran(
        tmp_path / "renders", f'echo x >"$HOME"/a && echo wrote; echo x >b; echo x >{tmp_path}/c', {"a": b""}
    )
    assert told.startswith("wrote\n")
    assert told.count("cannot create") == 2
    assert not (tmp_path / "c").exists()


@_with_landlock
async def test_a_tool_reaches_no_server(tmp_path: Path) -> None:
    reached: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: reached.append(writer), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        run = await jail(tmp_path).run((str(KUBECTL), "-s", f"http://127.0.0.1:{port}", "version"), {})
    assert "connect: permission denied" in run.result.complaint
    assert not reached


@_with_landlock
async def test_the_operator_itself_is_not_confined(tmp_path: Path) -> None:
    await ran(tmp_path, ":")
    (tmp_path / "written").write_text("afterwards")
    assert await asyncio.to_thread((tmp_path / "written").read_text) == "afterwards"


async def test_a_tool_that_needs_more_memory_gets_it_in_a_second_run(tmp_path: Path) -> None:
    hungry = 'test "$(ulimit -d)" -gt 200000 || { echo "out of memory" >&2; exit 2; }; ulimit -d'
    assert int(await ran(tmp_path, hungry)) <= 512 * 1024
    with pytest.raises(JailError, match=r"took more than \d+ MiB: split it") as raised:
        await ran(tmp_path, 'echo "out of memory" >&2; exit 2')
    assert not raised.value.passing
    assert is_empty(tmp_path)


async def test_slow_tools_leave_room_for_others_in_their_own_namespace_and_in_another(tmp_path: Path) -> None:
    pools = Pools.of(Capacity(cpus=2, memory=1024**3), time.monotonic)
    jail = Jail(tmp_path / "renders", pools)

    async def run(key: Key, script: str) -> None:
        with behalf.of(key):
            await jail.run(("/bin/sh", "-c", script), {})

    slow = [asyncio.create_task(run(Key("team", f"slow-{n}"), "exec /bin/sleep 600")) for n in range(2)]
    async with asyncio.timeout(60):
        await until(lambda: any((tmp_path / "renders").glob("*")), 60)
        pools.render_usage.add(Key("team", "slow-0"), 600.0)
        for namespace in ("team", "other"):
            await asyncio.gather(*(run(Key(namespace, f"quick-{n}"), "exit 0") for n in range(5)))
        async with pools.children.take(Key("team", "slow-0")):
            pass
    for task in slow:
        task.cancel()
    await asyncio.wait(slow)


async def test_what_is_granted_is_in_the_environment_and_in_no_argument(tmp_path: Path) -> None:
    script = "/bin/cat /proc/$$/cmdline; export"
    grant = Grant(environment={"TOKEN": "hunter2", "HOME": "/elsewhere"})
    run = await jail(tmp_path).run(("/bin/sh", "-c", script), {}, grant=grant)
    arguments, _, exported = run.result.out.decode().partition("export ")
    assert "hunter2" not in arguments
    assert "TOKEN='hunter2'" in exported
    assert "/elsewhere" not in exported


async def test_a_tool_that_collects_late_does_so_from_half_of_its_memory_on(tmp_path: Path) -> None:
    command = ("/bin/sh", "-c", "ulimit -d; export")
    run = await jail(tmp_path).run(command, {}, grant=Grant(collects_late=True))
    kib, _, exported = run.result.out.decode().partition("\n")
    assert f"GOMEMLIMIT='{int(kib) * 512}'" in exported
    assert "GOMEMLIMIT" not in await ran(tmp_path, "export")


@_with_landlock
async def test_tcp_is_for_a_run_that_is_granted_it(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(answered, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ask = (str(KUBECTL), "get", "--raw", "/", "--server", url)
        await jail(tmp_path).run(ask, {})
        assert seen == []
        await jail(tmp_path).run(ask, {}, grant=Grant(network=True))
        assert seen[:1] == [b"GET / HTTP/1.1\r\n"]
