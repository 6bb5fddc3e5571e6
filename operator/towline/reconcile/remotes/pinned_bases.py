"""Fetch the remote bases of one reading of a commit through the Git door, at the commits that are pinned."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from towline import log
from towline.api.gitrepository import Ref, RefKind, Spec
from towline.api.pins import Pin
from towline.errors import Reason, SourceError
from towline.model import Key
from towline.reconcile.remotes import part_access
from towline.reconcile.remotes.chart_pins import PinnedCharts
from towline.reconcile.remotes.part_access import PartAccess
from towline.reconcile.remotes.pin_book import PinBook
from towline.render import links
from towline.render.links import Listing
from towline.render.units import remote_address
from towline.render.units.base_door import RemoteRefusedError
from towline.render.units.mounts import ChartAddress, OpenedBase, OpenedChart
from towline.render.units.remote_address import RemoteRepository
from towline.source.access import Remote
from towline.source.helm_charts import chart_archive, chart_name
from towline.source.helm_charts.chart_archive import ChartArchiveError
from towline.source.helm_charts.chart_name import ChartNameError
from towline.source.refs import Refs
from towline.source.selection import Entry

_log = log.logger(__name__)

_AWAY = frozenset({Reason.GIT_UNAVAILABLE, Reason.GIT_TIMEOUT})


class BaseMirrors(Protocol):
    """Fetches and reads Git repositories: the mirrors of the operator, or those of one user."""

    async def look(self, remote: Remote, seconds: float, age: float = 0.0, ref: Ref | None = None) -> Refs:
        """Return what a remote offers."""

    async def fetch(self, remote: Remote, refname: str, sha: str, seconds: float) -> None:
        """Fetch a commit, unless it is here."""

    async def has(self, remote: Remote, sha: str) -> bool:
        """Tell whether a commit is here."""

    async def entries(self, remote: Remote, sha: str, path: str) -> tuple[Entry, ...]:
        """Return what is below a path of a commit."""

    async def blobs(self, remote: Remote, shas: Iterable[str]) -> Mapping[str, bytes]:
        """Return contents by their ids."""


class PinnedBases:
    """Opens remote bases; it implements `base_door.RemoteBases`.

    Args:
        key: the repository that builds on them.
        spec: its spec.
        mirrors: fetch and read them.
        access: knows their credentials.
        charts: fetches the charts that kustomizations name.
        book: knows what was resolved before.
        asks: whether servers may be asked; else only what is here already can be read.
    """

    def __init__(  # noqa: PLR0913  for whom, by which door, and against which pins
        self,
        key: Key,
        spec: Spec,
        *,
        mirrors: BaseMirrors,
        access: PartAccess,
        charts: PinnedCharts,
        book: PinBook,
        asks: bool,
    ) -> None:
        self._key = key
        self._spec = spec
        self._mirrors = mirrors
        self._access = access
        self._charts = charts
        self._unpacked: dict[ChartAddress, OpenedChart] = {}
        self._asks = asks
        self._remotes: dict[str, Remote] = {}
        self._resolved: dict[RemoteRepository, str] = {}
        self._opened: dict[tuple[str, str], OpenedBase] = {}
        self.book = book

    @property
    def remotes(self) -> Mapping[str, Remote]:
        """The repositories that were read, by url."""
        return self._remotes

    async def resolve(self, repository: RemoteRepository) -> str:
        """Return the commit of a repository, which can be read from then on.

        Raises:
            RemoteRefusedError: another address is needed.
            SourceError: it could not be read.
            ClusterError: its Secret, or the newest record, could not be read.
        """
        if repository not in self._resolved:
            remote = await self._remote(repository.url)
            sha = repository.ref if repository.is_commit else await self._tag(remote, repository)
            name = sha if repository.is_commit else f"refs/tags/{repository.ref}"
            await self._fetch(remote, name, sha)
            self._resolved[repository] = sha
        return self._resolved[repository]

    async def open(self, repository: RemoteRepository, sha: str) -> OpenedBase:
        """Return what is in a commit that was resolved.

        Raises:
            SourceError: the mirror could not be read, or the commit holds too much.
        """
        if (repository.url, sha) not in self._opened:
            remote = await self._remote(repository.url)
            entries = await self._mirrors.entries(remote, sha, ".")
            texts = await self._mirrors.blobs(remote, await asyncio.to_thread(links.to_read, entries))
            tree = await asyncio.to_thread(Listing, entries, texts)
            self._opened[repository.url, sha] = OpenedBase(repository.url, sha, tree)
        return self._opened[repository.url, sha]

    async def read(self, repository: RemoteRepository, entries: Sequence[Entry]) -> Sequence[bytes]:
        """Return the contents of some of its files, in their order.

        Raises:
            SourceError: the mirror could not be read.
        """
        remote = await self._remote(repository.url)
        contents = await self._mirrors.blobs(remote, {entry.sha for entry in entries})
        return [contents[entry.sha] for entry in entries]

    async def chart(self, address: ChartAddress) -> OpenedChart:
        """Return the files of a chart.

        Raises:
            RemoteRefusedError: another address is needed.
            SourceError: it could not be fetched.
            ClusterError: its Secret, or the newest record, could not be read.
        """
        if address not in self._unpacked:
            try:
                chart = chart_name.parse(*address, allow_http=self._charts.allow_http)
                archive = await self._charts.archive(chart)
                files = await asyncio.to_thread(chart_archive.unpack, archive)
            except (ChartNameError, ChartArchiveError) as error:
                raise RemoteRefusedError(str(error)) from error
            digest = hashlib.sha256(archive).hexdigest()
            self._unpacked[address] = OpenedChart(digest=digest, files=files)
        return self._unpacked[address]

    def settle(self) -> None:
        """Go on only where no tag has moved, or a person has accepted it.

        Raises:
            SourceError: VerificationFailed.
        """
        self.book.settle()

    async def _remote(self, url: str) -> Remote:
        if url not in self._remotes:
            self._remotes[url] = await self._access.remote(self._key, self._spec, url)
        return self._remotes[url]

    async def _fetch(self, remote: Remote, name: str, sha: str) -> None:
        with part_access.translated():
            if self._asks:
                await self._mirrors.fetch(remote, name, sha, self._spec.timeout)
            elif not await self._mirrors.has(remote, sha):
                raise SourceError(Reason.GIT_UNAVAILABLE, f"{remote.url}: commit {sha[:7]} is not here yet")

    async def _tag(self, remote: Remote, repository: RemoteRepository) -> str:
        """Return the commit of a tag: as its server says, or as it was while that is away."""
        pin = await self.book.known(repository.url, repository.ref)
        if pin and not self._asks:
            sha = pin.resolved
        else:
            sha = await self._found(remote, repository, pin)
        self.book.note(Pin(name=repository.url, ref=repository.ref, resolved=sha))
        return sha

    async def _found(self, remote: Remote, repository: RemoteRepository, pin: Pin | None) -> str:
        tag = f"refs/tags/{repository.ref}"
        with part_access.translated():
            try:
                found = await self._names(remote, tag, Ref(kind=RefKind.TAG, value=repository.ref))
            except SourceError as error:
                if not (pin and error.reason in _AWAY and await self._mirrors.has(remote, pin.resolved)):
                    raise
                _log.warning("a server of a pinned base is away", url=remote.url, error=error.message)
                return pin.resolved
            if tag in found:
                return found[tag]
            head = f"refs/heads/{repository.ref}"
            branches = await self._names(remote, head, Ref(kind=RefKind.BRANCH, value=repository.ref))
        raise RemoteRefusedError(remote_address.absent_tag(repository.ref, is_branch=head in branches))

    async def _names(self, remote: Remote, name: str, ref: Ref) -> Mapping[str, str]:
        if not self._asks:
            raise SourceError(Reason.GIT_UNAVAILABLE, f"{remote.url}: {name} was not resolved yet")
        return (await self._mirrors.look(remote, self._spec.timeout, 0.0, ref)).names
