"""`make setup` names everything that is missing, at once and in one line each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN_TOOLS = ("sh", "sed", "cat", "dirname", "sha256sum")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH that holds all prerequisites, each as a link or a stand-in that prints a version."""
    for name in (*PLAIN_TOOLS, "git", "make", "ssh"):
        found = shutil.which(name)
        assert found, name
        (tmp_path / name).symlink_to(found)
    _replace(tmp_path / "python3", f'exec {sys.executable} "$@"')
    _replace(tmp_path / "go", "echo go1.26.8")
    return tmp_path


def _replace(path: Path, script: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _missing(tools: Path) -> list[str]:
    answer = subprocess.run(
        [ROOT / ".ci" / "setup", "--check"],
        env={"PATH": str(tools), "HOME": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = answer.stderr.splitlines()
    assert answer.returncode == (1 if lines else 0)
    assert all(line.startswith("missing: ") for line in lines)
    return lines


def test_nothing_is_said_when_everything_is_there(tools: Path) -> None:
    assert _missing(tools) == []


@pytest.mark.parametrize(
    ("tool", "package"),
    [("git", "git"), ("make", "make"), ("ssh", "openssh-client"), ("python3", "python3-venv")],
)
def test_a_missing_tool_is_named_with_its_debian_package(tools: Path, tool: str, package: str) -> None:
    (tools / tool).unlink()
    (line,) = _missing(tools)
    assert package in line.partition("Debian package")[2]


@pytest.mark.parametrize("version", ["go1.19.8", "go1.25.1"])
def test_an_old_go_is_named_with_the_version_that_is_needed(tools: Path, version: str) -> None:
    _replace(tools / "go", f"echo {version}")
    (line,) = _missing(tools)
    assert "Go 1.26 or newer" in line
    assert version.removeprefix("go").rpartition(".")[0] in line


def test_a_newer_python_beside_an_old_python3_is_found(tools: Path) -> None:
    (tools / "python3").rename(tools / "python3.12")
    _replace(tools / "python3", "exit 1")
    assert _missing(tools) == []


def test_a_python_without_venv_is_named_with_its_package(tools: Path) -> None:
    _replace(tools / "python3", 'case "$*" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac')
    (line,) = _missing(tools)
    assert "python3.11-venv" in line


def test_everything_that_is_missing_is_named_at_once(tools: Path) -> None:
    for tool in ("git", "make", "ssh", "python3", "go"):
        (tools / tool).unlink()
    assert len(_missing(tools)) == 5
