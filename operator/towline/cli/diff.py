"""`towline diff`: show what applying a revision would do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson

from towline.api import recordbody
from towline.api.syncrecord import Ending, SyncRecord
from towline.cli import answering, completion, options, output, spec_file
from towline.cli.exit_codes import ExitCode, NoAnswerError
from towline.cli.options import View
from towline.cli.output import OutputForm
from towline.errors import TowlineError
from towline.model import Key
from towline.read import crd_schema
from towline.read.cluster import Cluster
from towline.read.comparison import asked_comparison, compared, comparison_lines
from towline.read.comparison.asked_comparison import RecordedCommit
from towline.read.comparison.compared import Comparison
from towline.read.comparison.dry_run_client import DryRunClient
from towline.read.comparison.online_revisions import AskedComparison
from towline.read.comparison.revision_choice import RevisionChoice
from towline.render.offline.offline_tools import OfflineTools

_FORMS = (OutputForm.TABLE, OutputForm.JSON, OutputForm.YAML, OutputForm.NAME, OutputForm.MARKDOWN)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("name", shell_complete=completion.repositories)
@click.option(
    "--revision", default="", metavar="REV", help="A commit, branch or tag; else the observed commit."
)
@click.option(
    "--local", metavar="DIR", type=_FOLDER, help="A clone as it is on disk, or the folder of spec.path."
)
@click.option("--pr", type=click.IntRange(min=1), metavar="N", help="The newest commit of a pull request.")
@options.repos
@click.option("--offline", is_flag=True, help="Compare with the last record, without a cluster.")
@click.option("--spec", metavar="FILE", type=_FILE, help="With --offline: the GitRepository.")
@click.option("--records", metavar="FILE", type=_FILE, help="With --offline: its records, as JSON.")
@options.kustomize
@options.helm
@options.sops
@options.view(formats=_FORMS)
def diff(name: str, view: View, **flags: Any) -> None:
    """Show what applying a revision would do, without writing anything.

    It makes the operator's own plan, and a dry run of it with your rights. Exit code 1 where something would change.

    Example: towline diff shop --pr 42 -o markdown
    """
    asked = AskedComparison(
        choice=_choice(flags),
        tools=OfflineTools(kustomize=flags["kustomize"], helm=flags["helm"], sops=flags["sops"]),
        against=crd_schema.load(),
    )
    if not flags["offline"]:
        if flags["spec"] or flags["records"]:
            raise click.UsageError("--spec and --records are for --offline: the cluster has both")
        answering.answer(view, partial(_with_cluster, name, view, asked), DryRunClient)
        return
    try:
        found = asyncio.run(_offline(name, view, asked, flags["spec"], flags["records"]))
    except TowlineError as error:
        raise NoAnswerError(error.message) from error
    raise click.exceptions.Exit(_show(found, view))


def _choice(flags: dict[str, Any]) -> RevisionChoice:
    given = [option for option in ("revision", "local", "pr") if flags[option]]
    if len(given) > 1:
        raise click.UsageError(f"give one of {' and '.join(f'--{each}' for each in given)}")
    if flags["offline"] and flags["pr"]:
        raise click.UsageError(
            "--pr asks the Git server, and --offline asks nobody: name a commit with --revision"
        )
    default = "HEAD" if flags["offline"] and not given else ""
    return RevisionChoice(
        revision=flags["revision"] or default,
        local=flags["local"],
        pull_request=flags["pr"] or 0,
        repos=flags["repo"],
        offline=flags["offline"],
    )


async def _with_cluster(name: str, view: View, asked: AskedComparison, cluster: Cluster) -> ExitCode:
    return _show(await asked_comparison.with_cluster(cluster, name, asked), view)


async def _offline(
    name: str, view: View, asked: AskedComparison, spec: Path | None, records: Path | None
) -> Comparison:
    if spec is None or records is None:
        raise click.UsageError(
            "--offline needs --spec, a file with the GitRepository, and --records, its records"
        )
    repository = spec_file.stored(spec)
    if repository.key.name != name or view.namespace not in {"", repository.key.namespace}:
        raise click.UsageError(f"{spec} has GitRepository {repository.key}, not {name}")
    treatment = spec_file.treatment(spec)
    applied = _applied(_records(records), repository.key, records)
    return await asked_comparison.with_record(repository, treatment, applied, asked)


def _show(found: Comparison, view: View) -> ExitCode:
    match view.style.format:
        case OutputForm.JSON | OutputForm.YAML:
            output.document(compared.body(found), view.style.format)
        case OutputForm.MARKDOWN:
            click.echo(comparison_lines.markdown(found), nl=False)
        case OutputForm.NAME:
            for each in found.changes:
                output.line(str(each.ref))
        case _:
            for line in comparison_lines.lines(found):
                click.echo(line)
    return ExitCode.NOT_AS_WANTED if found.changes_anything else ExitCode.GOOD


def _records(file: Path) -> Sequence[SyncRecord]:
    """Read records: a list as kubectl prints it, or one record a line."""
    content = file.read_bytes()
    try:
        try:
            found = orjson.loads(content)
            items = found.get("items", [found])
        except orjson.JSONDecodeError:
            items = [orjson.loads(line) for line in content.splitlines() if line.strip()]
        return [recordbody.from_body(each) for each in items if each.get("kind") == "SyncRecord"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoAnswerError(
            f"{file} does not hold SyncRecords: give what kubectl get syncrec -o json prints"
        ) from error


def _applied(records: Sequence[SyncRecord], key: Key, file: Path) -> RecordedCommit:
    """Return the commit that the newest record calls applied, with what it was built on."""
    own = [each for each in records if (each.intent.subject.namespace, each.intent.subject.name) == key]
    for record in sorted(own, key=lambda each: -each.intent.sequence):
        if record.closing and record.closing.outcome is Ending.SUCCEEDED and record.intent.target:
            intent = record.intent
            return RecordedCommit(sha=intent.target, pins=intent.pins, sources=intent.sources)
    raise NoAnswerError(f"{file} has no record of a sync of {key} that succeeded")
