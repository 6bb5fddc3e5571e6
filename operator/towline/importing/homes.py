"""Where the manifests of a resource are: the Git repositories that are at hand, with their trees."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from towline.importing.draft import Draft

_SCP_LIKE = re.compile(r"(?!\w+://)([\w.-]+@)?([\w.-]+):/?([^:@].*)", re.ASCII)
_CREDENTIALS = re.compile(r"(?<=://)[^/@]*:[^/@]*@|(?<=^https://)[^/@]*@", re.ASCII)
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The names that kustomize looks for, in its order."""


class RepositoryTree(Protocol):
    """The files of one commit, by their paths from its root."""

    @property
    def files(self) -> Sequence[str]:
        """All of them, sorted."""

    @property
    def branches(self) -> frozenset[str]:
        """The branches of its remote, as far as they are known."""

    @property
    def tags(self) -> frozenset[str]:
        """The tags, as far as they are known."""

    def has(self, path: str) -> bool:
        """Say whether there is a file."""

    def read(self, path: str) -> bytes | None:
        """Return the content of a file; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A Git repository that holds what a resource needs: its address, and a folder in it."""

    url: str
    path: str = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Homes:
    """The Git repositories that are at hand.

    Attributes:
        given: the one that the user names for resources that have none of their own.
        of_files: those that the files themselves are in, by file.
        trees: the trees of local clones, by what `same_place` makes of their addresses.
    """

    given: Home | None = None
    of_files: Mapping[str, Home] = field(default_factory=dict)
    trees: Mapping[str, RepositoryTree] = field(default_factory=dict)

    def of(self, file: str) -> Home | None:
        """Return the home of what a file describes: the given one, else the repository that the file is in.

        Where both are the same and no folder is given, it is the folder of the file.
        """
        own = self.of_files.get(file)
        if self.given is None or own is None:
            return self.given or own
        is_same = self.given.path == "." and same_place(self.given.url) == same_place(own.url)
        return replace(own, url=self.given.url) if is_same else self.given

    def tree(self, url: str) -> RepositoryTree | None:
        """Return the tree of a repository, if there is a clone of it."""
        return self.trees.get(same_place(url))


def same_place(url: str) -> str:
    """Return what the addresses of one repository have in common: host and path, without scheme, user and `.git`."""
    found = _SCP_LIKE.fullmatch(url)
    address = f"{found[2]}/{found[3]}" if found else url.partition("://")[2] or url
    host, _, path = address.rpartition("@")[2].partition("/")
    return f"{host.lower()}/{path.strip('/').removesuffix('.git')}"


def without_credentials(address: str) -> str:
    """Return an address without a password, and over https without a user."""
    return _CREDENTIALS.sub("", address)


def as_url(address: str) -> str:
    """Return an address as a GitRepository writes it: an scp-like one with its scheme."""
    found = _SCP_LIKE.fullmatch(address)
    return f"ssh://{found[1] or 'git@'}{found[2]}/{found[3]}" if found else address


def clean(path: str) -> str:
    """Return a path from the root of a repository without `./` and doubled slashes; `.` for the root."""
    return posixpath.normpath("/" + path.strip("/")).strip("/") or "." if not _climbs(path) else path


def tell_absent(draft: Draft, tree: RepositoryTree | None, folder: str, *at: str | int) -> bool:
    """Note that a clone has no such folder, most likely because another branch is checked out; say whether it is so."""
    if tree is None or folder == "." or below(tree, folder):
        return False
    draft.lost(f"the clone has no folder {folder}: check out what is followed", *at)
    return True


def below(tree: RepositoryTree, folder: str) -> list[str]:
    """Return the files in a folder and in the folders in it, by their paths from there."""
    start = "" if folder == "." else f"{folder}/"
    return [name.removeprefix(start) for name in tree.files if name.startswith(start)]


def kustomization(tree: RepositoryTree, folder: str) -> str:
    """Return the path of the kustomization in a folder; empty where it has none."""
    names = (posixpath.normpath(posixpath.join(folder, name)) for name in KUSTOMIZATIONS)
    return next(filter(tree.has, names), "")


def has_chart(tree: RepositoryTree, folder: str) -> bool:
    """Whether a folder is a chart."""
    return tree.has(posixpath.normpath(posixpath.join(folder, "Chart.yaml")))


def folders(tree: RepositoryTree) -> list[str]:
    """Return all folders that hold a file, without hidden ones and what is in them."""
    found = set()
    for name in tree.files:
        parent = posixpath.dirname(name)
        while parent:
            found.add(parent)
            parent = posixpath.dirname(parent)
    return sorted(each for each in found if not any(part.startswith(".") for part in each.split("/")))


def matches(path: str, pattern: str) -> bool:
    """Whether a path matches a glob of which `*` ends at a slash and `**` does not."""
    return _match(path.split("/"), pattern.split("/"))


def _match(parts: list[str], globs: list[str]) -> bool:
    if not globs:
        return not parts
    if globs[0] == "**":
        return any(_match(parts[skipped:], globs[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], globs[0]) and _match(parts[1:], globs[1:])


def _climbs(path: str) -> bool:
    return posixpath.normpath(path).startswith("..")
