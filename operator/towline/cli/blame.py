"""`towline blame`: show who set each field of a live object, as `git blame` shows who wrote each line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import click

from towline import text
from towline.cli import completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import OutputForm, Tone
from towline.read import crd_schema
from towline.read.cluster import Cluster
from towline.read.provenance import blamed_field, object_blame
from towline.read.provenance.blamed_field import BlamedField, GitSays
from towline.read.provenance.object_blame import AskedBlame, ObjectBlame
from towline.render import dump
from towline.render.documents import YamlLimits
from towline.render.offline.offline_tools import OfflineTools
from towline.render.written import leaf_lines
from towline.render.written.leaf_lines import Lines

_HEADER = ("COMMIT", "AUTHOR", "DATE", "PULL REQUEST", "FILE", "OBJECT")
_NAME_BYTES = 40
_VALUE_BYTES = 80


@click.command()
@click.argument("named", metavar="KIND/NAME", shell_complete=completion.objects)
@click.option(
    "--field",
    "path",
    default="",
    metavar="PATH",
    help="Only this field: a JSON pointer, or a path such as spec.containers[name=web].image.",
)
@options.repos
@click.option(
    "--prove",
    "seconds",
    type=click.FloatRange(min=0, max=3600),
    metavar="SECONDS",
    help="How long to try which lines change the fields that a tool has made; else 0.8, and 5 with --field.",
)
@click.option("--offline", is_flag=True, help="Fetch nothing.")
@options.kustomize
@options.helm
@options.sops
@options.view(formats=(OutputForm.TABLE, OutputForm.JSON, OutputForm.YAML, OutputForm.NAME))
def blame(named: str, view: View, **given: Any) -> None:
    """Show who set each field of a live object: commit, author, date, pull request, file and line.

    Fields of others have their field manager and its time; what the API server filled in is "default".

    Example: towline blame deployment/web -n shop
    """
    asked = AskedBlame(
        against=crd_schema.load(),
        repos=given["repo"],
        offline=given["offline"],
        path=given["path"],
        seconds=given["seconds"],
        tools=OfflineTools(kustomize=given["kustomize"], helm=given["helm"], sops=given["sops"]),
    )

    async def work(cluster: Cluster) -> ExitCode:
        try:
            live = await cluster.live(named)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        found = await object_blame.blame(cluster, live, asked)
        for note in found.notes:
            output.note(note)
        if view.style.format is OutputForm.NAME:
            output.line(output.object_name(str(live.ref)))
        else:
            _print(found, view)
        return ExitCode.NO_ANSWER if found.is_incomplete else ExitCode.GOOD

    answer(view, work)


def _print(found: ObjectBlame, view: View) -> None:
    if not view.style.format.is_table:
        output.document([blamed_field.entry(each) for each in found.fields], view.style.format)
        return
    rows = [_Row(_HEADER, Tone.QUIET), *_rows(found)]
    widths = [max(len(row.cells[at]) for row in rows) for at in range(len(_HEADER) - 1)]
    for row in rows:
        beside = "  ".join(cell.ljust(width) for cell, width in zip(row.cells, widths, strict=False))
        shown = f"{beside}  {row.cells[-1]}".rstrip()
        click.echo(
            click.style(shown, **_STYLES[row.tone])
            if view.style.is_colored and row.tone in _STYLES
            else shown,
            color=view.style.is_colored,
        )


_STYLES: Mapping[Tone, Mapping[str, Any]] = MappingProxyType(
    {Tone.QUIET: {"dim": True}, Tone.DOUBTFUL: {"fg": "yellow"}}
)


class _Row(NamedTuple):
    """A line of the object with what stands before it."""

    cells: tuple[str, ...]
    tone: Tone = Tone.PLAIN


def _rows(found: ObjectBlame) -> Iterator[_Row]:
    """Yield the lines of the object as YAML, each with what is told of the leaf that begins in it."""
    written = dump.written(found.body)
    lines = leaf_lines.document_leaves(written.encode(), 0, YamlLimits())
    fields = {each.pointer: each for each in found.fields}
    before = {
        number: told
        for path, each in lines.items()
        if path in fields
        for number, told in enumerate(_beside(fields[path], each.own), start=each.own.first)
    }
    nothing = ("",) * (len(_HEADER) - 1), Tone.PLAIN
    for number, line in enumerate(written.splitlines(), start=1):
        cells, tone = before.get(number, nothing)
        yield _Row((*cells, line), tone)


def _beside(field: BlamedField, own: Lines) -> Iterator[tuple[tuple[str, ...], Tone]]:
    """Yield what stands before the lines of a field: of a text as Git has it, the commit of each."""
    git = field.git
    if not (field.is_own and git and len(git.lines) == own.last - own.first + 1):
        yield _told(field)
        return
    for each in git.lines:
        sha = each.revision.sha if each.revision else ""
        yield (
            _of_git(replace(git, file=each.file, line=each.line, commit=sha, revision=each.revision)),
            Tone.PLAIN,
        )


def _told(field: BlamedField) -> tuple[tuple[str, ...], Tone]:
    if field.is_own and field.git:
        return _of_git(field.git), Tone.PLAIN
    if field.git:
        says = text.printable(json.dumps(field.git.value, ensure_ascii=False), _VALUE_BYTES)
        where = " ".join(filter(None, (_place(field.git), field.git.commit[:7])))
        return ("", _name(field.owner), field.at[:10], "", f"Git: {says} ({where})"), Tone.DOUBTFUL
    return ("", _name(field.owner), field.at[:10], "", ""), Tone.QUIET


def _of_git(git: GitSays) -> tuple[str, ...]:
    revision = git.revision
    author = _name(revision.author.name or revision.author.email) if revision else ""
    date = revision.authored_at[:10] if revision else ""
    asked = text.printable(revision.pull_request, _NAME_BYTES) if revision else ""
    return (git.commit[:7] or "?", author, date, asked, _place(git))


def _place(git: GitSays) -> str:
    """Return file and line, with a mark where that is not certain."""
    place = f"{git.file}:{git.line}" if git.line else git.file
    mark = {"exact": "", "likely": " (likely)"}.get(git.certainty.value, " (file)")
    return text.printable(f"{place}{mark}") if place else "?"


def _name(name: str) -> str:
    return text.printable(name, _NAME_BYTES)
