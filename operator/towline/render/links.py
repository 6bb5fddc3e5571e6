"""Follow the symlinks of a commit inside its own tree. A link is text that is read here; no kernel follows it."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Protocol

from towline.errors import Reason, SourceError
from towline.source.selection import Entry, Kind

NOWHERE = "does not lead to a file or folder of this commit"
"""The usual reason why a link is refused."""

_LONGEST = 4096
"""Bytes of a link; a longer one leads nowhere, as on Linux."""

_LINKS = 40
"""How many links may lead from one to the next, as on Linux and in Git."""

_STEPS = 4
"""Steps for each entry that links may lead to: from folder to folder, and one for each link that leads to an entry."""

_STEP_LETTERS = 32
"""So many letters of a path count as one more step: they take time, and memory where they lead to an entry."""


class Tree(Protocol):
    """The whole tree in which links are followed; paths are from its root, and "" is the root."""

    def link(self, path: str) -> str | None:
        """Return the text of a symlink; None where there is none."""

    def file(self, path: str) -> Entry | None:
        """Return a file; None where there is none."""

    def has(self, files: Mapping[str, Entry]) -> bool:
        """Say whether it has all these files, each reached without a symlink; False where that is not known at once."""

    def lacks(self, paths: AbstractSet[str]) -> bool:
        """Say whether there is neither a file nor a link at any path; False where that is not known at once."""

    def is_folder(self, path: str) -> bool:
        """Say whether there is a folder."""

    def below(self, folder: str) -> Iterable[Entry]:
        """Return what is in a folder and the folders in it, none of them through a link."""


class Listing:
    """A tree that was listed whole.

    Args:
        entries: everything in it.
        texts: the contents of its symlinks, by object id; those that are not there lead nowhere.
    """

    def __init__(self, entries: Iterable[Entry], texts: Mapping[str, bytes]) -> None:
        self._entries = sorted(entries, key=lambda entry: entry.path)
        self._paths = [entry.path for entry in self._entries]
        self._by_path = dict(zip(self._paths, self._entries, strict=True))
        self._texts = texts

    def link(self, path: str) -> str | None:
        """Return the text of a symlink; None where there is none."""
        entry = self._by_path.get(path) if self._texts else None
        if entry is None or entry.kind is not Kind.SYMLINK or entry.sha not in self._texts:
            return None
        return self._texts[entry.sha].decode("utf-8", "surrogateescape")

    def file(self, path: str) -> Entry | None:
        """Return a file; None where there is none."""
        entry = self._by_path.get(path)
        return entry if entry and entry.kind is Kind.FILE else None

    def has(self, files: Mapping[str, Entry]) -> bool:
        """Say whether it has all these files: in a commit, nothing is below a symlink."""
        by_path = self._by_path
        for path, file in files.items():  # written out: it is asked for each file of each unit of each commit
            one = by_path.get(path)
            if one is None or one.sha != file.sha or one.mode != file.mode:
                return False
        return True

    def lacks(self, paths: AbstractSet[str]) -> bool:
        """Say whether there is nothing at any path: without symlinks, what is not listed is not there."""
        return not self._texts and self._by_path.keys().isdisjoint(paths)

    def is_folder(self, path: str) -> bool:
        """Say whether there is a folder; Git keeps no empty ones."""
        return not path or next(iter(self.below(path)), None) is not None

    def below(self, folder: str) -> Iterator[Entry]:
        """Yield what is in a folder and the folders in it."""
        prefix = f"{folder}/" if folder else ""
        for at in range(bisect_left(self._paths, prefix), len(self._paths)):
            if not self._paths[at].startswith(prefix):
                return
            yield self._entries[at]


def is_same_file(one: Entry, other: Entry) -> bool:
    """Tell whether two entries are of the same kind, with the same content."""
    return one.sha == other.sha and one.mode == other.mode


class _RefusedError(Exception):
    """The link is not followed; the message says where it leads."""


class Links:
    """What was listed, and where its symlinks lead; one selection may read it.

    Args:
        entries: what was listed.
        tree: where links may lead.
        limit: how many entries may be reached through links.
        nowhere: what is said of a link that leads to nothing in the tree.
    """

    def __init__(self, entries: Sequence[Entry], tree: Tree, limit: int, nowhere: str = NOWHERE) -> None:
        self.entries = entries
        self._tree = tree
        self._limit = limit
        self._nowhere = nowhere
        self._entries_left = limit
        self._steps_left = limit * _STEPS

    @property
    def has_links(self) -> bool:
        """Whether there is any symlink among the entries."""
        return any(entry.kind is Kind.SYMLINK for entry in self.entries)

    def follow(self, link: Entry, wanted: Callable[[Entry], bool]) -> Iterator[Entry]:
        """Yield the files and submodules that a symlink leads to, or itself with the reason why it is refused.

        Of a folder that it leads to, only what is wanted is yielded, and only such links in it are followed.

        Raises:
            SourceError: SourceTooLarge, for more than the limit.
        """
        yield from self._led(replace(link, place=link.path), (), wanted)

    def _led(self, link: Entry, through: tuple[str, ...], wanted: Callable[[Entry], bool]) -> Iterator[Entry]:
        """Yield what a link leads to; `through` are the links to folders that lead to this one."""
        try:
            end = self._end(link.path)
            file = self._tree.file(end)
            inside = () if file else self._inside(end, (*through, link.path))
        except _RefusedError as error:
            yield replace(link, refused=str(error))
            return
        if file:
            yield replace(file, place=link.place)
        start = len(end) + 1 if end else 0
        for entry in inside:
            reached = replace(entry, place=f"{link.place}/{entry.path[start:]}")
            self._spend(entries=1, steps=1 + len(through) + len(reached.place) // _STEP_LETTERS)
            if not wanted(reached):
                continue
            if entry.kind is Kind.SYMLINK:
                yield from self._led(reached, (*through, link.path), wanted)
            else:
                yield reached

    def _inside(self, folder: str, through: tuple[str, ...]) -> Iterable[Entry]:
        if not self._tree.is_folder(folder):
            raise _RefusedError(self._nowhere)
        prefix = f"{folder}/" if folder else ""
        if len(through) > _LINKS or any(path.startswith(prefix) for path in through):
            raise _RefusedError("leads in a circle")
        return self._tree.below(folder)

    def _end(self, path: str) -> str:
        """Return the path, without any link in it, that a path leads to; its last name may be of nothing."""
        ahead = deque(path.split("/"))
        behind: list[str] = []
        links = 0
        while ahead:
            self._spend(steps=1)
            step = ahead.popleft()
            if step == "..":
                if not behind:
                    raise _RefusedError("leads out of the repository")
                behind.pop()
            elif step not in {"", "."}:
                behind.append(step)
                here = "/".join(behind)
                self._spend(steps=len(here) // _STEP_LETTERS)
                text = self._tree.link(here)
                if text is not None:
                    links += 1
                    behind.pop()
                    ahead.extendleft(reversed(_steps(text, links)))
                elif ahead and not self._tree.is_folder(here):
                    raise _RefusedError(self._nowhere)
        return "/".join(behind)

    def _spend(self, *, steps: int, entries: int = 0) -> None:
        self._steps_left -= steps
        self._entries_left -= entries
        if self._steps_left < 0 or self._entries_left < 0:
            message = (
                f"symlinks lead to more than {self._limit} files, or through too many folders: "
                "name some of them in spec.exclude"
            )
            raise SourceError(Reason.SOURCE_TOO_LARGE, message)


def _steps(text: str, links: int) -> list[str]:
    if links > _LINKS:
        raise _RefusedError("leads in a circle")
    if text.startswith("/"):
        raise _RefusedError("leads out of the repository")
    return text.split("/")


def too_many(limit: int) -> str:
    """Return why a link that leads to nothing below `spec.path` is refused if the commit is too large to list."""
    return f"leads to nothing below spec.path, and more than {limit} files of the commit are too many to look further"


def to_read(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return the object ids of the symlinks whose text is to be read, each once."""
    links = (entry for entry in entries if entry.kind is Kind.SYMLINK and entry.size <= _LONGEST)
    return tuple(dict.fromkeys(entry.sha for entry in links))
