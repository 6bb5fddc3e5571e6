"""Names are completed in bash, zsh and fish themselves, and for kubectl."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.harness import shells
from e2e.harness.shells import Shell
from tests.cli.test_get import SHOP
from tests.cli.test_logs import WEB
from tests.kube.api_of_bodies import ApiOfBodies, kubeconfig
from tests.kube.loopback import Server, served

SECONDS = 120.0
PROGRAM = (
    f"#!{sys.executable}\nimport sys\nfrom towline.__main__ import {{0}}\nsys.argv[0] = 'towline'\n{{0}}()\n"
)
START = {
    "bash": 'eval "$(_TOWLINE_COMPLETE=bash_source towline)"',
    "zsh": 'autoload -Uz compinit; compinit -uD; eval "$(_TOWLINE_COMPLETE=zsh_source towline)"',
    "fish": "_TOWLINE_COMPLETE=fish_source towline | source",
}
"""What the reference page tells users to write into the start-up files of their shells."""

TYPED = {
    "towline tre": "towline tree",
    "towline tree sh": "towline tree shop",
    "towline logs deploy/w": "deploy/web",
}


@contextmanager
def programs(folder: Path, config: str) -> Iterator[Mapping[str, str]]:
    """Yield an environment in which `towline` and kubectl's plugins are on PATH."""
    for name, function in (("towline", "main"), ("kubectl_complete-towline", "complete")):
        (folder / name).write_text(PROGRAM.format(function))
        (folder / name).chmod(0o755)
    yield {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        "KUBECONFIG": config,
        "TOWLINE_COMPLETION_SECONDS": "60",
    }


class Terminal:
    """A shell at a terminal: keys are typed, and what it shows is waited for."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._shown = b""

    def type(self, keys: str) -> None:
        """Type keys; what was shown before is forgotten."""
        self._shown = b""
        os.write(self._master, keys.encode())

    def until(self, wanted: str) -> None:
        """Wait until the shell shows a text."""
        deadline = time.monotonic() + SECONDS
        while wanted.encode() not in self._shown:
            left = deadline - time.monotonic()
            assert left > 0, f"{wanted!r} is not in {self._shown.decode(errors='replace')!r}"
            if select.select([self._master], [], [], left)[0]:
                self._shown += os.read(self._master, 4096)


@contextmanager
def at_terminal(shell: Shell, environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Start a shell as a person does."""
    master, terminal = pty.openpty()
    with subprocess.Popen(
        [*shell.argv, "-i"],
        env={**environment, **shell.environment},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        try:
            yield Terminal(master)
        finally:
            process.kill()
            os.close(master)


def tabbed(name: str, environment: Mapping[str, str]) -> None:
    """Type beginnings of commands, press the tabulator behind each, and wait for the rest."""
    with at_terminal(shells.wanted(name), environment) as terminal:
        terminal.type(f"{START[name]}; echo rea''dy\n")
        terminal.until("ready")
        for typed, whole in TYPED.items():
            terminal.type(f"{typed}\t")
            terminal.until(whole)
            terminal.type("\x15")


@pytest.mark.parametrize("name", ["bash", "zsh"])
async def test_a_shell_at_a_terminal_completes_commands_and_names(name: str, tmp_path: Path) -> None:
    shells.wanted(name)
    server = Server(ApiOfBodies(SHOP, WEB))
    async with served(server):
        with programs(tmp_path, kubeconfig(server, tmp_path)) as environment:
            await asyncio.to_thread(tabbed, name, environment)


async def test_fish_completes_commands_and_names(tmp_path: Path) -> None:
    fish = shells.wanted("fish")
    asked = "; ".join([START["fish"], *(f"complete -C '{typed}'" for typed in TYPED)])
    server = Server(ApiOfBodies(SHOP, WEB))
    async with served(server):
        with programs(tmp_path, kubeconfig(server, tmp_path)) as environment:
            ended = await asyncio.to_thread(ran, *fish.argv, "-c", asked, **environment, **fish.environment)
    assert [line.partition("\t")[0] for line in ended.stdout.splitlines()] == [
        "tree",
        "shop",
        "deploy/web",
    ], ended


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tree", "sh"], ["shop", ":4"]),
        (["logs", "dep"], ["deployment/", ":6"]),
        (["check", ""], [":16"]),
        (["render", "--spec", ""], [":0"]),
        (["tree", "--nam"], ["--namespace", ":4"]),
    ],
    ids=str,
)
async def test_kubectl_is_told_what_completes_the_command_and_what_follows_it(
    words: list[str], told: list[str], tmp_path: Path
) -> None:
    server = Server(ApiOfBodies(SHOP, WEB))
    async with served(server):
        with programs(tmp_path, kubeconfig(server, tmp_path)) as environment:
            ended = await asyncio.to_thread(
                ran, str(tmp_path / "kubectl_complete-towline"), *words, **environment
            )
    assert [line.partition("\t")[0] for line in ended.stdout.splitlines()] == told, ended


def ran(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, check=False)
