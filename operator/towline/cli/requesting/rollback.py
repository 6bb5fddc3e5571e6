"""`towline rollback`: the reverts that take a branch back to what a sync applied."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from towline.api.gitrepository import GitRepository
from towline.api.syncrecord import SyncRecord
from towline.cli import completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode, NoAnswerError
from towline.cli.options import View
from towline.cli.output import Cell, Column, OutputForm, Table, Tone
from towline.errors import Reason, SourceError
from towline.read.cluster import Cluster
from towline.read.git import git_search
from towline.read.git.git_content import GitContent
from towline.read.git.git_search import FoundGit, GitSearch
from towline.read.git.same_repository import is_same_repository
from towline.read.rollback import revert_steps, rollback_target
from towline.read.rollback.revert_branch import RevertBranch
from towline.read.rollback.revert_steps import RevertStep
from towline.read.rollback.rollback_target import NoTargetError, UndoneChange

_FORMS = (OutputForm.TABLE, OutputForm.JSON, OutputForm.YAML, OutputForm.NAME)
_COLUMNS = (Column("OBJECT"), Column("ACTION"), Column("FIELD"), Column("NOW"), Column("THEN"))
_TONES = {"delete": Tone.BAD, "create": Tone.GOOD}


@click.command()
@click.argument("name", shell_complete=completion.repositories)
@click.argument("record", required=False, default="", shell_complete=completion.records)
@click.option(
    "--push-branch",
    "branch",
    default="",
    metavar="BRANCH",
    help="Make the reverts on this new branch, and push it.",
)
@click.option(
    "--repo",
    default=None,
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A clone to read; else the one here, or a mirror.",
)
@options.view(formats=_FORMS)
def rollback(view: View, name: str, record: str, branch: str, repo: Path | None) -> None:
    """Print the reverts that take the branch back to what an earlier sync applied, and what they would change.

    RECORD is a SyncRecord or an applied commit; by default the newest that succeeded with another commit than the head.
    Nothing is written to the cluster.

    Example: towline rollback shop --push-branch back-to-monday
    """
    call = _Rollback(view=view, branch=branch, repo=repo)
    answer(view, lambda cluster: call.run(cluster, name, record))


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPlan:
    """What is to be done: `steps` is None where Git cannot be read, and then `missing` says why."""

    repository: GitRepository
    target: SyncRecord
    head: str
    follows: str
    steps: tuple[RevertStep, ...] | None
    changes: tuple[UndoneChange, ...]
    missing: str = ""

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands for a person to run in a clone."""
        sha = self.target.intent.target
        branch = f"back-to-{sha[:7]}"
        reverts: Iterator[tuple[str, ...]] = iter((("git", "revert", "--no-edit", f"{sha}..{self.head}"),))
        if self.steps is not None:
            reverts = revert_steps.reverts(self.steps)
        begin = (("git", "fetch", "origin"), ("git", "switch", "-c", branch, self.head))
        return tuple(shlex.join(words) for words in (*begin, *reverts, ("git", "push", "origin", branch)))


class _Rollback:
    """One call of the command."""

    def __init__(self, *, view: View, branch: str, repo: Path | None) -> None:
        self._view = view
        self._branch = branch
        self._repo = repo

    async def run(self, cluster: Cluster, name: str, wanted: str) -> ExitCode:
        """Find what to revert, print it, and push it if that is asked for."""
        repository = await cluster.repository(name)
        try:
            follows, head = _followed(repository)
            records = [each async for each in cluster.records(repository.key, repository.uid)]
            target = rollback_target.choose(records, head, wanted)
            sha = target.intent.target
            url = str(repository.raw_spec.get("url", ""))
            git = await git_search.find(GitSearch.here(url, sha, head, repo=self._repo))
            steps = await _steps(git, sha, head, _paths(repository, records, target))
        except NoTargetError as error:
            output.note(f"{repository.key}: {error.message}")
            return ExitCode.NOT_AS_WANTED
        plan = RollbackPlan(
            repository=repository,
            target=target,
            head=head,
            follows=follows,
            steps=steps,
            changes=rollback_target.undone(records, target),
            missing=git.missing if steps is None else "",
        )
        pushed = await self._pushed(plan, git, url) if self._branch else ""
        self._show(plan, pushed)
        return ExitCode.GOOD if steps is not None else ExitCode.NO_ANSWER

    async def _pushed(self, plan: RollbackPlan, git: FoundGit, url: str) -> str:
        """Push the branch; return its commit.

        Raises:
            SourceError: it is the followed branch, Git cannot be read, or git refuses.
        """
        if self._branch == plan.follows:
            raise click.UsageError(
                f"{self._branch} is the branch that the repository follows: push another one, and merge it"
            )
        if plan.steps is None or git.content is None:
            raise NoAnswerError(f"nothing was pushed: {plan.missing}")
        place = self._repo or Path.cwd()
        branch = RevertBranch(
            objects=git.content.place.folder,
            url=await _push_url(git, git.content, place, url),
            name=self._branch,
            environment=dict(os.environ),
        )
        return await branch.pushed(plan.head, plan.steps)

    def _show(self, plan: RollbackPlan, pushed: str) -> None:
        if plan.missing:
            output.note(f"which commits changed the folder is not known: {plan.missing}")
        if self._view.style.format is OutputForm.NAME:
            output.line(f"syncrecord.towline.dev/{plan.target.name}")
            return
        if not self._view.style.format.is_table:
            output.document(_as_json(plan, pushed, self._branch if pushed else ""), self._view.style.format)
            return
        intent = plan.target.intent
        style = self._view.style
        applied = f"which {plan.target.name} applied at {intent.started_at}"
        output.line(f"Back from {plan.head[:7]} to {intent.target[:7]}, {applied}:")
        for command in plan.commands:
            output.line(command)
        if pushed:
            output.line(
                f"Pushed branch {self._branch} at {pushed[:7]}: merge it into {plan.follows} by a pull request",
                style,
            )
        if plan.changes:
            output.line("By the records, that would change:")
            Table(_COLUMNS, style).show(list(_rows(plan.changes)))
        key = plan.repository.key
        output.note(
            f"a dry run of it: towline diff {key.name} -n {key.namespace} --revision {pushed or intent.target}"
        )


def _followed(repository: GitRepository) -> tuple[str, str]:
    """Return the followed branch and its newest commit.

    Raises:
        NoTargetError: it follows no branch, or nothing was seen yet.
    """
    head = str((repository.status.get("commit") or {}).get("observed", ""))
    branch = rollback_target.branch_of(repository.status)
    if not head:
        raise NoTargetError("no commit was seen yet")
    if not branch:
        ref = repository.status.get("ref") or "a commit by its id"
        raise NoTargetError(
            f"it follows {ref}, which no revert moves: name an earlier tag or commit in spec.ref, where Git declares it"
        )
    return branch, head


def _paths(repository: GitRepository, records: Sequence[SyncRecord], target: SyncRecord) -> tuple[str, ...]:
    """Return what a commit must change to be reverted: the folder, and files elsewhere that declared what changed."""
    folder = str(repository.raw_spec.get("path", ".")).strip("/").removeprefix("./") or "."
    if folder == ".":
        return ()
    return (folder, *rollback_target.files(records, target))


async def _steps(
    git: FoundGit, target: str, head: str, paths: Sequence[str]
) -> tuple[RevertStep, ...] | None:
    """Return what to revert; None where Git cannot be read.

    Raises:
        NoTargetError: no revert leads back.
    """
    if git.content is None or git.missing:
        return None
    try:
        steps = await revert_steps.steps(git.content, target, head, paths)
    except SourceError as error:
        if error.reason is Reason.REF_NOT_FOUND:
            raise NoTargetError(error.message) from error
        raise
    if not steps:
        raise NoTargetError(
            f"no commit since {target[:7]} changed what it declares: there is nothing to revert"
        )
    return steps


async def _push_url(git: FoundGit, content: GitContent, place: Path, url: str) -> str:
    """Return where to push: as the user's clone spells the address, else as the spec does."""
    if content.place.folder == git.mirror.folder:
        return url
    known = sorted(each for each in await git_search.urls(content, place) if is_same_repository(url, each))
    return known[-1] if known else url


def _rows(changes: Sequence[UndoneChange]) -> Iterator[tuple[str | Cell, ...]]:
    for each in changes:
        action = Cell(each.action, _TONES.get(each.action, Tone.DOUBTFUL))
        if not each.fields:
            yield each.object, action, "", "", ""
        for field in each.fields:
            yield each.object, action, field.path, _value(field.now), _value(field.then)


def _value(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else output.as_json(value, indent=False)


def _as_json(plan: RollbackPlan, pushed: str, branch: str) -> dict[str, Any]:
    return {
        "repository": str(plan.repository.key),
        "record": plan.target.name,
        "to": plan.target.intent.target,
        "from": plan.head,
        "follows": plan.follows,
        "reverts": None if plan.steps is None else [each.as_json() for each in plan.steps],
        "commands": list(plan.commands),
        "changes": [each.as_json() for each in plan.changes],
        "branch": branch,
        "pushed": pushed,
    }
