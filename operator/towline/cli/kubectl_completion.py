"""Complete what is typed behind `kubectl towline`, in the form in which kubectl asks its plugins."""

from __future__ import annotations

from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem, ShellComplete

from towline import text

_NO_SPACE, _NO_FILES, _FOLDERS = 2, 4, 16
"""What the shell does besides, as bits of cobra's directive: 0 completes names of files."""

_HELP_BYTES = 200


def answer(command: click.Command, words: Sequence[str]) -> None:
    """Print what completes the last word, one a line, and then what the shell does besides.

    Args:
        command: the group of all commands.
        words: what stands behind `kubectl towline`, with the word that is being typed, which may be empty.
    """
    *before, incomplete = words or [""]
    items = ShellComplete(command, {}, "towline", "").get_completions(before, incomplete)
    for item in items:
        if item.type == "plain":
            told = text.printable(item.help or "", _HELP_BYTES)
            click.echo(f"{item.value}\t{told}" if told else item.value)
    click.echo(f":{_directive(items)}")


def _directive(items: Sequence[CompletionItem]) -> int:
    kinds = {item.type for item in items}
    if "file" in kinds:
        return 0
    if "dir" in kinds:
        return _FOLDERS
    goes_on = bool(items) and all(str(item.value).endswith("/") for item in items)
    return _NO_FILES | (_NO_SPACE if goes_on else 0)
