"""`towline wait`: wait until a commit is in the cluster."""

from __future__ import annotations

import asyncio
import re

import click

from towline import text
from towline.api import durations, gitrepository
from towline.api.gitrepository import GitRepository
from towline.cli import completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import OutputForm
from towline.errors import SourceError
from towline.read import commit_wait
from towline.read.cluster import Cluster
from towline.read.commit_wait import Goal, Outlook, WaitResult
from towline.read.following import Follower
from towline.read.git import git_search
from towline.read.git.git_search import GitSearch
from towline.read.read_errors import NotAllowedError

_RECORDS = 40
"""How many records are read at most to find a commit that came with a newer one."""


def _sha(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{7,64}", value):
        raise click.BadParameter("must be a commit: at least the first seven of its digits")
    return value.lower()


def _seconds(_context: click.Context, _option: click.Parameter, value: str) -> float:
    try:
        return durations.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.argument("name", shell_complete=completion.repositories)
@click.option("--commit", "sha", required=True, metavar="SHA", callback=_sha, help="The commit.")
@click.option(
    "--for",
    "goal",
    type=click.Choice([each.value for each in Goal]),
    default=Goal.APPLIED.value,
    show_default=True,
    help="applied: its objects are written; healthy: they are ready, too.",
)
@click.option(
    "--timeout",
    default="5m",
    show_default=True,
    metavar="DURATION",
    callback=_seconds,
    help="How long to wait.",
)
@options.view(formats=(OutputForm.TABLE, OutputForm.JSON, OutputForm.YAML, OutputForm.NAME))
def wait(view: View, name: str, sha: str, goal: str, timeout: float) -> None:
    """Wait until a commit is applied, or its objects are healthy.

    A commit that came with a newer one counts. Exit code 1, and why, when the time is over, or as soon as no waiting
    helps: a commit, the spec or a person must change something first.

    Example: towline wait shop --commit $(git rev-parse HEAD) --for healthy
    """

    async def work(cluster: Cluster) -> ExitCode:
        waiting = _CommitWatcher(cluster, sha, Goal(goal))
        try:
            async with asyncio.timeout(timeout):
                found = await waiting.run(name)
        except TimeoutError:
            late = f"{sha[:7]} is not {goal} after {text.duration(timeout)}: {waiting.last or 'no answer'}"
            found = WaitResult(outlook=Outlook.OPEN, sentence=late)
        _show(found, view, name)
        return ExitCode.GOOD if found.outlook is Outlook.REACHED else ExitCode.NOT_AS_WANTED

    answer(view, work)


class _CommitWatcher:
    """Follows one repository until a commit has arrived, or cannot; `last` is what was told of it."""

    def __init__(self, cluster: Cluster, sha: str, goal: Goal) -> None:
        self.last = ""
        self._cluster = cluster
        self._sha = sha
        self._goal = goal
        self._looked_at = ("", False)

    async def run(self, name: str) -> WaitResult:
        """Return how the wait ends.

        Raises:
            ClusterError: there is no such repository, or no answer.
        """
        repository = await self._cluster.repository(name)
        follower = Follower(
            self._cluster,
            gitrepository.RESOURCE,
            repository.key.namespace,
            fields=f"metadata.name={name}",
            on_trouble=output.note,
        )
        async for batch in follower.batches():
            for seen in batch:
                if seen.is_gone:
                    return WaitResult(
                        outlook=Outlook.HOPELESS, sentence=f"the GitRepository {name} was deleted"
                    )
                found = await self._judged(gitrepository.identify(seen.body))
                if found.outlook is not Outlook.OPEN:
                    return found
                self._tell(found.sentence)
        raise AssertionError("a follower never ends")

    async def _judged(self, repository: GitRepository) -> WaitResult:
        reached = commit_wait.tip(repository, self._goal)
        if reached and not reached.startswith(self._sha) and self._looked_at[0] != reached:
            self._looked_at = (reached, await self._contains(repository, reached))
        return commit_wait.judge(
            repository, self._sha, self._goal, contained=bool(reached) and self._looked_at == (reached, True)
        )

    async def _contains(self, repository: GitRepository, reached: str) -> bool:
        """Tell whether a newer commit contains the awaited one: by Git where it is at hand, else by records."""
        url = str(repository.raw_spec.get("url", ""))
        try:
            content = (await git_search.find(GitSearch.here(url, reached, offline=True))).content
            whole = await content.resolve(self._sha) if content else ""
            if content and whole:
                return await content.leads_to(reached, whole)
        except SourceError:
            pass  # records tell it, too
        try:
            newest = self._cluster.newest_records(repository.key, repository.uid, _RECORDS)
            return commit_wait.contains([record async for record in newest], self._sha, reached)
        except NotAllowedError as error:
            output.note(
                f"you may not {error.what}: whether {reached[:7]} contains {self._sha[:7]} is not known"
            )
            return False

    def _tell(self, sentence: str) -> None:
        if sentence != self.last:
            output.note(f"waiting: {sentence}")
        self.last = sentence


def _show(found: WaitResult, view: View, name: str) -> None:
    form = view.style.format
    if form.is_table:
        output.line(found.sentence)
    elif form is OutputForm.NAME:
        output.line(f"gitrepository.towline.dev/{name}")
    else:
        output.document({"reached": found.outlook is Outlook.REACHED, "sentence": found.sentence}, form)
