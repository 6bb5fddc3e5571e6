"""`towline why`: explain why a repository or an object is not as wanted."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from towline import text
from towline.cli import answering, completion, options, output
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import OutputForm
from towline.model import display
from towline.read import crd_schema
from towline.read.cluster import Cluster
from towline.read.comparison.dry_run_client import DryRunClient
from towline.read.comparison.online_revisions import AskedComparison
from towline.read.comparison.revision_choice import RevisionChoice
from towline.read.explanation import cause
from towline.read.explanation.cause import Explanation, FoundCause
from towline.read.explanation.explainer import Explainer
from towline.render.offline.offline_tools import OfflineTools

_FORMS = (OutputForm.TABLE, OutputForm.JSON, OutputForm.YAML, OutputForm.NAME)
_INDENT = "  "
_LINE_BYTES = 4096


@click.command()
@click.argument("named", metavar="NAME|KIND/NAME", shell_complete=completion.repositories)
@options.repos
@options.kustomize
@options.helm
@options.sops
@options.view(formats=_FORMS)
def why(named: str, view: View, **flags: Any) -> None:
    """Explain why a repository or an object is not ready, not as in Git, or not there.

    Nothing is written. Exit code 1 where something is wrong.

    Example: towline why deployment/web
    """
    asked = AskedComparison(
        choice=RevisionChoice(repos=flags["repo"]),
        tools=OfflineTools(kustomize=flags["kustomize"], helm=flags["helm"], sops=flags["sops"]),
        against=crd_schema.load(),
    )
    answering.answer(view, partial(_explain, named, view, asked), DryRunClient)


async def _explain(named: str, view: View, asked: AskedComparison, cluster: Cluster) -> ExitCode:
    explainer = Explainer(cluster, asked)
    try:
        explained = await (explainer.object(named) if "/" in named else explainer.repository(named))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if view.style.format.is_table:
        for line in lines(explained):
            click.echo(line)
    elif view.style.format is OutputForm.NAME:
        for name in dict.fromkeys(
            output.object_name(each.object) for each in explained.causes if each.object
        ):
            output.line(name)
    else:
        output.document(cause.body(explained), view.style.format)
    for note in dict.fromkeys(explainer.notes):
        output.note(f"note: {note}")
    return ExitCode.GOOD if explained.is_well else ExitCode.NOT_AS_WANTED


def lines(explained: Explanation) -> list[str]:
    """Return what a terminal shows: the sentence, then each cause with its place and its evidence."""
    since = f" (since {explained.since})" if explained.since else ""
    told = [f"{explained.sentence}{since}", *(line for each in explained.causes for line in _cause(each))]
    return [
        f"{_INDENT if line.startswith(_INDENT) else ''}{text.printable(line, _LINE_BYTES)}" for line in told
    ]


def _cause(each: FoundCause) -> list[str]:
    place = f"{each.file}:{each.line}" if each.file and each.line else each.file
    commit = f"{each.commit[:7]}{f' by {each.author}' if each.author else ''}" if each.commit else each.author
    field = text.dotted(each.pointer)
    where = " ".join(filter(None, (display(each.object), field)))
    head = ", ".join(filter(None, (place, commit)))
    return [f"- {each.reason}: {where}{f' ({head})' if head else ''}", f"{_INDENT}{each.evidence}"]
