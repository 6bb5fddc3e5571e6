"""`towline tree`: what a repository has in the cluster, as a tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from towline.api.gitrepository import GitRepository
from towline.cli import ages, completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import Cell, Column, OutputForm, Row, Table, Tone
from towline.errors import SourceError
from towline.model import ObjectRef, State
from towline.read import overview
from towline.read.cluster import Cluster
from towline.read.git import git_search
from towline.read.git.git_content import GitContent
from towline.read.git.git_search import GitSearch
from towline.read.live_tree import object_authors, tree_object, tree_rows
from towline.read.live_tree.live_tree_reader import LiveTree, LiveTreeReader
from towline.read.live_tree.tree_object import ObjectState, TreeObject
from towline.read.live_tree.tree_rows import Grouping, TreeRow

_COLUMNS = (
    Column("OBJECT"),
    Column("STATE"),
    Column("HEALTH"),
    Column("COMMIT"),
    Column("AUTHOR"),
    Column("AGE"),
    Column("SOURCE"),
    Column("MESSAGE", long=True),
)


@click.command()
@click.argument("name", shell_complete=completion.repositories)
@click.option(
    "--by",
    "grouping",
    type=click.Choice([each.value for each in Grouping]),
    default=Grouping.OWNERS.value,
    show_default=True,
    help="What the branches are: what objects have made, or the waves in which they are written.",
)
@click.option("--all", "everything", is_flag=True, help="Draw more than 200 objects, and idle ReplicaSets.")
@click.option(
    "--repo",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A clone of the repository, for authors and lines; by default the folder that you are in, if it is one.",
)
@options.view()
def tree(view: View, name: str, grouping: str, *, everything: bool, repo: Path | None) -> None:
    """Show the objects of a repository as a tree, unhealthy ones first.

    Exit code 1 where one of them is not as Git declares it, or not ready.

    Example: towline tree shop
    """

    async def work(cluster: Cluster) -> ExitCode:
        repository = await cluster.repository(name)
        by = Grouping(grouping)
        found = await LiveTreeReader(cluster, repository).read(with_made=by is Grouping.OWNERS)
        placed = await _placed(found, repository, cluster, repo)
        _show(placed, view, by, everything=everything)
        for told in (*placed.unread, *_untold(repository)):
            output.note(told)
        if placed.unread:
            return ExitCode.NO_ANSWER
        if not placed.objects:
            shown = overview.of(repository)
            output.note(f"{name} has no objects in the cluster: {shown.sentence}")
            return ExitCode.GOOD if shown.is_ready else ExitCode.NOT_AS_WANTED
        return ExitCode.GOOD if all(each.is_well for each in placed.objects) else ExitCode.NOT_AS_WANTED

    answer(view, work)


async def _placed(
    found: LiveTree, repository: GitRepository, cluster: Cluster, repo: Path | None
) -> LiveTree:
    content = await _content(repository, repo)
    placed = await object_authors.located(found.objects, repository, cluster, content)
    return LiveTree(objects=placed.objects, unread=(*found.unread, *placed.unread))


async def _content(repository: GitRepository, repo: Path | None) -> GitContent | None:
    """Return Git content that is at hand; for authors and lines alone nothing is fetched."""
    url = str(repository.raw_spec.get("url", ""))
    try:
        return (await git_search.find(GitSearch.here(url, repo=repo, offline=True))).content
    except SourceError as error:
        output.note(error.message)
        return None


def _show(found: LiveTree, view: View, grouping: Grouping, *, everything: bool) -> None:
    form = view.style.format
    if form is OutputForm.NAME:
        for each in found.objects:
            output.line(_name(each.ref))
    elif form.is_table:
        drawn, left = tree_rows.rows(found.objects, grouping, everything=everything)
        if drawn:
            Table(_COLUMNS, view.style).show(_cells(drawn))
        if left:
            output.note(f"{left} more objects are not shown: --all shows them")
    else:
        objects = [each.as_json() for each in tree_rows.ordered(found.objects)]
        output.document({"objects": objects, "unread": found.unread}, form)


def _name(ref: ObjectRef) -> str:
    return f"{ref.kind.lower()}.{ref.group}/{ref.name}" if ref.group else f"{ref.kind.lower()}/{ref.name}"


def _cells(drawn: Sequence[TreeRow]) -> Iterable[Row]:
    now = datetime.now(UTC)
    for row in drawn:
        each = row.found
        if each is None:
            yield (row.title, *[output.BLANK] * (len(_COLUMNS) - 1))
            continue
        state, commit, author, source = _from_git(each)
        age, message = ages.ago(each.created_at, now), each.message or output.BLANK
        yield (
            Cell(each.ref.display, indent=row.indent),
            state,
            _health(each),
            commit,
            author,
            age,
            source,
            message,
        )


def _from_git(each: TreeObject) -> tuple[str | Cell, ...]:
    """Return what only an object has that Git declares: its state, commit, author, file and line."""
    if each.state is ObjectState.MADE:
        return (output.BLANK,) * 4
    source = f"{each.file}:{each.line}" if each.line else each.file
    return Cell(each.state, _STATES.get(each.state, Tone.BAD)), each.commit[:7], each.author, source


_STATES = {ObjectState.APPLIED: Tone.GOOD, ObjectState.WAITING: Tone.DOUBTFUL}


def _health(each: TreeObject) -> Cell:
    if each.state is ObjectState.MISSING:
        return Cell("")
    tones = {State.CURRENT: Tone.GOOD, State.FAILED: Tone.BAD}
    return Cell(tree_object.health_word(each.health), tones.get(each.health.state, Tone.DOUBTFUL))


def _untold(repository: GitRepository) -> Iterable[str]:
    """Say what the status does not list: of failures and drifted fields it names the first ten."""
    status = repository.status
    for field, total, what in (
        ("failures", status.get("failuresTotal", 0), "errors"),
        ("drift", status.get("driftTotal", 0), "fields that differ"),
    ):
        listed = len(status.get(field) or ())
        if total > listed:
            yield f"the status lists {listed} of {total} {what}: more objects may be concerned"
