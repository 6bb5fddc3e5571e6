"""Shells for tests are whole, and read no settings of the user who runs the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from e2e.harness import shells

SETTINGS = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
LOADED = {
    "bash": "complete -W word towline && echo loaded",
    "zsh": "autoload -Uz compinit && compinit -uD && zmodload zsh/zle && echo loaded",
    "fish": "complete -c towline -a word; and functions -q fish_add_path; and echo loaded",
}


@pytest.mark.parametrize("name", sorted(LOADED))
def test_a_shell_loads_its_completion_and_nothing_of_the_user(name: str, tmp_path: Path) -> None:
    shell = shells.wanted(name)
    settings = tmp_path / SETTINGS[name]
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("echo settings of the user\n")
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], **shell.environment}
    ended = subprocess.run(
        [*shell.argv, "-i", "-c", LOADED[name]],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
        start_new_session=True,
    )
    assert (ended.stdout, ended.returncode) == ("loaded\n", 0), ended.stderr
