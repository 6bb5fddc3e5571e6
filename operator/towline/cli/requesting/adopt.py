"""`towline adopt`: let a repository take over objects that exist already."""

from __future__ import annotations

import click

from towline import text
from towline.api import labels
from towline.api.gitrepository import Adopt, GitRepository
from towline.cli import completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import Cell, Column, Tone
from towline.cli.requesting import listed_request, waiting
from towline.cli.requesting.listed_request import ListedRequest, Proposal
from towline.read.cluster import Cluster
from towline.read.requests import answers, unadopted
from towline.read.requests.unadopted import Unadopted

_COLUMNS = (Column("OBJECT"), Column("REASON"), Column("NEEDS"), Column("WHY", long=True))


@click.command()
@click.argument("name", shell_complete=completion.repositories)
@click.option(
    "--allow",
    type=click.Choice([str(each) for each in Adopt if each is not Adopt.NEVER]),
    default=None,
    help="The spec.adopt to set; by default the most careful one that surely takes all of them over.",
)
@waiting.yes
@waiting.waits
@options.view(formats=waiting.FORMS)
def adopt(  # noqa: PLR0913  one argument for each option
    view: View, name: str, *, allow: str | None, yes: bool, wait: bool | None, timeout: float
) -> None:
    """Show the objects that a repository declares and may not take over, and let it by setting spec.adopt.

    Exit code 1 where there are none, the user does not agree, or the repository is not ready after it.

    Example: towline adopt shop
    """
    wanted = Adopt(allow) if allow else None
    request = ListedRequest(view=view, yes=yes, seconds=waiting.seconds(wait=wait, timeout=timeout))

    async def work(cluster: Cluster) -> ExitCode:
        async def propose(repository: GitRepository) -> Proposal | str:
            found = await unadopted.with_marks(cluster, unadopted.of(repository))
            return _proposed(repository, found, wanted, view)

        return await request.run(cluster, name, propose)

    answer(view, work)


def _proposed(
    repository: GitRepository, found: tuple[Unadopted, ...], wanted: Adopt | None, view: View
) -> Proposal | str:
    """Show what is left alone; return what takes it over."""
    if not found:
        return f"{repository.key}: nothing that it declares waits to be taken over"
    _show(found, repository, view)
    present, value = unadopted.present(repository), wanted or unadopted.needed(found)
    if not unadopted.is_bolder(value, present):
        return (
            f"{repository.key}: spec.adopt is {present} already; once the operator looks again they are taken"
            f" over: towline sync {repository.key.name} -n {repository.key.namespace}"
        )
    _warn(found, present, value, repository)
    return Proposal(
        question=f"Set spec.adopt to {value}?",
        declined="nothing was changed",
        annotation=labels.RECONCILE,
        value=waiting.now().isoformat(timespec="milliseconds"),
        spec={"adopt": str(value)},
        is_over=answers.has_looked,
        told=f"spec.adopt is {value} now",
    )


def _show(found: tuple[Unadopted, ...], repository: GitRepository, view: View) -> None:
    rows = [(each.object, Cell(each.reason, Tone.BAD), str(each.needs), each.message) for each in found]
    notes = [f"left alone: {each.object} ({each.reason}, needs {each.needs})" for each in found]
    listed_request.show(_COLUMNS, rows, notes, view.style)
    unlisted = repository.status.get("failuresTotal", 0) - len(repository.status.get("failures") or ())
    if unlisted > 0:
        output.note(
            f"the status does not list {text.many(unlisted, 'more failure')}, which may be of this kind"
        )


def _warn(found: tuple[Unadopted, ...], present: Adopt, wanted: Adopt, repository: GitRepository) -> None:
    """Say what the new value means beyond these objects."""
    output.note(
        f"spec.adopt is {present}. {wanted} holds for everything that {repository.key} declares, now and later, until"
        " it is set back; where Git declares the GitRepository, change it there"
    )
    if wanted is Adopt.ANY:
        output.note("stop the other tool first: it goes on writing what it calls its own")
    if wanted is not Adopt.IF_NO_CONFLICT:
        output.note(
            f"where Git declares another value than another field manager wrote, {wanted} overwrites it, now and later;"
            f" to see what changes first: towline diff {repository.key.name} -n {repository.key.namespace}"
        )
    if left := [each.object for each in found if unadopted.is_bolder(each.least, wanted)]:
        output.note(f"{wanted} still leaves alone: {', '.join(left)}")
    unsure = [each for each in found if not unadopted.is_bolder(each.least, wanted)]
    if doubtful := [each.object for each in unsure if unadopted.is_bolder(each.needs, wanted)]:
        output.note(
            f"{wanted} takes these over only where Git declares no other value than their field managers wrote, else"
            f" they end as a Conflict: {', '.join(doubtful)}"
        )
