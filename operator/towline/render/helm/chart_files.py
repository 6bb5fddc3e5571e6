"""Find the files of a chart in the tree of its commit, with what symlinks in it lead to."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from towline.errors import Failure, Reason
from towline.render.links import Tree
from towline.render.units import tree_paths
from towline.render.units.tree_paths import OUT, LedOutError
from towline.render.units.unit_kinds import CHART
from towline.source.selection import Entry, Kind, shown

MOST = 5000
"""How many files a chart may have."""

_DEEPEST = 20
"""How many symlinks to folders may be in each other."""


class ChartFiles(NamedTuple):
    """The files of a chart by their paths from its folder, and why it is refused."""

    folder: str
    files: Mapping[str, Entry]
    failures: tuple[Failure, ...]

    @property
    def marker(self) -> str:
        """The path of its Chart.yaml."""
        return in_folder(self.folder, CHART)


def collect(folder: str, tree: Tree) -> ChartFiles:
    """Return the files of a chart.

    Args:
        folder: of the chart; "" is the root of the repository.
        tree: the whole commit.
    """
    files: dict[str, Entry] = {}
    failures: list[Failure] = []
    for path, found in _walk(tree, folder, "", (folder,)):
        if isinstance(found, Failure):
            failures.append(found)
            continue
        files[path] = found
        if len(files) > MOST or len(failures) > MOST:
            message = f"the chart has more than {MOST} files: split it, or move what it does not need"
            failures.append(_failure(message, in_folder(folder, CHART), Reason.BUILD_FAILED))
            break
    return ChartFiles(folder, files, tuple(failures))


def in_folder(folder: str, name: str) -> str:
    """Return the path of what is in a folder."""
    return f"{folder}/{name}" if folder else name


def _walk(
    tree: Tree, folder: str, place: str, through: tuple[str, ...]
) -> Iterator[tuple[str, Entry | Failure]]:
    """Yield what is in a folder by its place in the chart; `through` are the folders that links led to."""
    start = len(folder) + 1 if folder else 0
    for entry in tree.below(folder):
        path = f"{place}{entry.path[start:]}"
        if entry.kind is Kind.FILE:
            yield path, entry
        elif entry.kind is Kind.SYMLINK:
            yield from _led(tree, entry, path, through)


def _led(
    tree: Tree, link: Entry, path: str, through: tuple[str, ...]
) -> Iterator[tuple[str, Entry | Failure]]:
    try:
        found = tree_paths.target(tree, link.path)
    except LedOutError as error:
        yield path, _refused(link, str(error).removeprefix("is a symlink that "))
        return
    if found.file:
        yield path, found.file
    elif not found.real or not tree.is_folder(found.real):
        why = OUT if not found.real else "does not lead to a file or folder of this commit"
        yield path, _refused(link, "leads in a circle" if not found.real else why)
    elif _is_around(found.real, (*through, posixpath.dirname(link.path))) or len(through) > _DEEPEST:
        yield path, _refused(link, "leads in a circle")
    else:
        yield from _walk(tree, found.real, f"{path}/", (*through, found.real))


def _is_around(folder: str, inside: tuple[str, ...]) -> bool:
    return any(each == folder or each.startswith(f"{folder}/") for each in inside)


def _refused(link: Entry, why: str) -> Failure:
    message = f"this symlink {why}: correct it, or commit the files themselves"
    return _failure(message, link.path, Reason.SYMLINK_REFUSED)


def _failure(message: str, file: str, reason: Reason) -> Failure:
    return Failure(reason=reason, message=message, file=shown(file))
