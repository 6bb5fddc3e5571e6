"""Ask for the remote bases that units build on: what a door must offer for that, and what is known of each then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

from towline.render.units import mounts
from towline.render.units.graph import Graph
from towline.render.units.mounts import ChartAddress, OpenedBase, OpenedChart, RemoteKnowledge
from towline.render.units.remote_address import RemoteRepository
from towline.source.selection import Entry

ReadFiles: TypeAlias = Callable[[Sequence[Entry]], Awaitable[Sequence[bytes]]]
"""Returns the contents of files, in their order, or raises the error of its door."""


class RemoteRefusedError(Exception):
    """A remote base is refused because of how it is named; the message says why, to follow its address."""


class RemoteBases(Protocol):
    """Opens remote repositories, for one reading of one commit."""

    async def resolve(self, repository: RemoteRepository) -> str:
        """Return the commit of a repository, which can be read from then on.

        Raises:
            RemoteRefusedError: another address is needed.
            SourceError: it could not be read.
        """

    async def open(self, repository: RemoteRepository, sha: str) -> OpenedBase:
        """Return what is in a commit that was resolved."""

    async def read(self, repository: RemoteRepository, entries: Sequence[Entry]) -> Sequence[bytes]:
        """Return the contents of some of its files, in their order."""

    async def chart(self, address: ChartAddress) -> OpenedChart:
        """Return the files of a chart.

        Raises:
            RemoteRefusedError: another address is needed.
            SourceError: it could not be fetched.
        """

    def settle(self) -> None:
        """Raise SourceError where a tag was resolved to another commit than before, and nobody has accepted that."""


async def opened(
    bases: RemoteBases, asked: Sequence[RemoteRepository | ChartAddress], before: RemoteKnowledge
) -> RemoteKnowledge:
    """Open what a graph asks for, and return what is known then.

    Raises:
        SourceError: one of them could not be read.
    """
    found, charts, refused = dict(before.opened), dict(before.charts), dict(before.refused)
    for address in asked:
        try:
            if isinstance(address, ChartAddress):
                charts[address] = await bases.chart(address)
            else:
                found[address] = await bases.open(address, await bases.resolve(address))
        except RemoteRefusedError as error:
            refused[address] = str(error)
    return replace(before, opened=found, charts=charts, refused=refused)


async def is_same(bases: RemoteBases, graph: Graph) -> bool:
    """Tell whether the remote repositories and charts of a graph are still what they were.

    Raises:
        SourceError: one of them could not be read.
    """
    try:
        known = [await bases.resolve(each) == sha for each, sha in graph.remotes.items()]
        known += [(await bases.chart(each)).digest == digest for each, digest in graph.charts.values()]
    except RemoteRefusedError:
        return False
    return all(known)


async def contents(
    entries: Mapping[str, Entry], graph: Graph, read: ReadFiles, bases: RemoteBases | None
) -> dict[str, bytes]:
    """Return the contents of files by path, each from where it is.

    Args:
        entries: the files, by path.
        graph: says which remote repositories and charts they may be in.
        read: reads the files of the commit itself.
        bases: reads the others.

    Raises:
        SourceError: one of them could not be read.
    """
    found: dict[str, bytes] = {}
    for place, (address, _) in graph.charts.items() if bases else ():
        if bases and any(path.startswith(f"{place}/") for path in entries):
            files = (await bases.chart(address)).files
            found |= {f"{place}/{path}": content for path, content in files.items()}
    for repository, sha in graph.remotes.items() if bases else ():
        root = mounts.mount(repository.url, sha)
        there = [path for path in entries if mounts.mounted(path)[0] == root and path not in found]
        if there and bases:
            texts = await bases.read(repository, [entries[path] for path in there])
            found |= dict(zip(there, texts, strict=True))
    own = [path for path in entries if path not in found]
    found |= dict(zip(own, await read([entries[path] for path in own]), strict=True))
    return {path: found[path] for path in entries}
