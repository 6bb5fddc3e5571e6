"""Find where the content of a repository can be read: in a clone that the user has, or in a mirror of their own."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from towline import settings
from towline.errors import Reason, SourceError, TowlineError
from towline.read.git.cache_mirror import CacheMirror
from towline.read.git.git_content import GitContent, GitPlace
from towline.read.git.local_git import LocalGit
from towline.read.git.same_repository import is_same_repository


class FoundGit(NamedTuple):
    """Where Git content is read; None where it cannot be, and then `missing` says why, in a sentence for the user.

    `mirror` is the user's own mirror, for what a clone does not have.
    """

    content: GitContent | None
    mirror: CacheMirror
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSearch:
    """What is looked for, and where.

    Attributes:
        url: of the repository, as its spec says.
        repo: the clone that the user names; None where they name none.
        folder: the user's current folder.
        cache: the folder of the user's mirrors.
        environment: that of the user.
        commits: those that must be readable, such as the applied one; empty ones do not count.
        offline: whether nothing is fetched.
        fresh: whether the newest heads are wanted, so that a mirror is fetched even if it has the commits.
    """

    url: str
    repo: Path | None = None
    folder: Path
    cache: Path
    environment: Mapping[str, str]
    commits: tuple[str, ...] = ()
    offline: bool = False
    fresh: bool = False

    @classmethod
    def here(
        cls, url: str, *commits: str, repo: Path | None = None, offline: bool = False, fresh: bool = False
    ) -> GitSearch:
        """Search for the user of this process."""
        return cls(
            url=url,
            repo=repo,
            folder=Path.cwd(),
            cache=settings.cache_folder(os.environ).parent / "git",
            environment=dict(os.environ),
            commits=tuple(filter(None, commits)),
            offline=offline,
            fresh=fresh,
        )


async def find(search: GitSearch) -> FoundGit:
    """Find Git content: in the clone that the user names, else in the current folder, else in the user's mirror.

    Raises:
        SourceError: the user names a folder that is no clone, or that git refuses to read.
    """
    mirror = CacheMirror(url=search.url, cache=search.cache, environment=search.environment)
    if search.repo:
        content = await clone(search.repo, search.environment)
        lacking = await content.lacks(search.commits)
        return FoundGit(content, mirror, _told(content, lacking, f"run git fetch in {search.repo}"))
    near, why = await _current(search)
    if near:
        return FoundGit(near, mirror)
    found, missing = await _mirrored(search, mirror)
    return FoundGit(found, mirror, ". ".join(filter(None, (missing, why if missing else ""))))


async def clone(folder: Path, environment: Mapping[str, str]) -> GitContent:
    """Open the clone that a folder is in.

    Raises:
        SourceError: it is in none, or git refuses to read it.
    """
    git = LocalGit(environment)
    if not await asyncio.to_thread(folder.is_dir):
        raise SourceError(
            Reason.PATH_NOT_FOUND, f"{folder} is not a folder: --repo names a clone of the repository"
        )
    answer = await git.here(folder, "rev-parse", "--path-format=absolute", "--git-common-dir")
    if answer.code == 0:
        return GitContent(
            git=git, place=GitPlace(Path(os.fsdecode(answer.out.rstrip(b"\n"))), f"the clone {folder}")
        )
    if "dubious ownership" in answer.complaint or "safe.directory" in answer.complaint:
        owned = re.search(r"repository at '(.*)'", answer.complaint)
        at = owned[1] if owned else str(folder)
        message = (
            f"git does not read {at}, because it belongs to another user: if you trust what is in it, run"
            f" git config --global --add safe.directory {at}"
        )
        raise SourceError(Reason.ACCESS_DENIED, message)
    said = answer.complaint.strip().rpartition("\n")[2].removeprefix("fatal: ")
    raise SourceError(Reason.PATH_NOT_FOUND, f"{folder} is not in a clone: {said}")


async def urls(content: GitContent, folder: Path) -> frozenset[str]:
    """Return the urls of all remotes of a clone, as they are written and as git rewrites them."""
    written = await content.git.here(folder, "config", "-z", "--get-regexp", r"^remote\..*\.url$")
    rewritten = await content.git.here(folder, "remote", "--verbose")
    values = (entry.partition("\n")[2] for entry in written.out.decode(errors="replace").split("\0"))
    rows = (row.partition("\t")[2] for row in rewritten.out.decode(errors="replace").splitlines())
    return frozenset(filter(None, (*values, *(row.rpartition(" ")[0] for row in rows))))


async def _current(search: GitSearch) -> tuple[GitContent | None, str]:
    """Return the clone in the current folder where it is one of the repository; else why it is not read."""
    try:
        content = await clone(search.folder, search.environment)
    except SourceError as error:
        return None, error.message if error.reason is Reason.ACCESS_DENIED else ""
    if not any(is_same_repository(search.url, each) for each in await urls(content, search.folder)):
        return None, ""
    lacking = await content.lacks(search.commits)
    return (None, _told(content, lacking, "run git fetch there")) if lacking else (content, "")


async def _mirrored(search: GitSearch, mirror: CacheMirror) -> tuple[GitContent | None, str]:
    """Return the mirror, fetched where it lacks something; else why it cannot be read."""
    try:
        content = mirror.content
        if search.offline:
            return (
                content,
                "" if content else f"nothing of {search.url} was fetched before, and nothing is now",
            )
        lacking = await content.lacks(search.commits) if content else search.commits
        if content and not lacking and not search.fresh:
            return content, ""
        content = await mirror.fetched()
        for sha in await content.lacks(search.commits):
            content = await mirror.with_commit(sha)
    except TowlineError as error:
        kept = mirror.content if not error.reason.startswith("Invalid") else None
        return kept, error.message
    return content, ""


def _told(content: GitContent, lacking: tuple[str, ...], advice: str) -> str:
    if not lacking:
        return ""
    return f"{content.place.title} does not have commit {', '.join(sha[:7] for sha in lacking)}: {advice}"
