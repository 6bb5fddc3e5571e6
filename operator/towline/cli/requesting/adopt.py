"""`towline adopt`: let a repository take over objects that exist already."""

from __future__ import annotations

import click

from towline import text
from towline.api import labels
from towline.api.asked import asking
from towline.api.gitrepository import Adopt, GitRepository
from towline.cli import completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import Cell, Column, Table, Tone
from towline.cli.requesting import waiting
from towline.read.cluster import Cluster
from towline.read.requests import answers, unadopted
from towline.read.requests.requester import Requester
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
    call = _Adoption(view=view, wanted=wanted, yes=yes, seconds=waiting.seconds(wait=wait, timeout=timeout))
    answer(view, lambda cluster: call.run(cluster, name))


class _Adoption:
    """One call of the command."""

    def __init__(self, *, view: View, wanted: Adopt | None, yes: bool, seconds: float) -> None:
        self._view = view
        self._wanted = wanted
        self._yes = yes
        self._seconds = seconds

    async def run(self, cluster: Cluster, name: str) -> ExitCode:
        """Show what is left alone, ask, and set the spec."""
        asker = Requester(cluster, waiting.now)
        repository = await asker.read(name)
        if sentence := answers.obstacle(repository):
            return waiting.refuse(sentence)
        found = await unadopted.with_marks(cluster, unadopted.of(repository))
        if not found:
            return waiting.refuse(f"{repository.key}: nothing that it declares waits to be taken over")
        self._show(found)
        unlisted = repository.status.get("failuresTotal", 0) - len(repository.status.get("failures") or ())
        if unlisted > 0:
            output.note(
                f"the status does not list {text.many(unlisted, 'more failure')}, which may be of this kind"
            )
        present, wanted = unadopted.present(repository), self._wanted or unadopted.needed(found)
        if not unadopted.is_bolder(wanted, present):
            return waiting.refuse(
                f"{repository.key}: spec.adopt is {present} already; once the operator looks again they are taken"
                f" over: towline sync {name}"
            )
        _warn(found, present, wanted, repository)
        if not waiting.is_agreed(f"Set spec.adopt to {wanted}?", yes=self._yes):
            return waiting.refuse("nothing was changed")
        return await self._ended(asker, repository, wanted)

    async def _ended(self, asker: Requester, repository: GitRepository, wanted: Adopt) -> ExitCode:
        user = await asker.user()
        value = asking.written(waiting.now().isoformat(timespec="milliseconds"), user)
        asked = await asker.change(repository, {labels.RECONCILE: value}, {"adopt": str(wanted)})
        seen = await asker.until(asked, answers.has_looked, self._seconds)
        found = answers.of(seen.repository, user, handled=seen.is_done)
        told = f"{found.repository}: {found.message if seen.is_done else f'spec.adopt is {wanted} now'}"
        waiting.show(found, self._view.style, told)
        return ExitCode.GOOD if found.is_good or not self._seconds else ExitCode.NOT_AS_WANTED

    def _show(self, found: tuple[Unadopted, ...]) -> None:
        if not self._view.style.format.is_table:
            for each in found:
                output.note(f"left alone: {each.object} ({each.reason}, needs {each.needs})")
            return
        rows = [(each.object, Cell(each.reason, Tone.BAD), str(each.needs), each.message) for each in found]
        Table(_COLUMNS, self._view.style).show(rows)


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
