"""Read which files each commit of a history changed, compared with each of its parents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

_SUFFIXES = (".yaml", ".yml", ".json")

Parents: TypeAlias = tuple[str, ...]
"""The sha of a commit, followed by those of its parents."""

_TWO = 2
_ABSENT = re.compile(r"0+")
_ENTRY = re.compile(r":+((?:[0-7]{6} )+)((?:[0-9a-f]{40,64} )+)[A-Z]+")
_SUBMODULE = "160000"
"""The mode of what has the id of a commit in another repository, of which there is no content here."""


class Delta(NamedTuple):
    """The blobs of one file in a parent and in the commit; empty where there is no such file."""

    old: str
    new: str


class Step(NamedTuple):
    """One commit, and for each parent the files that differ from it (a root commit: from nothing).

    Of a merge of two, the second holds only files that differ from both: what differs from the first parent alone is
    as the second parent has it.
    """

    sha: str
    parents: tuple[str, ...]
    deltas: tuple[Mapping[str, Delta], ...]


def pathspec(folders: Sequence[str]) -> tuple[str, ...]:
    """Return the pathspec of all files in these folders or, if there are none, of all that may hold manifests."""
    if folders and "" not in folders:
        return tuple(f":(literal){folder}/" for folder in folders)
    return tuple(f":(icase)*{suffix}" for suffix in _SUFFIXES)


def ancestry(listing: bytes) -> tuple[Parents, ...]:
    """Read the output of `git rev-list --parents`: each commit followed by its parents."""
    return tuple(tuple(line.split()) for line in listing.decode("ascii").splitlines())


def questions(commits: Sequence[Parents]) -> bytes:
    """Return the input with which `git diff-tree --stdin -c` compares these commits with their parents."""
    return "".join(f"{line}\n" for commit in commits for line in _questions(commit)).encode("ascii")


def _questions(commit: Parents) -> Iterator[str]:
    """Ask for the combined difference first: Git takes named parents for the commit's own from then on.

    A single parent is named, as it may be one of several that the commit has.
    """
    sha, *parents = commit
    if not parents:
        yield sha
    elif len(parents) == _TWO:
        yield from (sha, f"{sha} {parents[0]}")
    else:
        yield from (f"{sha} {parent}" for parent in parents)


def steps(output: bytes, commits: Sequence[Parents]) -> tuple[Step, ...]:
    """Read the answers to `questions` about these commits.

    Raises:
        ValueError: the output is not that of git diff-tree.
    """
    answers = _answers(output)
    found = []
    for commit in commits:
        sha, *parents = commit
        deltas = [_answer(answers, sha) for _ in _questions(commit)]
        if len(parents) == _TWO:
            deltas.reverse()
        found.append(Step(sha, tuple(parents), tuple(deltas)))
    return tuple(found)


def _answer(answers: Iterator[tuple[str, Mapping[str, Delta]]], sha: str) -> Mapping[str, Delta]:
    about, delta = next(answers, ("", {}))
    if about != sha:
        raise ValueError("not the output of git diff-tree")
    return delta


def _answers(output: bytes) -> Iterator[tuple[str, Mapping[str, Delta]]]:
    """Yield each commit that a line of the output names, with the files behind it."""
    tokens = iter(output.decode("utf-8", "surrogateescape").split("\0"))
    about, delta = "", dict[str, Delta]()
    for token in tokens:
        if token.startswith(":"):
            delta[next(tokens, "")] = _delta(token)
            continue
        if about:
            yield about, delta
        about, delta = token, {}
    if about:
        yield about, delta


def _delta(entry: str) -> Delta:
    """Read one entry; of a combined one, the old blob is that of the last parent. A submodule counts as no file."""
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError("not an entry of git diff-tree")
    sides = zip(match[1].split()[-_TWO:], match[2].split()[-_TWO:], strict=True)
    return Delta(*("" if mode == _SUBMODULE or _ABSENT.fullmatch(blob) else blob for mode, blob in sides))
