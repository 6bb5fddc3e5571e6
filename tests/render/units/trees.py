"""Trees of files as a commit would have them, and builders that build their units."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from towline.errors import Reason, SourceError
from towline.render.confined.jail import CONFINED, Grant, Jail, Run
from towline.render.documents import YamlLimits
from towline.render.helm import helm_tool
from towline.render.links import Listing
from towline.render.units import kustomize
from towline.render.units.base_door import RemoteRefusedError
from towline.render.units.built_units import Built
from towline.render.units.inputs import InputReader
from towline.render.units.mounts import ChartAddress, OpenedBase, OpenedChart
from towline.render.units.remote_address import RemoteRepository
from towline.render.units.unit_builds import UnitBuilder
from towline.render.units.unit_settings import UnitSettings
from towline.render.units.unit_source import UnitSource
from towline.shares.pools import Pools
from towline.source.selection import Entry, Kind

from tests.render.kubectl import KUBECTL

MARKERS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class Commit:
    """Files by path; a value that begins with `->` is a symlink."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.contents = {path: text.removeprefix("->").encode() for path, text in files.items()}
        entries = [entry(path, text) for path, text in files.items()]
        self.tree = Listing(entries, {one.sha: self.contents[one.path] for one in entries})

    async def read(self, entries: Sequence[Entry]) -> Sequence[bytes]:
        return [self.contents[one.path] for one in entries]

    @property
    def folders(self) -> set[str]:
        """Every folder with a kustomization."""
        return {path.rpartition("/")[0] for path in self.contents if path.rpartition("/")[2] in MARKERS}


def entry(path: str, text: str) -> Entry:
    is_link = text.startswith("->")
    return Entry(
        path=path,
        mode="120000" if is_link else "100644",
        kind=Kind.SYMLINK if is_link else Kind.FILE,
        sha=hashlib.sha1(text.removeprefix("->").encode(), usedforsecurity=False).hexdigest(),
        size=len(text),
    )


class CountingJail(Jail):
    """A jail that counts the tools it has run."""

    started = 0

    async def run(
        self,
        command: Sequence[str],
        files: Mapping[str, bytes],
        programs: Sequence[str] = (),
        grant: Grant = CONFINED,
    ) -> Run:
        self.started += 1
        return await super().run(command, files, programs, grant)


class RemoteCommits:
    """Remote repositories by url, each one commit with these files; `asked` is what was resolved of them."""

    def __init__(self, commits: Mapping[str, Mapping[str, str]], *, moved: bool = False) -> None:
        self.commits = {url: Commit(files) for url, files in commits.items()}
        self.asked: list[RemoteRepository] = []
        self.charts: dict[ChartAddress, Mapping[str, str]] = {}
        self.charted: list[ChartAddress] = []
        self.moved = moved

    async def resolve(self, repository: RemoteRepository) -> str:
        self.asked.append(repository)
        if repository.url not in self.commits:
            raise RemoteRefusedError("does not exist")
        return hashlib.sha1(f"{self.commits[repository.url].contents}".encode()).hexdigest()  # noqa: S324

    async def open(self, repository: RemoteRepository, sha: str) -> OpenedBase:
        return OpenedBase(repository.url, sha, self.commits[repository.url].tree)

    async def read(self, repository: RemoteRepository, entries: Sequence[Entry]) -> Sequence[bytes]:
        return await self.commits[repository.url].read(entries)

    async def chart(self, address: ChartAddress) -> OpenedChart:
        self.charted.append(address)
        if address not in self.charts:
            raise RemoteRefusedError("does not exist")
        files = {path: text.encode() for path, text in self.charts[address].items()}
        return OpenedChart(hashlib.sha256(repr(files).encode()).hexdigest(), files)

    def settle(self) -> None:
        if self.moved:
            raise SourceError(Reason.VERIFICATION_FAILED, "moved")


class Yard:
    """A builder, and how many children it has started."""

    def __init__(self, folder: Path, binary: str = "", seconds: float = 60, helm: str = "") -> None:
        self.renders = folder / "renders"
        self._jail = CountingJail(self.renders, Pools.here(), seconds)
        find = partial(kustomize.find, binary or str(KUBECTL))
        self.builder = UnitBuilder(
            self._jail, find, InputReader(YamlLimits()), lambda: helm_tool.find(helm) if helm else None
        )

    async def build(
        self,
        files: Mapping[str, str],
        folders: set[str] | None = None,
        how: UnitSettings | None = None,
        remote: RemoteCommits | None = None,
    ) -> Built:
        commit = Commit(files)
        source = UnitSource(name="repository", tree=commit.tree, read=commit.read, bases=remote)
        found = commit.folders if folders is None else folders
        return await self.builder.build(source, found, how or UnitSettings())

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left of what its children read."""
        return not list(self.renders.iterdir())

    @property
    def children(self) -> int:
        return self._jail.started


def told(built: Built) -> list[str]:
    return [f"{one.file}:{one.line}: {one.message}" for one in built.failures]
