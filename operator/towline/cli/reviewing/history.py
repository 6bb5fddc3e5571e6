"""`towline history`: another word for `towline log`, and the old one for `towline verify`."""

from __future__ import annotations

from typing import Any

import click

from towline.cli.log import log
from towline.cli.reviewing.verify import verify

_OLD = "verify"
_SAID = "`towline history verify` is now `towline verify`: the old words work for one release"


class LogOrVerify(click.Command):
    """Does what `towline log` does; with the old word behind it, what `towline verify` does."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the arguments as those of the command that is meant."""
        if args[:1] != [_OLD]:
            return log.make_context(info_name, args, parent=parent, **extra)
        if not extra.get("resilient_parsing"):  # as for a completion
            click.echo(_SAID, err=True)
        rest = args[1:]
        reads_input = any(not word.startswith("-") or word == "-" for word in rest) or {"-h", "--help"} & set(
            rest
        )
        return verify.make_context(_OLD, rest if reads_input else [*rest, "-"], parent=parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that is meant."""
        return ctx.command.invoke(ctx)


history = LogOrVerify(
    "history",
    help="""Show what was applied, as `towline log`.

    `towline history verify` is the old name of `towline verify`.
    """,
)
