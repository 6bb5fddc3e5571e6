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
from towline.cli.exit_codes import ExitCode, NoAnswerError
from towline.cli.options import View
from towline.cli.output import OutputForm
from towline.errors import SourceError
from towline.read import commit_wait
from towline.read.cluster import Cluster
from towline.read.commit_wait import Goal, Outlook, WaitResult
from towline.read.following import Follower
from towline.read.git import commit_kin, git_search
from towline.read.git.commit_kin import Kin
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
            if not waiting.last:
                raise NoAnswerError(
                    f"the API server did not tell within {text.duration(timeout)} how {name} is: try again, or wait"
                    " longer with --timeout"
                ) from None
            late = f"{sha[:7]} is not {goal} after {text.duration(timeout)}: {waiting.last}"
            found = WaitResult(outlook=Outlook.OPEN, sentence=late)
        _show(found, view, name)
        return ExitCode.GOOD if found.outlook is Outlook.REACHED else ExitCode.NOT_AS_WANTED

    answer(view, work)


class _CommitWatcher:
    """Follows one repository until a commit has arrived, or cannot; `last` is what is known of it."""

    def __init__(self, cluster: Cluster, sha: str, goal: Goal) -> None:
        self.last = ""
        self._told = ""
        self._cluster = cluster
        self._sha = sha
        self._goal = goal
        self._kin: dict[str, Kin] = {}

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
        first = commit_wait.judge(repository, self._sha, self._goal)
        if first.outlook is Outlook.REACHED:
            return first
        self.last = self.last or first.sentence
        reached, tried = commit_wait.tip(repository, self._goal), commit_wait.newest_tried(repository)
        for each in {reached, tried} - {"", *self._kin}:
            if not each.startswith(self._sha):
                self._kin[each] = await self._kin_of(repository, each)
        return commit_wait.judge(
            repository,
            self._sha,
            self._goal,
            reached=self._kin.get(reached, Kin.UNKNOWN),
            tried=self._kin.get(tried, Kin.UNKNOWN),
        )

    async def _kin_of(self, repository: GitRepository, other: str) -> Kin:
        """Return how the awaited commit is related to another one: by Git where it is at hand, else by records."""
        url = str(repository.raw_spec.get("url", ""))
        try:
            content = (await git_search.find(GitSearch.here(url, other, offline=True))).content
            kin = await commit_kin.of(content, self._sha, other) if content else Kin.UNKNOWN
        except SourceError:
            kin = Kin.UNKNOWN
        return await self._by_records(repository, other) if kin is Kin.UNKNOWN else kin

    async def _by_records(self, repository: GitRepository, other: str) -> Kin:
        try:
            newest = self._cluster.newest_records(repository.key, repository.uid, _RECORDS)
            records = [record async for record in newest]
        except NotAllowedError as error:
            output.note(
                f"you may not {error.what}: whether {other[:7]} contains {self._sha[:7]} is not known"
            )
            return Kin.UNKNOWN
        applied = repository.applied
        if other == commit_wait.tip(repository, self._goal):
            is_part = commit_wait.contains(records, self._sha, other, is_newest=other == applied)
        else:
            is_part = commit_wait.is_tried(records, self._sha, other, applied)
        return Kin.PART if is_part else Kin.UNKNOWN

    def _tell(self, sentence: str) -> None:
        if sentence != self._told:
            output.note(f"waiting: {sentence}")
        self.last = self._told = sentence


def _show(found: WaitResult, view: View, name: str) -> None:
    form = view.style.format
    if form.is_table:
        output.line(found.sentence)
    elif form is OutputForm.NAME:
        output.line(f"gitrepository.towline.dev/{name}")
    else:
        output.document({"reached": found.outlook is Outlook.REACHED, "sentence": found.sentence}, form)
