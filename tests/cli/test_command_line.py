"""However a command ends, its exit code says what happened, and nobody sees a trace of a pipe or a disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from towline.cli.entry.command_line import CommandLine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one manifest."""
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: größe}\ndata: {a: größer}\n"
    (tmp_path / "settings.yaml").write_text(manifest, encoding="utf-8")
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "towline", *arguments]


def test_a_reader_that_ends_first_is_told_from_an_answer_that_is_not_as_wanted(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            command("render", str(folder)), stdout=writing, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is needed")
def test_a_full_disk_is_no_answer(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            command("render", str(folder)), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ended.returncode == 2
    assert ended.stderr == b"Error: the output cannot be written: No space left on device\n"


def test_the_exit_code_counts_where_standard_output_is_closed(folder: Path) -> None:
    closing = ["sh", "-c", 'exec "$@" >&-', "sh", *command("render", str(folder))]
    ended = subprocess.run(closing, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_what_a_locale_cannot_write_does_not_end_a_command(folder: Path) -> None:
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(command("render", str(folder)), env=plain, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"apiVersion: v1" in ended.stdout


@pytest.mark.parametrize("ending", [KeyboardInterrupt, click.Abort])
def test_ctrl_c_has_its_code_also_at_a_question(ending: type[BaseException]) -> None:
    @click.group(cls=CommandLine)
    def group() -> None: ...

    @group.command()
    def asks() -> None:
        raise ending

    ended = CliRunner().invoke(group, ["asks"])
    assert (ended.exit_code, ended.output) == (130, "")
