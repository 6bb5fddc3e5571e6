"""Ask for something that concerns a list of objects: show them, have the user agree, write it, and tell the outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from towline.api.asked import asking
from towline.api.gitrepository import GitRepository
from towline.cli import output
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import Column, OutputStyle, Row, Table
from towline.cli.requesting import waiting
from towline.read.cluster import Cluster
from towline.read.requests import answers
from towline.read.requests.requester import Requester


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What would be asked for.

    Attributes:
        question: what the user is asked; empty where they have agreed before.
        declined: what is said where they do not agree.
        annotation: the one that asks.
        value: its value, without who asks.
        spec: fields of the spec to set.
        is_over: whether the operator has done it.
        told: what is said where nobody waits for that.
    """

    question: str
    declined: str
    annotation: str
    value: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    is_over: Callable[[GitRepository], bool]
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRequest:
    """One call of a command that asks: how it prints, whether the user agrees already, and for how long it waits."""

    view: View
    yes: bool
    seconds: float

    async def run(
        self, cluster: Cluster, name: str, propose: Callable[[GitRepository], Awaitable[Proposal | str]]
    ) -> ExitCode:
        """Read a repository, ask, and tell the outcome.

        Args:
            cluster: where it is.
            name: of the repository.
            propose: shows what it is about, and returns what to ask for, or in a sentence why nothing is.
        """
        asker = Requester(cluster, waiting.now)
        repository = await asker.read(name)
        if sentence := answers.obstacle(repository):
            return waiting.refuse(sentence)
        proposal = await propose(repository)
        if isinstance(proposal, str):
            return waiting.refuse(proposal)
        if proposal.question and not waiting.is_agreed(proposal.question, yes=self.yes):
            return waiting.refuse(proposal.declined)
        return await self._asked(asker, repository, proposal)

    async def _asked(self, asker: Requester, repository: GitRepository, proposal: Proposal) -> ExitCode:
        user = await asker.user()
        value = asking.written(proposal.value, user)
        asked = await asker.change(repository, {proposal.annotation: value}, proposal.spec or None)
        seen = await asker.until(asked, proposal.is_over, self.seconds)
        found = answers.of(seen.repository, user, handled=seen.is_done)
        told = f"{found.repository}: {found.message if seen.is_done else proposal.told}"
        if self.seconds and not seen.is_done:
            told += f"; {answers.unfinished(seen.repository)}"
        waiting.show(found, self.view.style, told)
        return ExitCode.GOOD if found.is_good or not self.seconds else ExitCode.NOT_AS_WANTED


def show(columns: Sequence[Column], rows: Sequence[Row], notes: Sequence[str], style: OutputStyle) -> None:
    """Print the objects: for people as a table, for scripts as notes on standard error, which is not the answer."""
    if style.format.is_table:
        Table(columns, style).show(rows)
        return
    for note in notes:
        output.note(note)
