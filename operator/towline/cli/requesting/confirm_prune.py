"""`towline confirm-prune`: let exactly those deletions go that wait for a person."""

from __future__ import annotations

import click

from towline import text
from towline.api import labels
from towline.api.asked import asking
from towline.api.gitrepository import GitRepository
from towline.cli import completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import Cell, Column, Table, Tone
from towline.cli.requesting import waiting
from towline.read.cluster import Cluster
from towline.read.requests import answers, blocked_prunes
from towline.read.requests.blocked_prunes import BlockedPrunes
from towline.read.requests.requester import Requester

_COLUMNS = (Column("OBJECT"), Column("REASON"), Column("WHY", long=True))


@click.command("confirm-prune")
@click.argument("name", shell_complete=completion.repositories)
@waiting.yes
@waiting.waits
@options.view(formats=waiting.FORMS)
def confirm_prune(view: View, name: str, *, yes: bool, wait: bool | None, timeout: float) -> None:
    """Show the deletions that wait for a confirmation, and confirm exactly that list.

    Exit code 1 where nothing waits, the user does not agree, or the repository is not ready after it.

    Example: towline confirm-prune shop
    """
    call = _Confirmation(view=view, yes=yes, seconds=waiting.seconds(wait=wait, timeout=timeout))
    answer(view, lambda cluster: call.run(cluster, name))


class _Confirmation:
    """One call of the command."""

    def __init__(self, *, view: View, yes: bool, seconds: float) -> None:
        self._view = view
        self._yes = yes
        self._seconds = seconds

    async def run(self, cluster: Cluster, name: str) -> ExitCode:
        """Show the list, ask, and confirm."""
        asker = Requester(cluster, waiting.now)
        repository = await asker.read(name)
        if sentence := answers.obstacle(repository):
            return waiting.refuse(sentence)
        blocked = blocked_prunes.of(repository)
        if not blocked.token:
            return waiting.refuse(f"{repository.key}: no deletion waits for a confirmation")
        self._show(blocked, repository)
        if blocked_prunes.is_confirmed(repository, blocked.token):
            output.note(f"{repository.key}: this very list is confirmed already")
        elif not waiting.is_agreed(f"Delete {'it' if blocked.total == 1 else 'them'}?", yes=self._yes):
            return waiting.refuse("nothing was confirmed")
        user = await asker.user()
        value = asking.written(blocked.token, user)
        asked = await asker.change(repository, {labels.CONFIRM_PRUNE: value})
        return await self._ended(asker, asked, blocked.token, user)

    async def _ended(self, asker: Requester, asked: GitRepository, token: str, user: str) -> ExitCode:
        def is_over(each: GitRepository) -> bool:
            return blocked_prunes.of(each).token != token and answers.has_looked(each)

        seen = await asker.until(asked, is_over, self._seconds)
        found = answers.of(seen.repository, user, handled=seen.is_done)
        told = f"{found.repository}: {found.message if seen.is_done else 'confirmed'}"
        if self._seconds and not seen.is_done:
            told += f"; {answers.unfinished(seen.repository)}"
        waiting.show(found, self._view.style, told)
        return ExitCode.GOOD if found.is_good or not self._seconds else ExitCode.NOT_AS_WANTED

    def _show(self, blocked: BlockedPrunes, repository: GitRepository) -> None:
        """Print the list: for people on standard output, for scripts on standard error, which is not the answer."""
        if not self._view.style.format.is_table:
            for each in blocked.listed:
                output.note(f"would be deleted: {each.object} ({each.reason})")
        else:
            rows = [(each.object, Cell(each.reason, Tone.DOUBTFUL), each.message) for each in blocked.listed]
            Table(_COLUMNS, self._view.style).show(rows)
        if blocked.unlisted:
            key = repository.key
            output.note(
                f"and {text.many(blocked.unlisted, 'more object')} that the status does not list; all of them with:"
                f" towline diff {key.name} -n {key.namespace}"
            )
