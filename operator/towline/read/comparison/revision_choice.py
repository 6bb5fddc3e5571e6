"""Find the revision that a user means, in Git or in a folder."""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from towline.api.gitrepository import Spec
from towline.errors import Reason, SourceError
from towline.model import Person, Revision
from towline.read.comparison import pull_request_refs, revision_folder
from towline.read.git import git_search
from towline.read.git.git_content import GitContent
from towline.read.git.git_search import FoundGit, GitSearch
from towline.read.revisions import revision_source
from towline.read.revisions.revision_source import RevisionSource
from towline.render import folder

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MOST = 1000
"""How many new commits are looked at."""

_NOBODY = Person(name="", email="")
_UNCOMMITTED = Revision(
    sha="0" * 40,
    author=_NOBODY,
    committer=_NOBODY,
    authored_at="",
    committed_at="",
    subject="not committed",
)
"""Stands for the commit of a folder that is none; nothing is written with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionChoice:
    """What a user names: a revision, a folder, or a pull request; the observed commit where they name nothing.

    `repos` are clones to read, the first one of the repository itself and the others of those that values come from;
    none for the current folder or the user's mirrors. `offline` says that nothing is fetched.
    """

    revision: str = ""
    local: Path | None = None
    pull_request: int = 0
    repos: tuple[Path, ...] = ()
    offline: bool = False

    @property
    def repo(self) -> Path | None:
        """The clone of the repository itself."""
        return self.repos[0] if self.repos else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenRevision:
    """What was found: `title` as the user named it, its commit, and `source`, where it is read.

    `note` says what to know about the commit.
    """

    title: str
    revision: Revision
    source: RevisionSource
    note: str = ""

    @property
    def sha(self) -> str:
        """The id of the commit, empty for a folder."""
        return self.source.sha


class RevisionFinder:
    """Finds revisions of one repository.

    Args:
        spec: says where it is, and which folder of it counts.
        choice: what the user names.
    """

    def __init__(self, spec: Spec, choice: RevisionChoice) -> None:
        self._spec = spec
        self._choice = choice
        self._found: FoundGit | None = None

    async def chosen(self, observed: str, applied: str) -> ChosenRevision:
        """Return the revision that the user means.

        Args:
            observed: the commit where the user names nothing.
            applied: the one that is applied, empty where none is.

        Raises:
            SourceError: there is no such revision, or Git cannot be read.
        """
        if self._choice.local:
            return _local(self._choice.local, self._spec.path)
        content, sha = await self._resolved(observed)
        revision = (await content.revisions((sha,)))[sha]
        note = await _behind(content, sha, applied)
        source = self._source(content, sha)
        return ChosenRevision(title=self._title(sha), revision=revision, source=source, note=note)

    async def of(self, sha: str) -> RevisionSource | None:
        """Return a commit; None where Git does not have it here."""
        content = (await self._git(sha)).content if sha else None
        if content is None or not await content.has(sha):
            return None
        return self._source(content, sha)

    @asynccontextmanager
    async def folder(self, observed: str) -> AsyncIterator[Path]:
        """Write the commit that the user means into a folder, and yield the one of it that `spec.path` names.

        Raises:
            SourceError: there is no such commit, it cannot be read, or has no such folder.
        """
        content, sha = await self._resolved(observed)
        with tempfile.TemporaryDirectory(prefix="towline-") as top:
            await revision_folder.write(Path(top), await content.entries(sha), content.blobs)
            if not (Path(top) / self._spec.path).is_dir():
                message = f"commit {sha[:7]} has no folder {self._spec.path} (spec.path)"
                raise SourceError(Reason.PATH_NOT_FOUND, message)
            yield Path(top) / self._spec.path

    async def revisions(self, shas: Iterable[str]) -> Mapping[str, Revision]:
        """Return commits that Git has here."""
        wanted = tuple(shas)
        content = (await self._git(wanted[0] if wanted else "")).content
        return await content.revisions(wanted) if content else {}

    async def between(self, applied: str, newest: str) -> Sequence[Revision]:
        """Return the commits that lead from the applied one to a newer one, oldest first; none where Git lacks one."""
        content = (await self._git(newest)).content
        if content is None or await content.lacks((applied, newest)):
            return ()
        return tuple(reversed(await content.log(newest, since=applied, most=_MOST)))

    async def last_change(self, source: str, target: str, file: str, line: int = 0) -> Revision | None:
        """Return the newest commit between two that changed a file; None where there is none, or Git lacks one.

        Args:
            source: a commit, empty for the beginning.
            target: a later one.
            file: from the root of the repository.
            line: of the file in the later commit; the one that wrote it counts, if it is one of these.
        """
        content = (await self._git(target)).content
        if content is None or await content.lacks((source, target)):
            return None
        found = await content.log(target, since=source, paths=(file,), most=_MOST)
        by_line = await _writer(content, target, file, line) if line else ""
        return next((each for each in found if each.sha == by_line), next(iter(found), None))

    def _source(self, content: GitContent, sha: str) -> RevisionSource:
        return revision_source.of_commit(content, sha, self._spec.url, self._spec.path)

    async def _resolved(self, observed: str) -> tuple[GitContent, str]:
        if self._choice.pull_request:
            return await self._of_pull_request()
        named = self._choice.revision or observed
        if not named:
            message = "the GitRepository has observed no commit yet: name one with --revision"
            raise SourceError(Reason.REF_NOT_FOUND, message)
        found = await self._git(observed if not self._choice.revision else "")
        content = _readable(found)
        sha = await content.resolve(named)
        if not sha and not self._choice.repo and not self._choice.offline:
            content = await found.mirror.fetched()
            sha = await content.resolve(named)
        if not sha:
            message = f"{content.place.title} has no revision {named}: check the name, and that it is pushed"
            raise SourceError(Reason.REF_NOT_FOUND, message)
        return content, sha

    async def _of_pull_request(self) -> tuple[GitContent, str]:
        mirror = (await self._git("")).mirror
        sha = await pull_request_refs.fetched(self._spec.url, self._choice.pull_request, mirror.with_ref)
        content = mirror.content
        if content is None:
            raise SourceError(Reason.GIT_UNAVAILABLE, f"the mirror of {self._spec.url} cannot be read")
        return content, sha

    async def _git(self, sha: str) -> FoundGit:
        if self._found is None or (self._found.content and sha and not await self._found.content.has(sha)):
            choice = self._choice
            fresh = bool(choice.revision) and not _SHA.fullmatch(choice.revision)
            self._found = await git_search.find(
                GitSearch.here(self._spec.url, sha, repo=choice.repo, offline=choice.offline, fresh=fresh)
            )
        return self._found

    def _title(self, sha: str) -> str:
        if self._choice.pull_request:
            return f"pull request {self._choice.pull_request}"
        return self._choice.revision or sha[:7]


def _local(local: Path, path: str) -> ChosenRevision:
    """Return a folder on disk: the top of a work tree, in which `spec.path` counts, or else that very folder."""
    named = local / path if (local / ".git").exists() else local
    if not named.is_dir():
        message = f"{named} is not a folder: name the top of a clone, or the folder that spec.path names"
        raise SourceError(Reason.PATH_NOT_FOUND, message)
    root, below = folder.placed(named)
    source = revision_source.of_folder(root, below)
    return ChosenRevision(title=str(local), revision=_UNCOMMITTED, source=source)


def _readable(found: FoundGit) -> GitContent:
    if found.content is None:
        raise SourceError(Reason.GIT_UNAVAILABLE, found.missing)
    return found.content


async def _behind(content: GitContent, sha: str, applied: str) -> str:
    """Say that a revision lacks what is applied, so that it seems to take that back; empty where it does not."""
    if not applied or applied == sha or not await content.has(applied):
        return ""
    if await content.leads_to(sha, applied):
        return ""
    return f"{sha[:7]} does not contain the applied commit {applied[:7]}: what that brought is shown as taken back"


async def _writer(content: GitContent, sha: str, file: str, line: int) -> str:
    """Return the commit that wrote a line; empty where the file has no such line there."""
    try:
        found = await content.blame(sha, file, (line, line))
    except SourceError:
        return ""
    return found[line].sha if line in found else ""
