"""A group of commands that imports a command when it is called, not before."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import click


class Verb(NamedTuple):
    """A command of a lazy group: where it is, and the line that `--help` of the group shows.

    `place` is `module:attribute`. A hidden one is an older or a second name.
    """

    name: str
    place: str
    summary: str
    hidden: bool = False


class LazyGroup(click.Group):
    """Lists its commands from a table: its `--help`, and each command, cost no import of the others."""

    def __init__(self, *args: Any, verbs: Iterable[Verb] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.verbs = {verb.name: verb for verb in verbs}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *self.verbs})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now."""
        verb = self.verbs.get(cmd_name)
        if verb is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = verb.place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's
        """Write the commands with their summaries."""
        shown = [(verb.name, verb.summary) for verb in self.verbs.values() if not verb.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(shown))

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Complete the name of a command without importing any."""
        found = [
            click.shell_completion.CompletionItem(verb.name, help=verb.summary)
            for verb in self.verbs.values()
            if verb.name.startswith(incomplete) and not verb.hidden
        ]
        return found or click.Command.shell_complete(self, ctx, incomplete)
