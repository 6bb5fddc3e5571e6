"""`towline sync`: have the operator look at a repository now."""

from __future__ import annotations

import click

from towline.api import labels
from towline.api.asked import asking
from towline.api.gitrepository import GitRepository
from towline.cli import completion, options
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.requesting import waiting
from towline.read.cluster import Cluster
from towline.read.requests import answers
from towline.read.requests.answers import RequestAnswer
from towline.read.requests.requester import Requester


@click.command()
@click.argument("name", shell_complete=completion.repositories)
@waiting.waits
@options.view(formats=waiting.FORMS)
def sync(view: View, name: str, *, wait: bool | None, timeout: float) -> None:
    """Have the operator look at a repository now, and say how that ends.

    Exit code 1 where it is not ready after it, or the operator has not looked in time.

    Example: towline sync shop
    """
    answer(view, lambda cluster: _sync(cluster, view, name, waiting.seconds(wait=wait, timeout=timeout)))


async def _sync(cluster: Cluster, view: View, name: str, seconds: float) -> ExitCode:
    asker = Requester(cluster, waiting.now)
    repository = await asker.read(name)
    if sentence := answers.obstacle(repository):
        return waiting.refuse(sentence)
    user = await asker.user()
    value = asking.written(waiting.now().isoformat(timespec="milliseconds"), user)
    asked = await asker.change(repository, {labels.RECONCILE: value})
    if not seconds:
        told = f"{repository.key}: asked the operator to look{_by(user)}"
        waiting.show(answers.of(asked, user, handled=False), view.style, told)
        return ExitCode.GOOD
    seen = await asker.until(
        asked, lambda each: answers.has_looked(each) or bool(answers.obstacle(each)), seconds
    )
    found = answers.of(seen.repository, user, handled=answers.has_looked(seen.repository))
    waiting.show(found, view.style, _told(found, seen.repository))
    return ExitCode.GOOD if found.is_good else ExitCode.NOT_AS_WANTED


def _told(found: RequestAnswer, repository: GitRepository) -> str:
    if found.handled:
        record = f" (record {found.record})" if found.record else ""
        return f"{found.repository}: {found.message}{record}"
    return f"{found.repository}: {answers.obstacle(repository) or answers.unfinished(repository)}"


def _by(user: str) -> str:
    return f", as {user}" if user else ""
