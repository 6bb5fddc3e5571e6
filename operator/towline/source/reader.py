"""Read commits, trees and blobs of one bare repository, each kind with one or two git processes."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from towline.errors import SourceError
from towline.model import Revision
from towline.source import disk, history, listing, process
from towline.source.authorship import steps as stepping
from towline.source.authorship.steps import Parents, Step
from towline.source.history import History
from towline.source.listing import Found
from towline.source.process import ProcessResult, Talk, TooMuchOutputError
from towline.source.selection import Entry, SourceLimits
from towline.source.transport import GitCommand, GitRunner
from towline.source.trees import glance, pack_file, tree_reader
from towline.source.trees.glance import Conversation, Glanced, PackObjects, TooLargeForGlanceError
from towline.source.trees.pack_file import NotInPackError
from towline.source.trees.tree_reader import TreeChange, TreeReader, TreeTooLargeError

_T = TypeVar("_T")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LOG_BYTES = 32 * 1024**2
_TIPS_BYTES = 32 * 1024**2
_BRANCHES = 2
"""The parents of a merged pull request: where it was merged into, and its newest commit."""
_ENTRY_BYTES = 192
"""An ordinary line of a listing: mode, kind, id, size, path; and its part of the lines about folders."""
_ONE_BLOB_BYTES = 128
"""What precedes one blob in a batch."""
_KEPT = "refs/towline/"
"""What was fetched whole (fetching.KEPT)."""
_SMALL = 64 * 1024
_LONGEST_PATH = 8 * 1024
_CHECK_SECONDS = 20.0


class UnreadableError(Exception):
    """The repository lacks the object, or a part of it."""


class TooMuchWorkError(Exception):
    """Git has computed for as long as it may."""


class Reader:
    """Reads what a mirror holds.

    Methods raise `UnreadableError` where that is less than they ask for, `TooMuchWorkError` where it is too much work.
    """

    def __init__(self, git: GitRunner, limits: SourceLimits) -> None:
        self._git = git
        self._limits = limits

    async def holds(self, repository: Path, sha: str) -> bool:
        """Say whether the commit is reachable from what was fetched whole."""
        call = _call(repository, "for-each-ref", "--count=1", f"--contains={_id(sha)}", _KEPT)
        answer = await self._git.run(call)
        return answer.code == 0 and answer.out != b""

    async def kind(self, repository: Path, sha: str) -> str:
        """Return what an object is: commit, tree, blob, tag or missing."""
        (found,) = await self._behind(repository, (_id(sha),))
        return found.kind

    async def leads_to(self, repository: Path, tip: str, sha: str) -> bool:
        """Tell whether a commit is in the history of another one."""
        if await self.kind(repository, sha) != "commit":
            return False
        answer = await self._git.run(_call(repository, "merge-base", "--is-ancestor", _id(sha), _id(tip)))
        if answer.code not in {0, 1}:
            raise _unread(answer)
        return answer.code == 0

    async def sound(self, repository: Path) -> bool:
        """Say whether everything is there that the refs lead to, and no ref is broken.

        A repository that is too large to tell in time counts as sound.
        """
        refs = await self._git.run(_call(repository, "for-each-ref", "--format=%(tree)", limit=_TIPS_BYTES))
        if refs.code != 0 or "refs/" in refs.complaint:
            return False
        call = _call(
            repository, "fsck", "--connectivity-only", "--no-dangling", "--no-reflogs", "--no-progress"
        )
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                answer = await self._git.run(call)
                return answer.code == 0 or answer.is_spent
        except (TimeoutError, TooMuchOutputError):
            return True

    async def revision(self, repository: Path, sha: str) -> Revision:
        """Return one commit; of a merged branch with who wrote it: the author of its newest commit."""
        (found,) = await self._log(repository, "-1", _id(sha))
        if not (found.pull_request or found.merged_by) or len(found.parents) != _BRANCHES:
            return found
        base, branch = found.parents
        newest = await self._log(repository, "--no-merges", "-1", _id(branch), f"^{_id(base)}")
        return replace(found, written_by=newest[0].author) if newest else found

    async def glance(self, repository: Path, sha: str, path: str) -> Glanced | None:
        """Return what a small commit holds below a path; None where it must be read as usual."""
        if not path.isprintable():
            return None
        with suppress(NotInPackError, OSError):
            return await self._unpacked(repository, sha, path)
        found: list[Glanced] = []

        async def talk(child: Talk) -> None:
            with suppress(TooLargeForGlanceError, ValueError):
                found.append(await glance.glance(Conversation(child), _id(sha), path))

        call = GitCommand(
            arguments=("cat-file", "--batch-command"), limit=glance.LIMIT, repository=repository, talk=talk
        )
        with suppress(TooMuchOutputError):
            await self._git.run(call)
        if found and await self.shallow(repository):  # parents that `git log` does not show
            return found[0]._replace(revision=None)
        return found[0] if found else None

    async def _unpacked(self, repository: Path, sha: str, path: str) -> Glanced | None:
        """Return what a small commit holds without asking git; None where that is too much.

        Raises:
            NotInPackError: git has to be asked.
            OSError: the repository cannot be read.
        """
        pack = await asyncio.to_thread(pack_file.opened, repository)
        if pack is None:
            raise NotInPackError(sha)
        try:
            return await glance.glance(PackObjects(pack), _id(sha), path)
        except (TooLargeForGlanceError, ValueError):
            return None

    async def history(self, repository: Path, old: str, new: str) -> History:
        """Return the commits that `new` has and `old` lacks; `new` alone where they share nothing."""
        base = await self._common(repository, old, new) if old else ""
        if not base:
            return History(revisions=(await self.revision(repository, new),), total=1, rewritten=bool(old))
        if base == new != old:
            return await self._rollback(repository, old, new)
        revisions, total = await self._span(repository, new, old)
        return History(revisions=revisions, total=total, rewritten=base != old)

    async def _rollback(self, repository: Path, old: str, new: str) -> History:
        """Return the commit that `old` goes back to, and behind it the commits that this takes back."""
        back, total = await self._span(repository, old, new)
        taken = tuple(replace(each, taken_back=True) for each in back[: history.LIMIT - 1])
        head = await self.revision(repository, new)
        return History(revisions=(head, *taken), total=total + 1, rewritten=True)

    async def _span(self, repository: Path, tip: str, base: str) -> tuple[tuple[Revision, ...], int]:
        """Return the newest commits that a tip has and a base lacks, and how many there are."""
        span = (_id(tip), f"^{_id(base)}")
        revisions = await self._log(repository, "--date-order", f"--max-count={history.LIMIT}", *span)
        total = len(revisions)
        if total == history.LIMIT:
            total = int(await self._out(_call(repository, "rev-list", "--count", *span)))
        return revisions, total

    async def entries(self, repository: Path, sha: str, path: str) -> tuple[Entry, ...]:
        """Return the files, symlinks and submodules below `path`.

        Raises:
            SourceError: PathNotFound, SymlinkRefused, SourceTooLarge.
        """
        if not path.isprintable():
            raise listing.no_folder(path, sha)
        most = self._limits.entries
        tree = _id(sha) if path == "." else f"{_id(sha)}:{path}"
        options = ("-r", "-t", "-z", "-l")  # a line for each folder bounds the work, too
        try:
            listed = await self._out(_call(repository, "ls-tree", *options, tree, limit=most * _ENTRY_BYTES))
        except TooMuchOutputError as error:
            raise await self._too_many(repository, sha, path) from error
        except UnreadableError:
            await self._folder(repository, sha, path)  # it says what else is there
            raise
        found = await _parsed(listed, lambda output: listing.entries(output, path))
        if len(found) > most or listed.count(b"\0") - len(found) > most:
            raise await self._too_many(repository, sha, path)
        return found

    async def _too_many(self, repository: Path, sha: str, path: str) -> SourceError:
        folder = await self._folder(repository, sha, path)
        try:
            await self._trees(repository).changes("", folder, path)
        except TreeTooLargeError as error:
            return tree_reader.too_large(error, path)
        return tree_reader.too_large(TreeTooLargeError("paths that are too long", ""), path)

    async def changes(self, repository: Path, old: str, new: str, path: str) -> tuple[TreeChange, ...] | None:
        """Return what differs below `path` between two commits; None where only reading the new one whole can tell.

        So it is where the old one, or the folder in it, is not there any more, and where too much differs.
        """
        if not path.isprintable():
            return None
        where = "^{tree}" if path == "." else f":{path}"
        folders = await self._behind(repository, (f"{_id(old)}{where}", f"{_id(new)}{where}"))
        if any(folder.kind != "tree" for folder in folders):
            return None
        before, after = (folder.sha for folder in folders)
        try:
            return await self._trees(repository).changes(before, after, path)
        except TreeTooLargeError:
            return None
        except ValueError as error:
            raise UnreadableError from error

    async def blobs(self, repository: Path, shas: Sequence[str]) -> Mapping[str, bytes]:
        """Return the content of each blob; `shas` has none twice."""
        stdin = "".join(f"{_id(sha)}\n" for sha in shas).encode()
        limit = self._limits.content_bytes + _ONE_BLOB_BYTES * len(shas)
        batch = await self._out(_call(repository, "cat-file", "--batch", stdin=stdin, limit=limit))
        blobs = await _parsed(batch, listing.blobs)
        if len(blobs) != len(shas):
            raise UnreadableError
        return blobs

    async def objects(self, repository: Path, shas: Sequence[str]) -> Mapping[str, tuple[str, bytes]]:
        """Return the type and the content of some commits and tags, by their ids; `shas` has none twice."""
        stdin = "".join(f"{_id(sha)}\n" for sha in shas).encode()
        found = await self._out(_call(repository, "cat-file", "--batch", stdin=stdin, limit=_LOG_BYTES))
        return await _parsed(found, listing.objects)

    async def peeled(self, repository: Path, tag: str) -> str:
        """Return the commit that an annotated tag leads to, also through further tags; empty where it is none."""
        (found,) = await self._behind(repository, (f"{_id(tag)}^{{commit}}",))
        return found.sha if found.kind == "commit" else ""

    async def since(self, repository: Path, base: str, tip: str, limit: int) -> tuple[str, ...] | None:
        """Return the ids of the newest commits that a tip has and a base lacks; None where the base is not there.

        Without a base it has all of them.
        """
        if base and (len(base) != len(tip) or await self.kind(repository, base) != "commit"):
            return None
        span = (_id(tip), *((f"^{_id(base)}",) if base else ()))
        call = _call(
            repository, "rev-list", "--date-order", f"--max-count={limit}", *span, "--", limit=_LOG_BYTES
        )
        return tuple((await self._out(call)).decode().split())

    async def revisions(self, repository: Path, shas: Iterable[str]) -> Mapping[str, Revision]:
        """Return some commits, each without regard to the others."""
        stdin = "".join(f"{_id(sha)}\n" for sha in shas).encode()
        if not stdin:
            return {}
        found = await self._log(repository, "--no-walk=unsorted", "--stdin", stdin=stdin)
        return {revision.sha: revision for revision in found}

    async def ancestry(self, repository: Path, tips: Sequence[str], limit: int) -> tuple[Parents, ...]:
        """Return the commits that lead to `tips`, children first, each with its parents."""
        stdin = "".join(f"{_id(tip)}\n" for tip in tips).encode()
        arguments = ("rev-list", "--date-order", "--parents", f"--max-count={limit}", "--stdin")
        return await _parsed(
            await self._out(_call(repository, *arguments, limit=_LOG_BYTES, stdin=stdin)), stepping.ancestry
        )

    async def steps(
        self, repository: Path, commits: Sequence[Parents], folders: Sequence[str]
    ) -> tuple[Step, ...]:
        """Compare commits with their parents: which files differ in some folders, or everywhere."""
        stdin = await asyncio.to_thread(stepping.questions, commits)
        options = ("--stdin", "-c", "-r", "-z", "--raw", "--root", "--always")
        call = _call(
            repository,
            "diff-tree",
            *options,
            "--",
            *stepping.pathspec(folders),
            limit=self._limits.content_bytes,
            stdin=stdin,
        )
        return await _parsed(await self._out(call), lambda output: stepping.steps(output, commits))

    async def shallow(self, repository: Path) -> frozenset[str]:
        """Return the commits whose parents the repository does not have."""
        return await asyncio.to_thread(disk.shallow, repository)

    async def _log(self, repository: Path, *arguments: str, stdin: bytes = b"") -> tuple[Revision, ...]:
        command = ("log", "-z", f"--format={history.FORMAT}", *arguments, "--")
        call = _call(repository, *command, limit=_LOG_BYTES, stdin=stdin)
        log = await self._out(call)
        return await _parsed(log, history.parse)

    async def _common(self, repository: Path, old: str, new: str) -> str:
        """Return the newest commit that both have; nothing where there is none, or `old` is gone."""
        answer = await self._git.run(_call(repository, "merge-base", _id(old), _id(new)))
        return answer.out.decode().strip() if answer.code == 0 else ""

    def _trees(self, repository: Path) -> TreeReader:
        async def read(shas: Sequence[str], limit: int) -> bytes:
            stdin = "".join(f"{_id(sha)}\n" for sha in shas).encode()
            return await self._out(
                _call(repository, "cat-file", "--batch", "--buffer", limit=limit, stdin=stdin)
            )

        return TreeReader(read, self._limits.entries)

    async def _folder(self, repository: Path, sha: str, path: str) -> str:
        """Return the id of the tree at `path`.

        Raises:
            SourceError: PathNotFound, SymlinkRefused.
        """
        steps = () if path == "." else itertools.accumulate(path.split("/"), "{}/{}".format)
        names = tuple(f"{_id(sha)}:{step}" for step in steps)
        found = await self._behind(repository, (f"{_id(sha)}^{{tree}}", *names))
        if not found[0].sha:
            raise UnreadableError
        if found[-1].kind == "tree":
            return found[-1].sha
        followed = await self._behind(repository, names, "--follow-symlinks")
        raise listing.no_folder(path, sha, found[1:], followed)

    async def _behind(self, repository: Path, names: Sequence[str], *options: str) -> tuple[Found, ...]:
        """Say what is behind each name; names go through a pipe, ended by NUL, so that none can mean more."""
        stdin = "".join(f"{name}\0" for name in names).encode("utf-8", "surrogateescape")
        limit = len(names) * _LONGEST_PATH + len(stdin)
        output = await self._out(
            _call(repository, "cat-file", "--batch-check", *options, "-z", limit=limit, stdin=stdin)
        )
        return await _parsed(output, listing.checks)

    async def _out(self, call: GitCommand) -> bytes:
        answer = await self._git.run(call)
        if answer.code != 0:
            raise _unread(answer)
        return answer.out


def _call(repository: Path, *arguments: str, limit: int = _SMALL, stdin: bytes = b"") -> GitCommand:
    return GitCommand(arguments=arguments, limit=limit, repository=repository, stdin=stdin)


def _unread(answer: ProcessResult) -> Exception:
    return TooMuchWorkError() if answer.is_spent else UnreadableError(answer.complaint)


def _id(sha: str) -> str:
    if not _SHA.fullmatch(sha):
        raise ValueError("not an object id")
    return sha


async def _parsed(output: bytes, parse: Callable[[bytes], _T]) -> _T:
    try:
        return await process.parsed(output, parse)
    except ValueError as error:
        raise UnreadableError from error
