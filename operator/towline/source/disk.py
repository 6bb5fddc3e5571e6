"""Make, measure, clean up and remove one bare repository on disk."""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CONFIG = {
    40: "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
    64: "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n",
}
"""By the number of hex digits of an object id."""

_DISCARDED = "discarded"
_PARTIAL = "partial"
"""The file that is there while the history comes in steps."""

_WEIGHT = "weight"
"""The file that holds the size after the last clean-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a repository holds.

    `tips` are the objects that those refs lead to that were written last, each to a file of its own. Where it
    `is_partial`, the history comes in steps, and is not whole yet. `packs` is how many there are.
    """

    tips: frozenset[str]
    is_partial: bool
    packs: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever fetched."""
        return not self.tips


def name(identity: str, key: bytes) -> str:
    """Return forty hex digits for an identity: always the same, and nothing can be guessed by them without the key."""
    return hmac.new(key, identity.encode(), hashlib.sha256).hexdigest()[:40]


def prepare(folder: Path, digits: int) -> None:
    """Make an empty bare repository where none is; `digits` is the length of its object ids."""
    (folder / "objects" / "pack").mkdir(parents=True, exist_ok=True)
    (folder / "refs").mkdir(exist_ok=True)
    for name, content in (("config", _CONFIG[digits]), ("HEAD", "ref: refs/heads/none\n")):
        if not (folder / name).is_file() or (folder / name).stat().st_size == 0:
            (folder / name).write_text(content)


def tidy(folder: Path) -> None:
    """Remove what a killed git left behind: locks, half-written packs. No other git may write to the folder."""
    for path in _leftovers(folder):
        path.unlink(missing_ok=True)


def make_usable(folder: Path, digits: int) -> Contents:
    """Prepare and tidy a repository at its first use by this process; a broken one is replaced by an empty one.

    Returns what it holds.

    Raises:
        OSError: the disk is full, read-only or broken.
    """
    try:
        prepare(folder, digits)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        discard(folder)
        prepare(folder, digits)
    return tidied(folder)


def contents(folder: Path) -> Contents:
    """Return what a repository holds."""
    files = (path for path in (folder / "refs").rglob("*") if path.is_file())
    return Contents(
        tips=frozenset(path.read_text("ascii", "replace").strip() for path in files),
        is_partial=(folder / _PARTIAL).exists(),
        packs=sum(1 for path in (folder / "objects" / "pack").iterdir() if path.suffix == ".pack"),
    )


def tidied(folder: Path) -> Contents:
    """Tidy a repository; return what it holds."""
    tidy(folder)
    return contents(folder)


def settled(folder: Path) -> Contents:
    """Tidy a repository after a fetch, and remember its size if none is known; return what it holds."""
    tidy(folder)
    weighed(folder)
    return contents(folder)


def broken_off(folder: Path) -> None:
    """Tidy a repository after a fetch that has failed; if a part of a first one has arrived, the next goes in steps."""
    if is_empty(folder) and size(folder) > 0:
        (folder / _PARTIAL).touch()
    tidy(folder)


def size(folder: Path) -> int:
    """Return the bytes of all packs, finished or not."""
    try:
        with os.scandir(folder / "objects" / "pack") as found:
            return sum(_file_size(entry) for entry in found)
    except FileNotFoundError:
        return 0


def refer(folder: Path, name: str, sha: str) -> None:
    """Let a ref lead to an object, at once or not at all."""
    ref = folder / name
    ref.parent.mkdir(parents=True, exist_ok=True)
    beginning = ref.with_name(f"{ref.name}.lock")
    with beginning.open("w") as file:
        file.write(f"{sha}\n")
        file.flush()
        os.fsync(file.fileno())
    beginning.rename(ref)


def referred(folder: Path, name: str, sha: str) -> Contents:
    """Let a ref lead to an object, and settle the repository; return what it holds."""
    refer(folder, name, sha)
    return settled(folder)


def is_empty(folder: Path) -> bool:
    """Tell whether nothing was ever fetched."""
    return not any(path.is_file() for path in (folder / "refs").rglob("*"))


def is_partial(folder: Path) -> bool:
    """Tell whether the history comes in steps, and is not whole yet."""
    return (folder / _PARTIAL).exists()


def begin(folder: Path) -> None:
    """Note that the history comes in steps from now on."""
    (folder / _PARTIAL).touch()


def complete(folder: Path) -> None:
    """Note that the whole history is there, as far as the remote has it."""
    (folder / _PARTIAL).unlink(missing_ok=True)


def weigh(folder: Path) -> None:
    """Remember the present size as the size after a clean-up."""
    (folder / _WEIGHT).write_text(str(size(folder)))


def weighed(folder: Path) -> int:
    """Return the size in bytes after the last clean-up; the present one where none is remembered."""
    try:
        return int((folder / _WEIGHT).read_text())
    except (FileNotFoundError, ValueError):
        weigh(folder)
        return size(folder)


def discard(folder: Path) -> None:
    """Remove a repository; it vanishes at once, its files after that."""
    aside = folder.with_name(f"{_DISCARDED}.{uuid.uuid4().hex}")
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink(missing_ok=True)


def _leftovers(folder: Path) -> Iterator[Path]:
    yield from folder.glob("*.lock")
    yield from (folder / "refs").rglob("*.lock")
    yield from folder.glob("gc.pid*")
    yield from (folder / "objects").glob("*/tmp_*")
    yield from (folder / "objects" / "pack").glob(".tmp-*")
    yield from (folder / "objects" / "pack").glob("*.keep")


def _file_size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0


def shallow(repository: Path) -> frozenset[str]:
    """Return the commits at which the history that was fetched ends, though the remote has more."""
    try:
        return frozenset((repository / "shallow").read_text("ascii").split())
    except FileNotFoundError:
        return frozenset()
