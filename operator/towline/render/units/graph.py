"""What the build of a kustomization reads, and whether another commit has the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from towline.errors import Failure
from towline.render.links import Tree
from towline.render.units import mounts, tree_paths
from towline.render.units.mounts import ChartAddress
from towline.render.units.references import Steps
from towline.render.units.remote_address import RemoteRepository
from towline.render.units.tree_paths import LedOutError, Target
from towline.source.selection import Entry


class Needed(NamedTuple):
    """A file that the graph asks for: parsed, or only looked at where it is `raw`."""

    entry: Entry
    path: str
    raw: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What the build of one folder reads.

    Attributes:
        folder: where the build begins; "" is the root of the repository.
        files: what it reads, by path.
        raw: those of them that are only values.
        straight: those of them that no symlink leads to.
        absent: paths that were looked up, where nothing was.
        probes: every other path that was looked up, with what was there: while all answers are the same, and so are
            the files that are reached straight, and nothing is where nothing was, the graph is.
        built_on: the folders that it builds on.
        chains: for each file, the kustomizations that lead to it, the outermost first.
        is_component: whether the folder itself is a Component.
        failures: why it is refused.
        signature: tells the files from all others, once they are known.
        needed: files that must be handed in before the graph is whole.
        asked: remote repositories that must be opened before.
        remotes: the remote repositories that it reads, each with its commit.
        charts: the charts of other servers that it reads, each with its digest, by the folders where they are put.
        holds_charts: whether Helm renders any chart in it.
        rewritten: by kustomization, the folders that its build reads in place of remote bases, by their fields.
    """

    folder: str
    files: Mapping[str, Entry]
    raw: frozenset[str]
    straight: Mapping[str, Entry]
    absent: frozenset[str]
    probes: Mapping[str, str]
    built_on: frozenset[str]
    chains: Mapping[str, tuple[str, ...]]
    is_component: bool
    failures: tuple[Failure, ...]
    needed: tuple[Needed, ...]
    signature: str = ""
    asked: tuple[RemoteRepository | ChartAddress, ...] = ()
    charts: Mapping[str, tuple[ChartAddress, str]] = field(default_factory=dict)
    holds_charts: bool = False
    remotes: Mapping[RemoteRepository, str] = field(default_factory=dict)
    rewritten: Mapping[str, Mapping[Steps, str]] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        """How many paths were looked up."""
        return len(self.straight) + len(self.absent) + len(self.probes)

    @property
    def names(self) -> Mapping[str, tuple[str, str]]:
        """The url and the commit of each remote base, by the folder that it is in."""
        return names_of(self.remotes)

    def name(self, path: str) -> str:
        """Return the path of a file for people, also of one of a remote base."""
        return mounts.name(path, self.names)

    @property
    def kustomization(self) -> str:
        """The path of the outermost kustomization."""
        return next(iter(self.files), self.folder)


EMPTY = Graph(
    folder="",
    files={},
    straight={},
    absent=frozenset(),
    raw=frozenset(),
    probes={},
    built_on=frozenset(),
    chains={},
    is_component=False,
    failures=(),
    needed=(),
)
"""What reads nothing."""


def joined(unit: Graph, others: Iterable[Graph]) -> Graph:
    """Return what a unit and some folders read that are built together with it."""
    for one in others:
        as_yaml = (unit.files.keys() - unit.raw) | (one.files.keys() - one.raw)
        unit = replace(
            unit,
            files={**unit.files, **one.files},
            raw=(unit.raw | one.raw) - as_yaml,
            signature=f"{unit.signature} {one.signature}",
            chains={**one.chains, **unit.chains},
            failures=(*unit.failures, *one.failures),
            remotes={**one.remotes, **unit.remotes},
            charts={**one.charts, **unit.charts},
            holds_charts=one.holds_charts or unit.holds_charts,
            rewritten={**one.rewritten, **unit.rewritten},
        )
    return unit


def signed(graph: Graph) -> Graph:
    """Return a graph whose files are known, with the signature that tells them from all others."""
    files = sorted((path, entry.mode, entry.sha) for path, entry in graph.files.items())
    return replace(graph, signature=hashlib.sha256(repr(files).encode()).hexdigest())


def is_same(graph: Graph, tree: Tree) -> bool:
    """Tell whether a commit has the same files where an earlier one had them.

    Most trees know at once of most paths, at a small part of what a look costs.
    """
    return (
        (
            tree.has(graph.straight)
            or all(_probe(tree, path) == answered(known, path) for path, known in graph.straight.items())
        )
        and (tree.lacks(graph.absent) or not any(_probe(tree, path) for path in graph.absent))
        and all(_probe(tree, path) == known for path, known in graph.probes.items())
    )


def _probe(tree: Tree, path: str) -> str:
    if path.endswith("/"):
        return listed((entry.path, entry) for entry in tree.below(path.rstrip("/")))
    try:
        return answer(tree_paths.target(tree, path))
    except LedOutError as error:
        return str(error)


def listed(entries: Iterable[tuple[str, Entry]]) -> str:
    """Return what a look at a whole folder has found, as `Graph.probes` keeps it under its path and a slash."""
    told = sorted((path, entry.mode, entry.sha) for path, entry in entries)
    return hashlib.sha256(repr(told).encode("utf-8", "surrogateescape")).hexdigest() if told else ""


def answer(found: Target) -> str:
    """Return what a look at a path has found, as `Graph.probes` keeps it."""
    return answered(found.file, found.real) if found.file else ""


def answered(file: Entry, real: str) -> str:
    """Return what a look has found that led to a file."""
    return f"{file.mode} {file.sha} {real}"


def names_of(remotes: Mapping[RemoteRepository, str]) -> Mapping[str, tuple[str, str]]:
    """Return url and commit of remote bases by the folder that each is in."""
    return {mounts.mount(each.url, sha): (each.url, sha) for each, sha in remotes.items()}
