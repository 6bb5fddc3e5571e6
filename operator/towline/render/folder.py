"""List a folder on disk as Git would list it, so that manifests are selected by the rules for commits."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from towline.source.selection import Entry, Kind


def placed(directory: Path) -> tuple[Path, str]:
    """Return the root of the repository that a folder is in, or the folder itself, and the folder's path from there."""
    here = directory.resolve()
    for parent in (here, *here.parents):
        if (parent / ".git").exists():
            return parent, here.relative_to(parent).as_posix()
    return here, "."


def entries(root: Path, path: str) -> Iterator[Entry]:
    """Yield files, symlinks and submodules below a path; neither pipes nor devices are listed.

    Raises:
        OSError: the folder cannot be listed.
    """
    for parent, folders, files in os.walk(root / path, onerror=_refuse):
        here = Path(parent)
        if here != root / path and ".git" in (*folders, *files):
            folders.clear()
            yield _entry(root, here, Kind.SUBMODULE)
            continue
        yield from (_entry(root, here / name, Kind.SYMLINK) for name in folders if (here / name).is_symlink())
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (entry for name in files if (entry := _listed(root, here / name)))


class Disk:
    """The tree of a repository on disk, in which symlinks are followed as in a commit (`links.Tree`)."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def link(self, path: str) -> str | None:
        """Return the text of a symlink; None where there is none."""
        at = self._root / path
        # Path.readlink would take the dot of `file/.` away, where a kernel wants a folder.
        return os.readlink(at) if at.is_symlink() else None  # noqa: PTH115

    def file(self, path: str) -> Entry | None:
        """Return a file; None where there is none."""
        at = self._root / path
        entry = _listed(self._root, at) if at.name != ".git" and at.exists() else None
        return entry if entry and entry.kind is Kind.FILE else None

    def has(self, files: Mapping[str, Entry]) -> bool:  # noqa: ARG002  as with a commit
        """Return that it is not known at once: here, a file may be below a symlink."""
        return False

    def lacks(self, paths: AbstractSet[str]) -> bool:  # noqa: ARG002  as with a commit
        """Return that it is not known at once."""
        return False

    def is_folder(self, path: str) -> bool:
        """Say whether there is a folder of this repository: Git's own, and other repositories, are none."""
        at = self._root / path
        return not path or (at.is_dir() and at.name != ".git" and not (at / ".git").exists())

    def below(self, folder: str) -> Iterator[Entry]:
        """Yield what is in a folder and the folders in it."""
        return entries(self._root, folder or ".")


def content(root: Path, entry: Entry, limit: int) -> bytes:
    """Return the content of a file, cut one byte after `limit`, so that the reader notices that it is too long.

    Raises:
        OSError: it cannot be read.
    """
    with (root / entry.path).open("rb") as file:
        return file.read(limit + 1)


def _refuse(error: OSError) -> None:
    raise error


def _listed(root: Path, path: Path) -> Entry | None:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return _entry(root, path, Kind.SYMLINK)
    return _entry(root, path, Kind.FILE, size=status.st_size) if stat.S_ISREG(status.st_mode) else None


_MODES = {Kind.FILE: "100644", Kind.SYMLINK: "120000", Kind.SUBMODULE: "160000"}


def _entry(root: Path, path: Path, kind: Kind, *, size: int = 0) -> Entry:
    name = path.relative_to(root).as_posix()
    return Entry(path=name, mode=_MODES[kind], kind=kind, sha="", size=size)
