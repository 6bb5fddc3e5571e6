"""`towline confirm-prune`: let exactly those deletions go that wait for a person."""

from __future__ import annotations

import click

from towline import text
from towline.api import labels
from towline.api.gitrepository import GitRepository
from towline.cli import completion, options, output
from towline.cli.answering import answer
from towline.cli.options import View
from towline.cli.output import Cell, Column, Tone
from towline.cli.requesting import listed_request, waiting
from towline.cli.requesting.listed_request import ListedRequest, Proposal
from towline.read.requests import answers, blocked_prunes
from towline.read.requests.blocked_prunes import BlockedPrunes

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
    request = ListedRequest(view=view, yes=yes, seconds=waiting.seconds(wait=wait, timeout=timeout))

    async def propose(repository: GitRepository) -> Proposal | str:
        return _proposed(repository, view)

    answer(view, lambda cluster: request.run(cluster, name, propose))


def _proposed(repository: GitRepository, view: View) -> Proposal | str:
    """Show what waits; return what confirms exactly that."""
    blocked = blocked_prunes.of(repository)
    if not blocked.token:
        return f"{repository.key}: no deletion waits for a confirmation"
    _show(blocked, repository, view)
    question = f"Delete {'it' if blocked.total == 1 else 'them'}?"
    if blocked_prunes.is_confirmed(repository, blocked.token):
        output.note(f"{repository.key}: this very list is confirmed already")
        question = ""
    return Proposal(
        question=question,
        declined="nothing was confirmed",
        annotation=labels.CONFIRM_PRUNE,
        value=blocked.token,
        is_over=lambda each: blocked_prunes.of(each).token != blocked.token and answers.has_looked(each),
        told="confirmed",
    )


def _show(blocked: BlockedPrunes, repository: GitRepository, view: View) -> None:
    rows = [(each.object, Cell(each.reason, Tone.DOUBTFUL), each.message) for each in blocked.listed]
    notes = [f"would be deleted: {each.object} ({each.reason})" for each in blocked.listed]
    listed_request.show(_COLUMNS, rows, notes, view.style)
    if blocked.unlisted:
        key = repository.key
        output.note(
            f"and {text.many(blocked.unlisted, 'more object')} that the status does not list; all of them with:"
            f" towline diff {key.name} -n {key.namespace}"
        )
