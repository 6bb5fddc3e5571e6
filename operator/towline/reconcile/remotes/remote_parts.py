"""Begin the reading of remote parts for each repository, and know which of them are in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from towline.api import labels, pins
from towline.api.asked import asking
from towline.api.gitrepository import GitRepository, Spec
from towline.api.pins import Pin
from towline.api.remoting import RemotePolicy
from towline.model import Key
from towline.reconcile.remotes.chart_pins import PinnedCharts
from towline.reconcile.remotes.part_access import PartAccess
from towline.reconcile.remotes.pin_book import PinBook
from towline.reconcile.remotes.pinned_bases import PinnedBases
from towline.records.ledger import Ledger
from towline.source.access import Remote
from towline.source.helm_charts.chart_door import Charts
from towline.source.mirror import Mirrors


class ReadCommit(NamedTuple):
    """A commit that was read: the identity of its remote, its id, and the spec."""

    identity: str
    sha: str
    spec: Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedParts:
    """What opens the remote parts of one reading, against the pins in one book."""

    bases: PinnedBases
    charts: PinnedCharts
    book: PinBook


class RemoteParts:
    """Opens remote parts, for all repositories.

    Args:
        mirrors: fetch and read Git repositories.
        charts: fetches and keeps charts.
        access: knows the credentials.
        ledger: knows the pins of a repository whose status was lost.
    """

    def __init__(self, mirrors: Mirrors, charts: Charts, access: PartAccess, ledger: Ledger) -> None:
        self._mirrors = mirrors
        self._charts = charts
        self._access = access
        self._ledger = ledger
        self._used: dict[Key, Mapping[str, Remote]] = {}
        self._commits: dict[Key, tuple[ReadCommit, tuple[Pin, ...]]] = {}

    def begin(self, repository: GitRepository, spec: Spec, *, asks: bool = True) -> PinnedParts | None:
        """Return what opens the remote parts of one reading; None where the spec refuses them.

        Args:
            repository: whose commit is read.
            spec: its spec.
            asks: whether servers may be asked.
        """
        if spec.remote is not RemotePolicy.PINNED:
            return None
        key = repository.key

        async def recorded() -> tuple[Pin, ...]:
            return await self._ledger.pins(key)

        accepted = asking.token(repository.annotations, labels.ACCEPT_PIN)
        book = PinBook(key, repository.uid, pins.parse(repository.status), accepted, recorded)
        return self._parts(key, spec, book, asks=asks)

    def end(self, key: Key, commit: ReadCommit, parts: PinnedParts | None) -> None:
        """Note what a commit that was read is made of: the mirrors of its remote repositories stay."""
        self._used[key] = dict(parts.bases.remotes) if parts else {}
        self._commits.pop(key, None)
        if parts:
            self._commits[key] = commit, parts.book.used

    def recalled(self, remote: Remote, sha: str) -> PinnedBases | None:
        """Return what opens the remote bases of a commit that was read last, as it was; no server is asked."""
        for key, (commit, used) in self._commits.items():
            if (commit.identity, commit.sha) == (remote.identity, sha):
                book = PinBook(key, "", used, "", _nothing)
                return self._parts(key, commit.spec, book, asks=False).bases
        return None

    def _parts(self, key: Key, spec: Spec, book: PinBook, *, asks: bool) -> PinnedParts:
        access = self._access
        charts = PinnedCharts(key, spec, charts=self._charts, access=access, book=book, asks=asks)
        bases = PinnedBases(
            key, spec, mirrors=self._mirrors, access=access, charts=charts, book=book, asks=asks
        )
        return PinnedParts(bases=bases, charts=charts, book=book)

    def remotes(self) -> tuple[Remote, ...]:
        """Return every remote repository that a commit builds on."""
        return tuple(remote for used in self._used.values() for remote in used.values())

    def forget(self, key: Key) -> None:
        """Forget a repository that is gone."""
        self._used.pop(key, None)
        self._commits.pop(key, None)


async def _nothing() -> tuple[Pin, ...]:
    return ()
