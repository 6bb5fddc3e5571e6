"""`towline resume`: end a suspension."""

from __future__ import annotations

import click

from towline.api import condition, labels
from towline.api.condition import Truth, Type
from towline.api.gitrepository import GitRepository
from towline.cli import completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.requesting import waiting
from towline.read.cluster import Cluster
from towline.read.requests import answers
from towline.read.requests.requester import Requester


@click.command()
@click.argument("name", shell_complete=completion.repositories)
@waiting.waits
@options.view(formats=waiting.FORMS)
def resume(view: View, name: str, *, wait: bool | None, timeout: float) -> None:
    """End the suspension of a repository, and say how the sync after it ends.

    Exit code 1 where it is not ready after it.

    Example: towline resume shop
    """
    answer(view, lambda cluster: _resume(cluster, view, name, waiting.seconds(wait=wait, timeout=timeout)))


async def _resume(cluster: Cluster, view: View, name: str, seconds: float) -> ExitCode:
    asker = Requester(cluster, waiting.now)
    repository = await asker.read(name)
    if repository.deleting:
        return waiting.refuse(answers.obstacle(repository))
    user = await asker.user()
    is_set = repository.raw_spec.get("suspend") is True
    if not is_set and labels.SUSPEND not in repository.annotations:
        found = answers.of(repository, user, handled=True)
        waiting.show(found, view.style, f"{repository.key}: is not suspended")
        return ExitCode.GOOD
    if is_set:
        output.note(f"{repository.key}: spec.suspend was true; where Git declares it, change it there, too")
    spec = {"suspend": False} if is_set else None
    asked = await asker.change(repository, {labels.SUSPEND: None}, spec)
    seen = await asker.until(asked, _is_resumed, seconds)
    found = answers.of(seen.repository, user, handled=seen.is_done)
    waiting.show(
        found,
        view.style,
        f"{repository.key}: {_told(found.message, is_done=seen.is_done, waited=bool(seconds))}",
    )
    if not seconds:
        return ExitCode.GOOD
    return ExitCode.GOOD if found.is_good else ExitCode.NOT_AS_WANTED


def _is_resumed(repository: GitRepository) -> bool:
    told = condition.find(repository.status, Type.SUSPENDED)
    return told.get("status") != Truth.TRUE and answers.has_looked(repository)


def _told(message: str, *, is_done: bool, waited: bool) -> str:
    if is_done:
        return f"resumed. {message}"
    return (
        f"the suspension is ended, but the operator has not finished in time. {message}"
        if waited
        else "resumed"
    )
