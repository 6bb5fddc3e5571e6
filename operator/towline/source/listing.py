"""Git's listings of objects, read as values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from towline.errors import Reason, SourceError
from towline.source import selection
from towline.source.selection import Entry, Kind

_LISTED = re.compile(rb"([0-7]{6}) (\w+) ([0-9a-f]+) +(-|[0-9]+)\t(.+)", re.DOTALL)


_FOLDER = b"040000 tree "


def entries(listing: bytes, path: str) -> tuple[Entry, ...]:
    """Read the output of `git ls-tree -r -t -z -l` for the tree at `path`; lines about folders are left out.

    Raises:
        ValueError: the output is malformed.
    """
    prefix = "" if path == "." else f"{path}/"
    lines = listing.split(b"\0")
    return tuple(_entry(line, prefix) for line in lines if line and not line.startswith(_FOLDER))


def _entry(line: bytes, prefix: str) -> Entry:
    match = _LISTED.fullmatch(line)
    if match is None:
        raise ValueError("not a line of git ls-tree")
    mode, _, sha, size, name = match.groups()
    return Entry(
        path=prefix + name.decode("utf-8", "surrogateescape"),
        mode=mode.decode(),
        kind=_KINDS.get(mode, Kind.FILE),
        sha=sha.decode(),
        size=0 if size == b"-" else int(size),
    )


_KINDS = {b"120000": Kind.SYMLINK, b"160000": Kind.SUBMODULE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What Git found behind a name: object id and type; or no id, and why (`missing`, `symlink`, `loop`, …).

    A submodule, whose commit is in another repository, is `missing` too; git says `submodule` from 2.51 on.
    """

    sha: str
    kind: str


_FOUND = re.compile(
    rb"(?:(?P<sha>[0-9a-f]+) (?P<kind>\w+) [0-9]+"
    rb"|(?P<no>symlink|dangling|loop|notdir) (?P<length>[0-9]+)"
    rb"|[^\n]* (?:missing|submodule))\n"
)


def checks(output: bytes) -> tuple[Found, ...]:
    """Read the output of `git cat-file --batch-check`, with or without `--follow-symlinks`.

    Raises:
        ValueError: the output is malformed.
    """
    found: list[Found] = []
    at = 0
    while at < len(output):
        match = _FOUND.match(output, at)
        if match is None:
            raise ValueError("not the output of git cat-file --batch-check")
        why = match["no"] or b"missing"
        found.append(Found(sha=(match["sha"] or b"").decode(), kind=(match["kind"] or why).decode()))
        at = match.end() + (int(match["length"]) + 1 if match["length"] else 0)
    return tuple(found)


def no_folder(
    path: str, sha: str, found: Sequence[Found] = (), followed: Sequence[Found] = ()
) -> SourceError:
    """Say why `path` is no folder.

    `found` and `followed` tell what is at each step of it: as it stands there, and with symlinks followed.
    """
    where = f"spec.path {selection.shown(path)} of commit {sha[:7]}"
    if any(plain.sha and plain != end for plain, end in zip(found, followed, strict=True)):
        return SourceError(Reason.SYMLINK_REFUSED, f"{where} leads through a symlink: name the folder itself")
    if found and found[-1].sha:
        return SourceError(Reason.PATH_NOT_FOUND, f"{where} is a file: name a folder")
    return SourceError(
        Reason.PATH_NOT_FOUND, f"{where} does not exist as a folder: push it, or change spec.path"
    )


_BATCHED = re.compile(rb"([0-9a-f]+) (\w+) ([0-9]+)\n")


def objects(batch: bytes) -> dict[str, tuple[str, bytes]]:
    """Read the output of `git cat-file --batch`: the type and the content of each object, by its id.

    Raises:
        ValueError: an object is missing, or the output ends early.
    """
    found: dict[str, tuple[str, bytes]] = {}
    at = 0
    while at < len(batch):
        match = _BATCHED.match(batch, at)
        if match is None:
            raise ValueError("not the output of git cat-file --batch")
        end = match.end() + int(match[3])
        if batch[end : end + 1] != b"\n":
            raise ValueError("the output of git cat-file --batch ends early")
        found[match[1].decode()] = match[2].decode(), batch[match.end() : end]
        at = end + 1
    return found


def blobs(batch: bytes) -> dict[str, bytes]:
    """Read the output of `git cat-file --batch` for blobs.

    Raises:
        ValueError: an object is missing or no blob, or the output ends early.
    """
    found = objects(batch)
    if any(kind != "blob" for kind, _ in found.values()):
        raise ValueError("not the output of git cat-file --batch for blobs")
    return {sha: content for sha, (_, content) in found.items()}
