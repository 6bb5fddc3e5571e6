"""What the build of a kustomization reads, and whether another commit has the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from towline.errors import Failure
from towline.render.links import Tree
from towline.render.units import mounts, tree_paths
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
        probes: every path that was looked up with the object id of what was there, empty where nothing was: while
            all answers are the same, the graph is.
        built_on: the folders that it builds on.
        chains: for each file, the kustomizations that lead to it, the outermost first.
        is_component: whether the folder itself is a Component.
        failures: why it is refused.
        needed: files that must be handed in before the graph is whole.
        asked: remote repositories that must be opened before.
        remotes: the remote repositories that it reads, each with its commit.
        rewritten: by kustomization, the folders that its build reads in place of remote bases, by their fields.
    """

    folder: str
    files: Mapping[str, Entry]
    raw: frozenset[str]
    probes: Mapping[str, str]
    built_on: frozenset[str]
    chains: Mapping[str, tuple[str, ...]]
    is_component: bool
    failures: tuple[Failure, ...]
    needed: tuple[Needed, ...]
    asked: tuple[RemoteRepository, ...] = ()
    remotes: Mapping[RemoteRepository, str] = field(default_factory=dict)
    rewritten: Mapping[str, Mapping[Steps, str]] = field(default_factory=dict)

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


def joined(unit: Graph, others: Iterable[Graph]) -> Graph:
    """Return what a unit and some folders read that are built together with it."""
    for one in others:
        as_yaml = (unit.files.keys() - unit.raw) | (one.files.keys() - one.raw)
        unit = replace(
            unit,
            files={**unit.files, **one.files},
            raw=(unit.raw | one.raw) - as_yaml,
            chains={**one.chains, **unit.chains},
            failures=(*unit.failures, *one.failures),
            remotes={**one.remotes, **unit.remotes},
            rewritten={**one.rewritten, **unit.rewritten},
        )
    return unit


def is_same(graph: Graph, tree: Tree) -> bool:
    """Tell whether a commit has the same files where an earlier one had them."""
    for path, known in graph.probes.items():
        file = tree.straight(path)  # most paths, at a small part of the cost
        if (f"{file.mode} {file.sha} {path}" if file else _probe(tree, path)) != known:
            return False
    return True


def _probe(tree: Tree, path: str) -> str:
    try:
        return answer(tree_paths.target(tree, path))
    except LedOutError as error:
        return str(error)


def answer(found: Target) -> str:
    """Return what a look at a path has found, as `Graph.probes` keeps it."""
    return f"{found.file.mode} {found.file.sha} {found.real}" if found.file else ""


def names_of(remotes: Mapping[RemoteRepository, str]) -> Mapping[str, tuple[str, str]]:
    """Return url and commit of remote bases by the folder that each is in."""
    return {mounts.mount(each.url, sha): (each.url, sha) for each, sha in remotes.items()}
