"""All commands: found without being imported, with a line each, and an exit code that means something."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from towline.__main__ import main
from towline.cli.entry.lazy_group import Verb
from towline.cli.exit_codes import ExitCode

VERBS = sorted(main.verbs.values())


def loaded(*arguments: str) -> set[str]:
    """Return the modules that a command imports."""
    program = (
        "import sys\nfrom towline.__main__ import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return set(ended.stderr.split())


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_list_of_commands_says_of_each_what_its_own_help_begins_with(verb: Verb) -> None:
    command = main.get_command(click.Context(main), verb.name)
    assert command is not None
    assert (command.help or "").partition("\n\n")[0].replace("\n", " ") == verb.summary


def test_the_list_of_commands_imports_none_of_them() -> None:
    modules = loaded("--help")
    assert "click" in modules
    assert not {"kubernetes", "rich", "structlog", "jsonschema", "asyncio"} & modules
    assert not {name for name in modules if name.startswith(("towline.read", "towline.controller"))}


def test_a_command_does_not_import_the_operator_nor_the_operator_what_commands_show() -> None:
    assert not {"kopf", "towline.controller.run"} & loaded("history", "verify", "--help")
    assert not {"rich", "towline.read.cluster"} & loaded("operator", "--help")


def test_a_command_that_does_not_exist_is_wrong_usage() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "towline", "gett"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert "gett" in ended.stderr


def test_every_exit_code_is_documented() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "exit-codes.md"
    documented = re.findall(r"^\| (\d+) \|", page.read_text(), re.MULTILINE)
    assert [int(code) for code in documented] == list(ExitCode)
