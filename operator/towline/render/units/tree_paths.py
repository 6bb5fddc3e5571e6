"""Follow a path that a build names inside the tree of its commit; what leads out of it is refused."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from towline.render.links import Tree
from towline.source.selection import Entry

_LINKS = 40
_STEPS = 2000
"""Folders and links on the way from a path to its file; a commit may hold links that lead to each other."""

OUT = "leads out of the repository"


class LedOutError(Exception):
    """A path is refused; the message says why."""


class Target(NamedTuple):
    """Where a path leads: `path` is without `..`, `real` is without any symlink; `file` is the file there, if any."""

    path: str
    real: str
    file: Entry | None


def joined(folder: str, text: str) -> str:
    """Return the path that a text names, seen from a folder; the root is "".

    Raises:
        LedOutError: it is absolute, or leads out of the repository.
    """
    if text.startswith("/"):
        raise LedOutError("is an absolute path: name the file by a relative one")
    steps = folder.split("/") if folder else []
    for step in text.split("/"):
        if step == "..":
            if not steps:
                raise LedOutError(OUT)
            steps.pop()
        elif step not in {"", "."}:
            steps.append(step)
    return "/".join(steps)


def target(tree: Tree, path: str) -> Target:
    """Follow the symlinks of a path inside its tree.

    Raises:
        LedOutError: a symlink leads out of the repository, or in a circle.
    """
    ahead, behind = deque(path.split("/") if path else ()), list[str]()
    links = 0
    for _ in range(_STEPS):
        if not ahead:
            break
        step = ahead.popleft()
        if step == "..":
            if not behind:
                raise LedOutError(f"is a symlink that {OUT}")
            behind.pop()
            continue
        if step in {"", "."}:
            continue
        behind.append(step)
        text = tree.link("/".join(behind))
        if text is not None:
            links += 1
            if text.startswith("/"):
                raise LedOutError(f"is a symlink that {OUT}")
            behind.pop()
            ahead.extendleft(reversed(text.split("/")))
        if links > _LINKS:
            break
    if ahead:
        raise LedOutError("is a symlink that leads in a circle")
    real = "/".join(behind)
    return Target(path, real, tree.file(real) if real else None)
