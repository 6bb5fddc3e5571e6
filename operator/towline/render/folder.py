"""List a folder on disk as Git would list it, so that manifests are selected by the rules for commits."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from towline.source.selection import Entry, Kind


def entries(root: Path) -> Iterator[Entry]:
    """Yield files, symlinks and submodules; no symlink is followed, and neither pipes nor devices are listed.

    Raises:
        OSError: the folder cannot be listed.
    """
    for parent, folders, files in os.walk(root, onerror=_refuse):
        here = Path(parent)
        if here != root and ".git" in (*folders, *files):
            folders.clear()
            yield _entry(root, here, Kind.SUBMODULE)
            continue
        yield from (_link(root, here / name) for name in folders if (here / name).is_symlink())
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (entry for name in files if (entry := _listed(root, here / name)))


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
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return _link(root, path)
    return _entry(root, path, Kind.FILE, size=path.lstat().st_size) if stat.S_ISREG(mode) else None


def _link(root: Path, path: Path) -> Entry:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # dangling, or a loop
        return _entry(root, path, Kind.SYMLINK)
    inside = target.is_relative_to(root.resolve()) and target.is_file()
    return _entry(root, path, Kind.SYMLINK, to_file=inside)


_MODES = {Kind.FILE: "100644", Kind.SYMLINK: "120000", Kind.SUBMODULE: "160000"}


def _entry(root: Path, path: Path, kind: Kind, *, size: int = 0, to_file: bool = False) -> Entry:
    name = path.relative_to(root).as_posix()
    return Entry(path=name, mode=_MODES[kind], kind=kind, sha="", size=size, to_file=to_file)
