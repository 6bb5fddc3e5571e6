"""Keep a bare mirror in the user's cache folder, which the user's own git fetches with the user's own credentials."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from towline.errors import Reason, SourceError
from towline.read.git import local_git
from towline.read.git.git_content import GitContent, GitPlace
from towline.read.git.local_git import LocalGit
from towline.source import access, gitconfig

FETCH_SECONDS = 300.0
"""How long a fetch may take."""

_HEADS = "+refs/heads/*:refs/heads/*"
_TAGS = "+refs/tags/*:refs/tags/*"
_KEPT = "refs/kept"
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = re.compile(r"refs/[A-Za-z0-9][\w./+@-]*", re.ASCII)
_FETCHING = (
    ("core.hooksPath", "/dev/null"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.fsckObjects", "true"),
    ("fetch.writeCommitGraph", "true"),
    ("transfer.bundleURI", "false"),
    ("submodule.recurse", "false"),
    *((f"fetch.fsck.{name}", "ignore") for name in gitconfig.TOLERATED),
)
_OPTIONS = (
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheMirror:
    """The mirror of one url below a cache folder; nothing is on disk before the first fetch.

    The url is checked as that of a GitRepository, whoever wrote it; it never becomes an option.

    Args:
        url: of the repository.
        cache: the folder of all mirrors of this user.
        environment: that of the user.
        seconds: how long a fetch may take.
    """

    url: str
    cache: Path
    environment: Mapping[str, str]
    seconds: float = FETCH_SECONDS

    @property
    def folder(self) -> Path:
        """Where the mirror is."""
        return self.cache / f"{hashlib.sha256(self._checked.encode()).hexdigest()[:40]}.git"

    @property
    def content(self) -> GitContent | None:
        """What was fetched before; None where nothing was."""
        if not (self.folder / "HEAD").is_file():
            return None
        place = GitPlace(self.folder, f"the mirror of {self._checked} in {self.cache}")
        return GitContent(git=LocalGit(self.environment), place=place)

    async def fetched(self) -> GitContent:
        """Fetch all branches and tags.

        Raises:
            SourceError: the server cannot be asked, or the url is refused; the message says what git said.
            SpecError: the url is not one of a GitRepository.
        """
        return await self._fetched(("--prune", "--force"), (_HEADS, _TAGS))

    async def with_commit(self, sha: str) -> GitContent:
        """Fetch one commit by its id, which no branch has any more; not every server gives it out."""
        if not _SHA.fullmatch(sha):
            raise ValueError("not an object id")
        return await self._fetched(("--force",), (f"{sha}:{_KEPT}/{sha}",))

    async def with_ref(self, ref: str) -> str:
        """Fetch a ref by its full name, such as that of a pull request, and return its commit.

        Raises:
            SourceError: the server has no such ref.
        """
        if not _REF.fullmatch(ref) or ".." in ref or ref.endswith((".lock", "/", ".")):
            raise SourceError(
                Reason.INVALID_REF, f"{ref!r} must be the full name of a ref, such as refs/heads/main"
            )
        name = f"{_KEPT}/{hashlib.sha256(ref.encode()).hexdigest()}"
        content = await self._fetched(("--force",), (f"{ref}:{name}",))
        return await content.resolve(name)

    @property
    def _checked(self) -> str:
        return access.check_url(self.url, allow_http=True, has_secret=False)

    async def _fetched(self, options: Sequence[str], refspecs: Sequence[str]) -> GitContent:
        environment = local_git.quiet(self.environment)
        with _locked(self.folder):
            if not (self.folder / "HEAD").is_file():
                made = ("init", "--quiet", "--bare", "--template=", "--", os.fsencode(self.folder))
                await self._run(made, environment)
            arguments = ("fetch", *_OPTIONS, *options, "--", self._checked, *refspecs)
            await self._run(arguments, environment | {"GIT_DIR": str(self.folder)})
        content = self.content
        if content is None:
            raise SourceError(Reason.GIT_UNAVAILABLE, f"{self.folder} cannot be written")
        return content

    async def _run(self, arguments: Sequence[str | bytes], environment: Mapping[str, str]) -> None:
        answer = await local_git.run(
            (*local_git.settings(_FETCHING), *arguments), environment=environment, seconds=self.seconds
        )
        if answer.code != 0:
            said = " ".join(answer.complaint.split())[-500:] or f"exit code {answer.code}"
            advice = "check that `git ls-remote` works there, or name a clone with --repo"
            raise SourceError(
                Reason.GIT_UNAVAILABLE, f"{self._checked} cannot be fetched by your git: {said}; {advice}"
            )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time write to a mirror.

    Raises:
        SourceError: the cache folder cannot be written.
    """
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = folder.with_suffix(".lock").open("w")
    except OSError as error:
        message = f"{folder.parent} cannot be written: {error.strerror}; name a clone with --repo"
        raise SourceError(Reason.GIT_UNAVAILABLE, message) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
