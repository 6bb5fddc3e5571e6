"""What a smart HTTP server advertises, read without a git process: most looks at Git find nothing new.

Only the plain answer of a healthy server is read here (gitprotocol-http). After any other answer git itself asks: it
knows redirects, challenges and old servers, and its errors tell people what is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from towline.errors import Reason, SourceError
from towline.http.connection import BrokenError, TooMuchError
from towline.source import git_errors, process, refs
from towline.source.access import Remote
from towline.source.refs import Refs
from towline.source.smart import exchange
from towline.source.smart.exchange import Exchanges, Question
from towline.source.transport import Transport, Waiting

Parse: TypeAlias = Callable[[bytes], Refs]
"""Reads an advertisement; runs in a thread where that is long."""

PATIENCE = 10.0
"""Seconds for one answer; git waits longer, and says how slow the server is."""

_QUESTION = Question(
    path="info/refs?service=git-upload-pack", answer="application/x-git-upload-pack-advertisement"
)
_TOLD = frozenset({401, 403, 429})


class Advertisements:
    """Reads advertisements; each counts towards the limit of `git` for one host."""

    def __init__(self, git: Transport, exchanges: Exchanges) -> None:
        self._git = git
        self._exchanges = exchanges

    async def read(
        self,
        remote: Remote,
        limit: int,
        waiting: Waiting | None = None,
        parse: Parse = refs.advertised,
    ) -> Refs | None:
        """Return what `parse` makes of what a remote offers, None where git has to ask.

        `waiting` is called every second while others have the turn.

        Raises:
            SpecError: the remote's address is refused.
            SourceError: the host has no address, or its server refuses the credentials, asks for fewer requests, or
                sends more than `limit` bytes: git would keep all of them in memory.
        """
        if remote.scheme == "ssh":
            return None
        try:
            async with self._git.look(remote, waiting) as reached, asyncio.timeout(PATIENCE):
                answer = await self._answer(reached, limit)
                return await process.parsed(answer, parse)
        except TooMuchError as error:
            message = (
                f"{remote.url}: the server advertises more than {limit} bytes of refs: remove some of them"
            )
            raise SourceError(Reason.SOURCE_TOO_LARGE, message) from error
        except (OSError, UnicodeError, ValueError, BrokenError):  # TimeoutError and ssl.SSLError are OSErrors
            return None

    async def _answer(self, remote: Remote, limit: int) -> bytes:
        async with self._exchanges.asked(remote, _QUESTION, limit) as (reply, chunks):
            if reply.status in _TOLD or reply.status >= 500:
                raise git_errors.refused(remote, reply.status)
            if not exchange.is_answer(reply, _QUESTION):
                raise ValueError("not what a smart server advertises")
            return b"".join([chunk async for chunk in chunks])
