"""Put the trees of remote bases next to that of a commit; no path and no symlink leads from one into another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from towline.render.links import Tree
from towline.render.units import tree_paths
from towline.render.units.remote_address import RemoteRepository
from towline.render.units.tree_paths import LedOutError, Target
from towline.source.selection import Entry

_FOLDER = ".git/remote/"
"""Where remote bases are: Git lets no commit have a folder of this name."""


class OpenedBase(NamedTuple):
    """A remote repository at a commit."""

    url: str
    sha: str
    tree: Tree


class ChartAddress(NamedTuple):
    """A chart of another server, as a kustomization names it."""

    repository: str
    name: str
    version: str


class OpenedChart(NamedTuple):
    """The files of a chart by their paths from its folder, and what no other chart has."""

    digest: str
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteKnowledge:
    """What is known of remote bases and charts: those that are open, and why others are refused.

    Where they are not `served`, every one is refused.
    """

    served: bool = False
    opened: Mapping[RemoteRepository, OpenedBase] = field(default_factory=dict)
    refused: Mapping[RemoteRepository | ChartAddress, str] = field(default_factory=dict)
    charts: Mapping[ChartAddress, OpenedChart] = field(default_factory=dict)


class Mounts:
    """The tree of a commit with the remote bases that its units build on.

    Args:
        tree: that of the commit.
        bases: those that are open.
    """

    def __init__(self, tree: Tree, bases: Mapping[RemoteRepository, OpenedBase]) -> None:
        self._tree = tree
        self._mounted = {mount(each.url, each.sha): each for each in bases.values()}

    def joined(self, folder: str, text: str) -> str:
        """Return the path that a text names, seen from a folder.

        Raises:
            LedOutError: it leads out of the repository that the folder is in.
        """
        root, below = mounted(folder)
        path = tree_paths.joined(below, text)
        if not root and mounted(path)[0]:
            raise LedOutError("is not in this commit")
        return _in(root, path)

    def target(self, path: str) -> Target:
        """Follow the symlinks of a path inside its own tree.

        Raises:
            LedOutError: a symlink leads out of it, or in a circle.
        """
        root, below = mounted(path)
        found = tree_paths.target(self._of(root), below)
        return found._replace(path=_in(root, found.path), real=_in(root, found.real))

    def is_folder(self, path: str) -> bool:
        """Say whether there is a folder."""
        root, below = mounted(path)
        return self._of(root).is_folder(below)

    def below(self, folder: str) -> Iterator[tuple[str, Entry]]:
        """Yield what is in a folder and the folders in it, by its path."""
        root, below = mounted(folder)
        for entry in self._of(root).below(below):
            yield _in(root, entry.path), entry

    def _of(self, root: str) -> Tree:
        return self._mounted[root].tree if root else self._tree


def mount(url: str, sha: str) -> str:
    """Return the folder of a remote repository at a commit."""
    return f"{_FOLDER}{hashlib.sha256(url.encode()).hexdigest()[:16]}-{sha}"


def mounted(path: str) -> tuple[str, str]:
    """Return the folder of the remote base that a path is in, empty where it is in none, and the path below that."""
    if not path.startswith(_FOLDER):
        return "", path
    name, _, below = path.removeprefix(_FOLDER).partition("/")
    return f"{_FOLDER}{name}", below


def name(path: str, bases: Mapping[str, tuple[str, str]]) -> str:
    """Return a path for people: one of a remote base as `url//path@commit`.

    Args:
        path: from the root of the commit.
        bases: url and commit of each remote base, by its folder.
    """
    root, below = mounted(path)
    if root not in bases:
        return path
    url, sha = bases[root]
    return f"{url}//{below}@{sha[:7]}"


def told(said: str, bases: Mapping[str, tuple[str, str]]) -> str:
    """Return what a tool said, with remote bases by their urls."""
    for root, (url, sha) in bases.items():
        said = said.replace(f"{root}/", f"{url}@{sha[:7]}//").replace(root, f"{url}@{sha[:7]}")
    return said


def _in(root: str, path: str) -> str:
    if not root:
        return path
    return f"{root}/{path}" if path else root
