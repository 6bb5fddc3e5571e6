"""Folders with more paths in them than anybody can walk, made of a handful of Git objects."""

from __future__ import annotations

from e2e.harness.gitrepo import Entry, Repo

LEVELS = 10
NAMES = 12


def folder(repo: Repo, bottom: str = "") -> Entry:
    """Return a folder of ten levels of twelve names, each for the level below.

    At the bottom is the tree with the id `bottom`, or an empty one.
    """
    tree = bottom or repo.git("mktree")
    for _ in range(LEVELS):
        tree = repo.git("mktree", stdin="".join(f"040000 tree {tree}\tn{name:02}\n" for name in range(NAMES)))
    return Entry("040000", tree)
