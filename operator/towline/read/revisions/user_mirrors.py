"""Fetch the repositories that a commit builds on into the mirrors of a user, by their own git."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from towline.api.gitrepository import Ref
from towline.errors import Reason, SourceError
from towline.read.git import local_git
from towline.read.git.cache_mirror import CacheMirror
from towline.read.git.git_content import GitContent
from towline.source import refs
from towline.source.access import Remote
from towline.source.refs import Refs
from towline.source.selection import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMirrors:
    """Mirrors in a user's cache folder, for what reads those of the operator.

    Credentials are those of the user's git; those of a remote do not count.

    Attributes:
        cache: the folder of the mirrors.
        environment: that of the user.
        offline: whether nothing is fetched.
    """

    cache: Path
    environment: Mapping[str, str] = field(repr=False)
    offline: bool = False

    async def look(self, remote: Remote, seconds: float, age: float = 0.0, ref: Ref | None = None) -> Refs:
        """Return what a remote offers of the names that a ref may have.

        Raises:
            SourceError: it cannot be asked, or must not be.
        """
        del age
        self._check_online(remote)
        wanted = frozenset({ref}) if ref else None
        words = (
            "ls-remote",
            "--quiet",
            "--symref",
            "--",
            remote.url,
            *(refs.patterns(wanted) if wanted else ()),
        )
        answer = await local_git.run(
            (*local_git.settings(local_git.READING), *words),
            environment=local_git.quiet(self.environment),
            seconds=seconds,
        )
        if answer.code != 0:
            said = " ".join(answer.complaint.split())[-500:] or f"exit code {answer.code}"
            raise SourceError(Reason.GIT_UNAVAILABLE, f"{remote.url} cannot be asked by your git: {said}")
        return refs.listed(answer.out, wanted)

    async def fetch(self, remote: Remote, refname: str, sha: str, seconds: float) -> None:
        """Fetch a commit, unless it is here.

        Raises:
            SourceError: it cannot be fetched, or must not be.
        """
        mirror = self._mirror(remote, seconds)
        if await _has(mirror.content, sha):
            return
        self._check_online(remote)
        if refname.startswith("refs/"):
            await mirror.with_ref(refname)
        if not await _has(mirror.content, sha):
            await _by_id(mirror, sha)

    async def has(self, remote: Remote, sha: str) -> bool:
        """Tell whether a commit is here, or can be fetched: what was applied may be read for the first time now."""
        mirror = self._mirror(remote)
        if not await _has(mirror.content, sha) and not self.offline:
            try:
                await _by_id(mirror, sha)
            except SourceError:
                return False
        return await _has(mirror.content, sha)

    async def entries(self, remote: Remote, sha: str, path: str) -> tuple[Entry, ...]:
        """Return what is below a path of a commit."""
        return tuple(await self._content(remote).entries(sha, path))

    async def blobs(self, remote: Remote, shas: Iterable[str]) -> Mapping[str, bytes]:
        """Return contents by their ids."""
        return await self._content(remote).blobs(shas)

    def _content(self, remote: Remote) -> GitContent:
        content = self._mirror(remote).content
        if content is None:
            raise SourceError(Reason.GIT_UNAVAILABLE, f"{remote.url}: nothing of it is here yet")
        return content

    def _mirror(self, remote: Remote, seconds: float | None = None) -> CacheMirror:
        mirror = CacheMirror(url=remote.url, cache=self.cache, environment=self.environment)
        return (
            mirror
            if seconds is None
            else CacheMirror(url=remote.url, cache=self.cache, environment=self.environment, seconds=seconds)
        )

    def _check_online(self, remote: Remote) -> None:
        if self.offline:
            raise SourceError(
                Reason.GIT_UNAVAILABLE,
                f"{remote.url}: it is not here yet, and nothing is fetched: leave out --offline",
            )


async def _by_id(mirror: CacheMirror, sha: str) -> None:
    """Fetch a commit by its id, or, where the server does not give it out so, with all branches and tags."""
    try:
        await mirror.with_commit(sha)
    except SourceError:
        if not await _has(await mirror.fetched(), sha):
            raise


async def _has(content: GitContent | None, sha: str) -> bool:
    return content is not None and await content.has(sha)
