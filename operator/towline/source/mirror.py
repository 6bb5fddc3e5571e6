"""Keep bare mirrors of remotes: look at a remote, fetch from it, read what was fetched."""

from __future__ import annotations

import asyncio
import errno
import math
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any, TypeVar

from towline import log
from towline.api.gitrepository import Ref
from towline.api.signed.verification import Signature
from towline.errors import CostlyError, Reason, SourceError, SpecError
from towline.model import Revision
from towline.shares.pools import Pools
from towline.source import disk, git_errors, process
from towline.source.access import Remote
from towline.source.authorship import blame
from towline.source.authorship.blame import Blamed, Parse
from towline.source.authorship.mirror_commits import MirrorCommits
from towline.source.authorship.steps import Parents
from towline.source.authorship.walk import Wanted
from towline.source.fetcher import MirrorFetcher, OutgrownError, moved
from towline.source.history import History
from towline.source.lookup import Looks
from towline.source.public_addresses import Addresses
from towline.source.reader import Reader, TooMuchWorkError, UnreadableError
from towline.source.refs import Refs
from towline.source.selection import Entry, SourceLimits
from towline.source.signatures import signed_object
from towline.source.signatures.signature_check import SignatureCheck
from towline.source.signatures.signed_object import SignedObject
from towline.source.signatures.trusted_keys import TrustedKeys
from towline.source.smart.exchange import Exchanges
from towline.source.transport import LOCAL_CPU, Hearing, Transport, deadline, overdue, patience
from towline.source.trees.glance import Glances
from towline.source.trees.tree_reader import TreeChange

_log = log.logger(__name__)

_T = TypeVar("_T")
_SOUND_SECONDS = 300.0
_ANCESTORS = 1000
_GIT_VERSION = (2, 39, 4)
"""The first of its line that corrects CVE-2024-32002 and four others (docs/threat-model.md)."""


def _check_git() -> None:
    """Import GitPython at the start of the process, because that takes long and runs git."""
    try:
        import git
    except ImportError as error:
        raise SourceError(Reason.GIT_UNAVAILABLE, "git is not installed where the operator runs") from error
    if git.Git().version_info < _GIT_VERSION:
        needed = ".".join(map(str, _GIT_VERSION))
        found = ".".join(map(str, git.Git().version_info))
        message = (
            f"git {found} has known security errors, and the operator needs git {needed} or later:"
            " install a newer git where it runs (in its image)"
        )
        raise SourceError(Reason.GIT_UNAVAILABLE, message)


def _start(command: Sequence[str], folder: Path, stdin: int, inherited: Sequence[int]) -> Popen[bytes]:
    import git

    handle: Any = git.Git(folder).execute(
        list(command), istream=stdin, as_process=True, start_new_session=True, pass_fds=tuple(inherited)
    )
    started: Popen[bytes] = handle.proc
    handle.proc = None  # GitPython ends the process when it drops the handle
    return started


@dataclass(slots=True)
class _Mirror:
    """What this process knows of one bare repository.

    `complete` are commits that are there with all they need; removing the repository starts a new set. `ancestors` are
    pairs of a commit and one in its history. `used_at` is by the event loop's clock; `sound_until` is how long a check
    that has found nothing need not be repeated; `packs` is how many the last fetch has left. `fetchers` are those who
    fetch, and who wait until they may; `hearing` is what all of them hear of the one that does.
    """

    folder: Path
    used_at: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    complete: set[str] = field(default_factory=set)
    ancestors: set[tuple[str, str]] = field(default_factory=set)
    tidy: bool = False
    sound_until: float = -math.inf
    packs: int = 0
    fetchers: int = 0
    hearing: Hearing = field(default_factory=Hearing)


class Mirrors:
    """All mirrors below one folder, for one event loop; no thread ever waits for a server.

    With `addresses`, hosts that these refuse are never asked. Where it is `discreet`, errors do not say in which way a
    server could not be used; the log does. The names of the mirrors, which every process of the
    machine may see, are made with `key`: without it a guess of a credential cannot be checked by them.
    """

    def __init__(  # noqa: PLR0913  a folder, what may be asked, and what it may cost
        self,
        folder: Path,
        limits: SourceLimits | None = None,
        addresses: Addresses | None = None,
        key: bytes = b"",
        pools: Pools | None = None,
        *,
        discreet: bool = False,
    ) -> None:
        _check_git()
        self._folder = folder / "mirrors"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._limits = limits or SourceLimits()
        self._key = key
        self._is_discreet = discreet
        self._mirrors: dict[str, _Mirror] = {}
        self._glances = Glances()
        git = Transport(self._folder, _start, addresses, pools or Pools.here())
        exchanges = Exchanges()
        self._looks = Looks(git, exchanges, self._limits.refs)
        self._reader = Reader(git, self._limits)
        self._fetcher = MirrorFetcher(git, exchanges, self._limits)
        self._signatures = SignatureCheck(git, folder / "signatures")

    async def look(self, remote: Remote, seconds: float, age: float = 0.0, ref: Ref | None = None) -> Refs:
        """Return what the remote offers, `ref` at any rate; an answer that is at most `age` seconds old will do."""
        with self._veiled(remote):
            return await self._looks.look(remote, seconds, age, ref)

    def seen_at(self, remote: Remote) -> float:
        """Return when the last answer of a remote came, by the event loop's clock; it must have been looked at."""
        return self._looks.seen_at(remote)

    async def fetch(self, remote: Remote, refname: str, sha: str, seconds: float) -> None:
        """Make the commit and everything it needs readable; nothing happens where it is already.

        `refname` and `sha` are what `refs.resolve` returned.

        Raises:
            SourceError: the remote is silent for `seconds`, or takes ten times as long; or it is too large or invalid.
        """
        mirror = self._mirror(remote, sha)
        if sha in mirror.complete:
            return
        with _on_disk(remote):
            mirror.fetchers += 1
            try:
                with self._veiled(remote, mirror.hearing):
                    async with patience(remote, seconds, mirror.hearing), mirror.lock:
                        if sha not in mirror.complete:
                            await self._bring(remote, mirror, refname, sha)
                            await self._check_kind(remote, mirror, refname, sha)
                            mirror.complete.add(sha)
            finally:
                mirror.fetchers -= 1
            # the last of them joins packs: nobody waits here for another's server
            if not mirror.fetchers and mirror.packs > self._limits.packs:
                async with mirror.lock:
                    await self._fetcher.join(mirror.folder)

    async def fetch_tag(self, remote: Remote, refname: str, tag: str, seconds: float) -> None:
        """Make an annotated tag readable whose commit was fetched; nothing happens where it is already.

        Raises:
            SourceError: the remote is silent for `seconds`, or the tag has moved.
        """
        mirror = self._mirror(remote, tag)
        if await self._reader.kind(mirror.folder, tag) == "tag":
            return
        with _on_disk(remote), self._veiled(remote, mirror.hearing):
            async with patience(remote, seconds, mirror.hearing), mirror.lock:
                await self._fetcher.fetch_tag(remote, mirror.folder, refname, tag, mirror.hearing)
        if await self._reader.kind(mirror.folder, tag) != "tag":
            raise moved(remote, refname)

    @contextmanager
    def _veiled(self, remote: Remote, hearing: Hearing | None = None) -> Iterator[None]:
        """Hide in which way a server could not be used, unless it was heard to send what a Git server sends."""
        try:
            yield
        except (SourceError, SpecError) as error:
            told = git_errors.veiled(remote, error)
            if not self._is_discreet or told is error or (hearing and hearing.progress):
                raise
            _log.warning(
                "a Git server could not be used", url=remote.url, reason=error.reason, error=error.message
            )
            raise told from error

    def progress(self, remote: Remote, sha: str) -> str | None:
        """Return how far the fetch of a commit is: empty where git told nothing, None while others have the turn."""
        hearing = self._mirror(remote, sha).hearing
        return None if hearing.is_in_line else hearing.progress

    async def has(self, remote: Remote, sha: str) -> bool:
        """Say whether the commit can be read without asking the remote."""
        mirror = self._mirror(remote, sha)
        if sha in mirror.complete:
            return True
        if not await asyncio.to_thread(mirror.folder.is_dir):
            return False
        with _on_disk(remote):
            if not mirror.tidy:  # else who has the lock may wait for a server
                async with mirror.lock:
                    await self._make_usable(mirror, sha)
            complete = mirror.complete
            held = await self._reader.holds(mirror.folder, sha)
            if held and not await self._is_partial(mirror):
                complete.add(sha)
        return held or sha in mirror.complete

    async def _is_partial(self, mirror: _Mirror) -> bool:
        """Say whether the history is not whole yet: the next fetch goes on."""
        return await asyncio.to_thread(disk.is_partial, mirror.folder)

    async def glance(self, remote: Remote, sha: str, path: str) -> None:
        """Read a fetched commit below a path, if that is small: its revision, entries and blobs are known then."""
        mirror = self._mirror(remote, sha)
        if found := await self._read(remote, mirror, sha, self._reader.glance(mirror.folder, sha, path)):
            self._glances.keep(remote.identity, found)

    async def revision(self, remote: Remote, sha: str) -> Revision:
        """Return one fetched commit."""
        seen = self._glances.of(remote.identity, sha)
        if seen and seen.revision:
            return seen.revision
        mirror = self._mirror(remote, sha)
        return await self._read(remote, mirror, sha, self._reader.revision(mirror.folder, sha))

    async def is_cut(self, remote: Remote, sha: str) -> bool:
        """Say whether a fetched commit has parents that the mirror does not have."""
        return sha in await self._reader.shallow(self._mirror(remote, sha).folder)

    async def leads_to(self, remote: Remote, tip: str, sha: str) -> bool:
        """Tell whether the history of a fetched commit has another one in it, or is that commit."""
        mirror = self._mirror(remote, tip)
        if tip == sha or (tip, sha) in mirror.ancestors:
            return True
        if len(tip) != len(sha):
            return False
        found = await self._read(remote, mirror, tip, self._reader.leads_to(mirror.folder, tip, sha))
        if found:
            if len(mirror.ancestors) == _ANCESTORS:
                mirror.ancestors.clear()
            mirror.ancestors.add((tip, sha))
        return found

    async def since(self, remote: Remote, base: str, tip: str, limit: int) -> tuple[str, ...] | None:
        """Return the newest commits that a fetched one has and a base lacks, by their ids; as `Reader.since`."""
        mirror = self._mirror(remote, tip)
        return await self._read(remote, mirror, tip, self._reader.since(mirror.folder, base, tip, limit))

    async def peeled(self, remote: Remote, tag: str) -> str:
        """Return the commit that a fetched annotated tag leads to; empty where it leads to none."""
        mirror = self._mirror(remote, tag)
        return await self._read(remote, mirror, "", self._reader.peeled(mirror.folder, tag))

    async def signed(self, remote: Remote, shas: Sequence[str]) -> tuple[SignedObject, ...]:
        """Say how fetched commits and tags are signed, by their ids."""
        mirror = self._mirror(remote, shas[0])
        found = await self._read(remote, mirror, "", self._reader.objects(mirror.folder, shas))
        return await asyncio.to_thread(signed_object.read, shas, found)

    async def verify(
        self, remote: Remote, signed: Sequence[SignedObject], keys: TrustedKeys
    ) -> tuple[Signature, ...]:
        """Return what becomes of signatures; as `SignatureCheck.verify`."""
        mirror = self._mirror(remote, signed[0].sha)
        with _on_disk(remote):
            verifying = self._signatures.verify(mirror.folder, signed, keys)
            return await self._read(remote, mirror, "", verifying)

    async def history(self, remote: Remote, old: str, new: str) -> History:
        """Return the commits that `new` has and `old` lacks; `new` alone where they share nothing."""
        mirror = self._mirror(remote, new)
        return await self._read(remote, mirror, new, self._reader.history(mirror.folder, old, new))

    async def blame(
        self, remote: Remote, head: str, span: Sequence[Parents], wanted: Iterable[Wanted], parse: Parse
    ) -> Mapping[Wanted, Blamed]:
        """Return for each object of a fetched commit the commit that made it what it is (`blame.blame`).

        Objects of which the mirror does not know are left out, as where a history was not fetched whole.

        Raises:
            CostlyError: the history is too much to read.
            SourceError: the history cannot be read, though the commit itself may be.
        """
        mirror = self._mirror(remote, head)
        commits = MirrorCommits(self._reader, mirror.folder)
        try:
            async with deadline(remote, self._limits.read_seconds, "reading the history"):
                known = await blame.blame(commits, head, span, wanted, parse)
                unsure = await self._reader.shallow(mirror.folder)
        except (process.TooMuchOutputError, TooMuchWorkError) as error:
            raise CostlyError(
                Reason.SOURCE_TOO_LARGE, f"{remote.url}: the history is too large to read"
            ) from error
        except UnreadableError as error:  # what else needs the mirror still has it
            raise SourceError(
                Reason.GIT_UNAVAILABLE, f"{remote.url}: the history cannot be read: {error}"
            ) from error
        return {one: blamed for one, blamed in known.items() if blamed.sha not in unsure}

    async def revisions(self, remote: Remote, shas: Iterable[str]) -> Mapping[str, Revision]:
        """Return some fetched commits, by their ids."""
        wanted = tuple(dict.fromkeys(shas))
        if not wanted:
            return {}
        mirror = self._mirror(remote, wanted[0])
        return await self._read(remote, mirror, "", self._reader.revisions(mirror.folder, wanted))

    async def entries(self, remote: Remote, sha: str, path: str) -> tuple[Entry, ...]:
        """Return the files, symlinks and submodules below `path` of a fetched commit.

        Raises:
            SourceError: PathNotFound, SymlinkRefused, SourceTooLarge.
        """
        seen = self._glances.of(remote.identity, sha)
        if seen and seen.path == path:
            return seen.entries
        mirror = self._mirror(remote, sha)
        return await self._read(remote, mirror, sha, self._reader.entries(mirror.folder, sha, path))

    async def changes(self, remote: Remote, old: str, new: str, path: str) -> tuple[TreeChange, ...] | None:
        """Return what differs below `path` between two commits; None where the old one is not there any more."""
        mirror = self._mirror(remote, new)
        return await self._read(remote, mirror, new, self._reader.changes(mirror.folder, old, new, path))

    async def blobs(self, remote: Remote, shas: Iterable[str]) -> Mapping[str, bytes]:
        """Return the content of each blob, by its id."""
        wanted = tuple(dict.fromkeys(shas))
        if not wanted:
            return {}
        if (seen := self._glances.taken(remote.identity, wanted)) is not None:
            return seen
        mirror = self._mirror(remote, wanted[0])
        return await self._read(remote, mirror, "", self._reader.blobs(mirror.folder, wanted))

    async def retain(self, remotes: Iterable[Remote], idle: float = 0.0) -> None:
        """Delete mirrors that none of these remotes uses and that were not used for `idle` seconds.

        For a mirror of an earlier process the time begins with the first call.

        Raises:
            OSError: the folder cannot be read.
        """
        self._glances.clear()
        used = tuple(remotes)
        kept = {disk.name(remote.identity, self._key) for remote in used}
        now = asyncio.get_running_loop().time()
        self._looks.retain({remote.identity for remote in used}, now - idle)
        for folder in await asyncio.to_thread(lambda: list(self._folder.iterdir())):
            self._mirrors.setdefault(folder.name, _Mirror(folder=folder, used_at=now))
        for name, mirror in list(self._mirrors.items()):
            spare = name.partition(".")[0] not in kept and mirror.used_at <= now - idle
            if spare and not mirror.lock.locked():
                async with mirror.lock:
                    await self._discard(mirror)
                if mirror.used_at <= now - idle:
                    del self._mirrors[name]

    async def aclose(self) -> None:
        """End every look; fetches and reads end with the calls that wait for them."""
        await self._looks.aclose()

    async def _bring(self, remote: Remote, mirror: _Mirror, refname: str, sha: str) -> None:
        found = await self._make_usable(mirror, sha)
        if not found.is_empty:  # git is not asked about a new mirror
            if not found.is_partial and await self._reader.holds(mirror.folder, sha):
                return
            if await self._fetcher.slim(mirror.folder):
                mirror.complete = set()
        try:
            found = await self._fetcher.fetch(
                remote, mirror.folder, refname, sha, mirror.hearing, found=found
            )
        except OutgrownError:
            await self._shrink(mirror)
            raise
        except SourceError as error:
            if error.reason is Reason.SOURCE_TOO_LARGE or await self._sound(mirror):
                raise
            await self._discard(mirror)
            found = await self._make_usable(mirror, sha)
            found = await self._fetcher.fetch(
                remote, mirror.folder, refname, sha, mirror.hearing, found=found
            )
        mirror.packs = found.packs
        if sha not in found.tips and not await self._reader.holds(mirror.folder, sha):
            raise _absent(remote, refname, sha, await self._reader.kind(mirror.folder, sha))

    async def _check_kind(self, remote: Remote, mirror: _Mirror, refname: str, sha: str) -> None:
        """Refuse the id of an annotated tag: git would take it for its commit, which has another id."""
        if refname == sha and (kind := await self._reader.kind(mirror.folder, sha)) != "commit":
            raise _absent(remote, refname, sha, kind)

    async def _sound(self, mirror: _Mirror) -> bool:
        """Say whether the mirror is intact, so that a failed fetch is not its doing."""
        now = asyncio.get_running_loop().time()
        if now < mirror.sound_until:
            return True
        sound = await self._reader.sound(mirror.folder)
        mirror.sound_until = now + _SOUND_SECONDS if sound else -math.inf
        return sound

    async def _shrink(self, mirror: _Mirror) -> None:
        """Start an empty mirror where old content fills half the allowed size: much of it may be unused."""
        if await asyncio.to_thread(disk.size, mirror.folder) > self._limits.mirror_bytes // 2:
            await self._discard(mirror)

    async def _make_usable(self, mirror: _Mirror, sha: str) -> disk.Contents:
        """Return what a mirror holds; one that is not there is made."""
        if mirror.tidy:
            try:
                return await asyncio.to_thread(disk.contents, mirror.folder)
            except (FileNotFoundError, NotADirectoryError):  # somebody has removed it while we run
                await self._discard(mirror)
        found = await asyncio.to_thread(disk.make_usable, mirror.folder, len(sha))
        mirror.tidy = True
        return found

    async def _read(
        self, remote: Remote, mirror: _Mirror, sha: str, reading: Coroutine[None, None, _T]
    ) -> _T:
        """Return what a reader returns; a mirror that lost what it had is removed, until the next fetch.

        Raises:
            CostlyError: it is too much to read.
            SourceError: it lacks something.
        """
        complete = mirror.complete
        try:
            async with deadline(remote, self._limits.read_seconds, "reading the mirror"):
                return await reading
        except process.TooMuchOutputError as error:
            raise CostlyError(
                Reason.SOURCE_TOO_LARGE, f"{remote.url}: the commit is too large to read"
            ) from error
        except TooMuchWorkError as error:
            raise overdue(remote, f"{LOCAL_CPU} s of computing", "reading the mirror") from error
        except UnreadableError as error:
            async with mirror.lock:
                if mirror.complete is complete and (sha in complete or (complete and not sha)):
                    await self._discard(mirror)
            raise SourceError(
                Reason.GIT_UNAVAILABLE,
                f"{remote.url}: the mirror lacks a part of the commit and is fetched again",
            ) from error

    async def _discard(self, mirror: _Mirror) -> None:
        mirror.complete = set()
        mirror.tidy = False
        await asyncio.to_thread(disk.discard, mirror.folder)

    def _mirror(self, remote: Remote, sha: str) -> _Mirror:
        """Return the mirror for object ids of this length: a repository has one, whatever a spec asks it for."""
        name = f"{disk.name(remote.identity, self._key)}.{len(sha)}"
        now = asyncio.get_running_loop().time()
        mirror = self._mirrors.setdefault(name, _Mirror(folder=self._folder / name, used_at=now))
        mirror.used_at = now
        return mirror


@contextmanager
def _on_disk(remote: Remote) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise SourceError(Reason.DISK_FULL, f"{remote.url}: {git_errors.DISK_FULL}") from error
        raise SourceError(
            Reason.GIT_UNAVAILABLE,
            f"{remote.url}: the operator cannot use its data folder: {error.strerror}; check the volume of its pod",
        ) from error


def _absent(remote: Remote, refname: str, sha: str, kind: str) -> SourceError:
    if kind in {"tree", "blob", "tag"}:
        return SourceError(
            Reason.REF_NOT_FOUND, f"{remote.url}: {refname} is a {kind}, not a commit: change spec.ref"
        )
    if refname == sha:
        return SourceError(Reason.REF_NOT_FOUND, f"{remote.url}: no branch or tag holds a commit {sha}")
    return moved(remote, refname)
