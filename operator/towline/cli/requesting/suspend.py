"""`towline suspend`: have nothing fetched or written for a while."""

from __future__ import annotations

import click

from towline.api import labels
from towline.api.asked import suspending
from towline.api.asked.suspending import SuspendNote
from towline.api.condition import Type
from towline.api.gitrepository import GitRepository
from towline.cli import completion, options
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.requesting import waiting
from towline.read.cluster import Cluster
from towline.read.requests import answers, end_times
from towline.read.requests.requester import Requester


@click.command()
@click.argument("name", shell_complete=completion.repositories)
@click.option("--reason", default="", metavar="TEXT", help="Why; the status and an Event repeat it.")
@click.option(
    "--until",
    default="",
    metavar="TIME",
    help="When it ends by itself: 2h, 3d, 18:00, tomorrow, 2026-12-24, or RFC 3339.",
)
@waiting.waits
@options.view(formats=waiting.FORMS)
def suspend(  # noqa: PLR0913  one argument for each option
    view: View, name: str, *, reason: str, until: str, wait: bool | None, timeout: float
) -> None:
    """Suspend a repository: nothing is fetched or written until a time, or until it is resumed.

    Example: towline suspend shop --until 18:00 --reason "release freeze"
    """
    note = _note(reason, until)
    answer(
        view, lambda cluster: _suspend(cluster, view, name, note, waiting.seconds(wait=wait, timeout=timeout))
    )


def _note(reason: str, until: str) -> SuspendNote:
    try:
        return SuspendNote(reason=reason, until=end_times.parse(until, waiting.now()) if until else None)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--until") from error


async def _suspend(cluster: Cluster, view: View, name: str, note: SuspendNote, seconds: float) -> ExitCode:
    asker = Requester(cluster, waiting.now)
    repository = await asker.read(name)
    if repository.deleting:
        return waiting.refuse(answers.obstacle(repository))
    user = await asker.user()
    value = suspending.written(SuspendNote(until=note.until, reason=note.reason, by=user))
    if not value:
        value = "reason=none given"  # the annotation may not be empty
    wanted = suspending.parse(value)
    asked = await asker.change(repository, {labels.SUSPEND: value})

    def holds(each: GitRepository) -> bool:
        told = each.status.get("suspension") or {}
        return suspending.is_told(told, wanted)

    seen = await asker.until(asked, holds, seconds)
    found = answers.of(seen.repository, user, handled=seen.is_done, kind=Type.SUSPENDED)
    how = found.message if seen.is_done else f"asked for the suspension ({value})"
    late = " The operator has not said so in time: does it run?" if seconds and not seen.is_done else ""
    waiting.show(found, view.style, f"{found.repository}: {how}.{late}")
    return ExitCode.NOT_AS_WANTED if late else ExitCode.GOOD
