"""Put files that come from elsewhere next to those of a commit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

from towline.render import links
from towline.render.links import Tree
from towline.source.selection import Entry, Kind


class AddedFiles:
    """A tree with more files, none of which the tree itself has; it is one, too.

    Args:
        tree: that of the commit.
        contents: the added files by path.
    """

    def __init__(self, tree: Tree, contents: Mapping[str, bytes]) -> None:
        self._tree = tree
        self._added = entries(contents)
        self._contents = {self._added[path].sha: content for path, content in contents.items()}

    def link(self, path: str) -> str | None:
        """Return the text of a symlink; None where there is none."""
        return None if path in self._added else self._tree.link(path)

    def file(self, path: str) -> Entry | None:
        """Return a file; None where there is none."""
        return self._added.get(path) or self._tree.file(path)

    def has(self, files: Mapping[str, Entry]) -> bool:
        """Say whether it has all these files, each reached without a symlink; False where that is not known at once."""
        others = {path: file for path, file in files.items() if path not in self._added}
        added = all(
            links.is_same_file(one, files[path]) for path, one in self._added.items() if path in files
        )
        return added and self._tree.has(others)

    def lacks(self, paths: AbstractSet[str]) -> bool:
        """Say whether there is neither a file nor a link at any path; False where that is not known at once."""
        return self._added.keys().isdisjoint(paths) and self._tree.lacks(paths)

    def is_folder(self, path: str) -> bool:
        """Say whether there is a folder."""
        return self._tree.is_folder(path) or any(True for _ in self._below(path))

    def below(self, folder: str) -> Iterator[Entry]:
        """Yield what is in a folder and the folders in it."""
        yield from chain(self._tree.below(folder), self._below(folder))

    def content(self, entry: Entry) -> bytes | None:
        """Return the content of an added file; None where it is one of the commit."""
        return self._contents.get(entry.sha)

    def split(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return those of some files that the commit has."""
        return [entry for entry in entries if entry.sha not in self._contents]

    def _below(self, folder: str) -> Iterator[Entry]:
        prefix = f"{folder}/" if folder else ""
        return (entry for path, entry in self._added.items() if path.startswith(prefix))


def entries(contents: Mapping[str, bytes]) -> dict[str, Entry]:
    """Return files that no commit has as entries of a tree, by path."""
    return {path: _entry(path, contents[path]) for path in sorted(contents)}


def _entry(path: str, content: bytes) -> Entry:
    sha = hashlib.sha256(content).hexdigest()
    return Entry(path=path, mode="100644", kind=Kind.FILE, sha=sha, size=len(content))
