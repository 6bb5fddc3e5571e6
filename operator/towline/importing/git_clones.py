"""Look into local clones: what they hold, and of which repository they are."""

from __future__ import annotations

import functools
import posixpath
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from towline.importing import homes

_SECONDS = 30


@dataclass(frozen=True)
class Clone:
    """A local clone, read as its work tree has it; only files that Git knows count.

    `origin` is the address of its remote, empty where it has none.
    """

    folder: Path
    origin: str

    @property
    def url(self) -> str:
        """Its address as a GitRepository writes it."""
        return homes.as_url(homes.without_credentials(self.origin))

    @property
    def place(self) -> str:
        """What all addresses of its repository have in common."""
        return homes.same_place(self.origin)

    @functools.cached_property
    def files(self) -> tuple[str, ...]:
        """Its files, sorted."""
        return tuple(sorted(filter(None, _git(self.folder, "ls-files", "-z").split("\0"))))

    @functools.cached_property
    def branches(self) -> frozenset[str]:
        """The branches of its remote."""
        names = _git(self.folder, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin")
        return frozenset(names.split()) - {"HEAD"}

    @functools.cached_property
    def tags(self) -> frozenset[str]:
        """Its tags."""
        return frozenset(
            _git(self.folder, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/tags").split()
        )

    @functools.cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.files)

    def has(self, path: str) -> bool:
        """Say whether Git knows a file."""
        return path in self._known

    def read(self, path: str) -> bytes | None:
        """Return the content of a file that Git knows; None where there is none."""
        if not self.has(path):
            return None
        at = self.folder / path
        return at.read_bytes() if at.is_file() and not at.is_symlink() else None


def at(folder: Path) -> Clone:
    """Return the clone that a folder is in."""
    top = _git(folder, "rev-parse", "--show-toplevel").strip()
    return Clone(
        folder=Path(top or folder), origin=_git(folder, "config", "--get", "remote.origin.url").strip()
    )


def of_files(files: Iterable[str]) -> Mapping[str, tuple[Clone, str]]:
    """Return the clones that files are in, each with the folder of the file; files outside of one are left out."""
    clones: dict[Path, Clone] = {}
    found = {}
    for file in files:
        parent = Path(file).resolve().parent
        clone = clones.setdefault(parent, at(parent))
        if clone.origin and Path(file).resolve().is_relative_to(clone.folder.resolve()):
            inside = Path(file).resolve().relative_to(clone.folder.resolve()).as_posix()
            found[file] = (clone, posixpath.dirname(inside) or ".")
    return found


def _git(folder: Path, *arguments: str) -> str:
    """Return what a git command prints; empty where it fails."""
    done = subprocess.run(  # noqa: S603  fixed commands on a folder that the user names
        ["git", "-C", str(folder), *arguments],  # noqa: S607  the user's own git
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.stdout if done.returncode == 0 else ""
