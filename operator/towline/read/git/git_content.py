"""Read commits, files and line histories of one repository that is on this machine."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from towline.errors import Reason, SourceError
from towline.model import Revision
from towline.read.git import file_blame
from towline.read.git.file_blame import BlamedLine
from towline.read.git.local_git import LocalGit
from towline.source import history
from towline.source.authorship.steps import Parents
from towline.source.history import History
from towline.source.process import ProcessResult, TooMuchOutputError, parsed
from towline.source.reader import Reader, TooMuchWorkError, UnreadableError
from towline.source.selection import Entry, SourceLimits
from towline.source.transport import GitCommand

_T = TypeVar("_T")

COMMITS = 200_000
"""How many commits of a history are walked at most."""

_LOG_BYTES = 256 * 1024**2
_BLAME_BYTES = 64 * 1024**2
_NAME = re.compile(r"[^\x00-\x20\x7f~^:?*\[{\\-][^\x00-\x20\x7f:?*\[{\\]*")
"""A branch, a tag, an id, also with `~2` or `^` behind it; never an option, a range or a path in a commit."""


class GitPlace(NamedTuple):
    """Where Git content is: the Git folder, and how sentences call it."""

    folder: Path
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GitContent:
    """One repository that is read by the user's own git, without any network.

    Methods that read raise `SourceError` where the repository lacks what they ask for, or it takes too long.
    """

    git: LocalGit
    place: GitPlace
    limits: SourceLimits = field(default_factory=SourceLimits)

    async def has(self, sha: str) -> bool:
        """Tell whether a commit is here."""
        return await self._read(self._reader.kind(self.place.folder, sha)) == "commit"

    async def lacks(self, shas: Iterable[str]) -> tuple[str, ...]:
        """Return those of some commits that are not here."""
        return tuple([sha for sha in dict.fromkeys(shas) if sha and not await self.has(sha)])

    async def resolve(self, name: str) -> str:
        """Return the commit that a name means here: an id, or the start of one, a branch, a tag; empty for none."""
        if not _NAME.fullmatch(name) or ".." in name:
            return ""
        for full in (name, f"refs/remotes/origin/{name}"):
            answer = await self._run(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{full}^{{commit}}"
            )
            if answer.code == 0:
                return answer.out.decode().strip()
        return ""

    async def revisions(self, shas: Iterable[str]) -> Mapping[str, Revision]:
        """Return commits by their ids."""
        wanted = tuple(dict.fromkeys(shas))
        return await self._read(self._reader.revisions(self.place.folder, wanted)) if wanted else {}

    async def history(self, old: str, new: str) -> History:
        """Return the commits that `new` has and `old` lacks, as a record lists them."""
        return await self._read(self._reader.history(self.place.folder, old, new))

    async def log(
        self, tip: str, *, since: str = "", paths: Sequence[str] = (), most: int = COMMITS
    ) -> Sequence[Revision]:
        """Return the commits that lead to `tip`, newest first, children before their parents.

        Args:
            tip: a commit.
            since: a commit; what leads to it is left out.
            paths: files or folders; commits that changed none of them are left out, and merges that took one side.
            most: how many commits are returned.
        """
        span = (_id(tip), *((f"^{_id(since)}",) if since else ()))
        options = ("log", "-z", f"--format={history.FORMAT}", "--date-order", f"--max-count={most}")
        arguments = ("--literal-pathspecs", *options, *span, "--", *paths)
        return history.parse(await self._out(*arguments, limit=_LOG_BYTES))

    async def ancestry(self, tip: str) -> Sequence[Parents]:
        """Return the commits that lead to `tip`, children before their parents, each followed by its parents."""
        return await self._read(self._reader.ancestry(self.place.folder, (_id(tip),), COMMITS))

    async def leads_to(self, tip: str, sha: str) -> bool:
        """Tell whether the history of `tip` has a commit."""
        return await self._read(self._reader.leads_to(self.place.folder, tip, sha))

    async def cut(self) -> frozenset[str]:
        """Return the commits at which the history ends here, though they have parents elsewhere."""
        return await self._read(self._reader.shallow(self.place.folder))

    async def entries(self, sha: str, path: str = ".") -> Sequence[Entry]:
        """Return the files, symlinks and submodules below a path of a commit."""
        return await self._read(self._reader.entries(self.place.folder, sha, path))

    async def blobs(self, shas: Iterable[str]) -> Mapping[str, bytes]:
        """Return contents by their ids."""
        wanted = tuple(dict.fromkeys(shas))
        return await self._read(self._reader.blobs(self.place.folder, wanted)) if wanted else {}

    async def file(self, sha: str, path: str) -> bytes | None:
        """Return the content of a file of a commit; None where it has no such file."""
        if not path.isprintable():
            return None
        answer = await self._run("cat-file", "blob", f"{_id(sha)}:{path}", limit=self.limits.file_bytes)
        if answer.code != 0 and _is_partial(answer.complaint):
            raise self._unreadable(answer.complaint)
        return answer.out if answer.code == 0 else None

    async def blame(
        self, sha: str, path: str, lines: tuple[int, int] | None = None
    ) -> Mapping[int, BlamedLine]:
        """Return the commit that wrote each line of a file, as `git blame` says; renames of the file are followed.

        Commits that `blame.ignoreRevsFile` names are not skipped: what was applied is what they wrote.

        Args:
            sha: the commit.
            path: the file.
            lines: the first and the last line to ask for; None for all.
        """
        some = (f"-L{lines[0]},{lines[1]}",) if lines else ()
        output = await self._out(
            "blame", "--incremental", "--root", *some, _id(sha), "--", path, limit=_BLAME_BYTES
        )
        try:
            return await parsed(output, file_blame.parse)
        except ValueError as error:
            raise self._unreadable(str(error)) from error

    @property
    def reader(self) -> Reader:
        """What reads the Git folder, for what has no method here."""
        return self._reader

    @property
    def _reader(self) -> Reader:
        return Reader(self.git, self.limits)

    async def _run(self, *arguments: str, limit: int = 1024**2) -> ProcessResult:
        return await self._read(
            self.git.run(GitCommand(arguments=arguments, limit=limit, repository=self.place.folder))
        )

    async def _out(self, *arguments: str, limit: int) -> bytes:
        answer = await self._run(*arguments, limit=limit)
        if answer.code != 0:
            raise self._unreadable(answer.complaint)
        return answer.out

    async def _read(self, reading: Awaitable[_T]) -> _T:
        """Return what is read.

        Raises:
            SourceError: the repository lacks it, or it is too large.
        """
        try:
            return await reading
        except (TooMuchOutputError, TooMuchWorkError) as error:
            raise SourceError(Reason.SOURCE_TOO_LARGE, f"{self.place.title}: too large to read") from error
        except UnreadableError as error:
            raise self._unreadable(str(error)) from error

    def _unreadable(self, complaint: str) -> SourceError:
        said = complaint.strip().rpartition("\n")[2].removeprefix("fatal: ")
        if _is_partial(complaint):
            said = "it is a partial clone that lacks the file: run git fetch --refetch --no-filter there"
        message = f"{self.place.title} cannot be read: {said or 'it lacks a part of the history'}"
        return SourceError(Reason.GIT_UNAVAILABLE, message)


def _is_partial(complaint: str) -> bool:
    """Tell whether git missed what a partial clone has left on the server, where it must not ask now."""
    return any(word in complaint for word in ("promisor", "lazy fetching", "not allowed"))


def _id(sha: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", sha):
        raise ValueError("not an object id")
    return sha
