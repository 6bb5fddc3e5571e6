"""Fetch the whole history of a branch into an empty repository with one child: git checks and stores what comes.

`git fetch` is five processes, of which the one that speaks HTTP takes most of the time to begin. Here the request is
sent without a process, and `git index-pack` gets the pack: it refuses what `git fetch` refuses, objects that are
malformed, and packs in which something is missing. Only the plain answer of a healthy server is taken; after any other,
`git fetch` is asked, whose errors tell people what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from towline.http.connection import BrokenError
from towline.source import gitconfig, process
from towline.source.access import Remote
from towline.source.process import Talk
from towline.source.smart import exchange
from towline.source.smart.exchange import Exchanges, Question
from towline.source.smart.sideband import Said, Sideband
from towline.source.transport import IN_LINE, GitCommand, Transport

Hear = Callable[[str], None]

_BRANCH = "refs/heads/"
_SHA = re.compile(r"[0-9a-f]{40}")
_OUTPUT_BYTES = 64 * 1024
_LINES = re.compile(r"[\r\n]+")
_CHECKED = (
    "index-pack",
    "--stdin",
    "-v",
    f"--strict={','.join(f'{name}=ignore' for name in gitconfig.TOLERATED)}",
    "--check-self-contained-and-connected",
)


class FirstPacks:
    """Fetches into empty repositories; each fetch counts towards the limit of `git` for one host.

    Args:
        git: runs git.
        exchanges: asks servers.
    """

    def __init__(self, git: Transport, exchanges: Exchanges) -> None:
        self._git = git
        self._exchanges = exchanges

    async def fetch(self, remote: Remote, repository: Path, refname: str, sha: str, hear: Hear) -> bool:
        """Store the history of a commit that a branch was seen to lead to; False where `git fetch` has to do it.

        Nothing refers to what was stored yet.

        Raises:
            SpecError: the remote's address is refused.
            SourceError: the host has no address, or git is not installed.
        """
        if remote.scheme == "ssh" or not refname.startswith(_BRANCH) or not _SHA.fullmatch(sha):
            return False
        try:
            async with (
                self._git.fetching(remote, partial(hear, IN_LINE)) as reached,
                self._pack(reached, sha, hear) as pack,
            ):
                call = GitCommand(
                    arguments=_CHECKED,
                    repository=repository,
                    limit=_OUTPUT_BYTES,
                    hear=hear,
                    talk=partial(_send, pack),
                )
                return (await self._git.run(call)).code == 0
        except (OSError, UnicodeError, ValueError, BrokenError, process.TooMuchOutputError):
            return False

    @asynccontextmanager
    async def _pack(self, remote: Remote, sha: str, hear: Hear) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield the pieces of a pack as soon as the first one is there; git need not wait for the server."""
        question = _question(sha)
        hear("")  # it is its turn
        async with self._exchanges.asked(remote, question, float("inf")) as (reply, chunks):
            if not exchange.is_answer(reply, question):
                raise ValueError("not an answer with a pack")
            pieces = _pieces(chunks, hear)
            first = await anext(pieces, b"")
            if not first:
                raise ValueError("an answer without a pack")
            yield _chained(first, pieces)


def _question(sha: str) -> Question:
    """Ask for a commit and all that it needs, by protocol version 0, which every smart server speaks."""
    wanted = f"want {sha} side-band-64k ofs-delta agent={exchange.AGENT}\n"
    return Question(
        path="git-upload-pack",
        kind="application/x-git-upload-pack-request",
        answer="application/x-git-upload-pack-result",
        body=f"{len(wanted) + 4:04x}{wanted}00000009done\n".encode(),
    )


async def _pieces(chunks: AsyncIterator[bytes], hear: Hear) -> AsyncIterator[bytes]:
    """Yield the pieces of the pack, and tell of everything that arrives.

    Raises:
        ValueError: there is no pack, or its end is missing.
    """
    sideband = Sideband()
    async for chunk in chunks:
        hear("")
        said = tuple(sideband.take(chunk))
        _tell(said, hear)
        if pack := b"".join(each.pack for each in said):
            yield pack
    if not sideband.is_whole:
        raise ValueError("the end of the pack is missing")


def _tell(said: tuple[Said, ...], hear: Hear) -> None:
    for line in _LINES.split("".join(each.progress for each in said)):
        if line:
            hear(f"remote: {line.strip()}")


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def _send(pack: AsyncIterator[bytes], child: Talk) -> None:
    async for piece in pack:
        await child.send(piece)
