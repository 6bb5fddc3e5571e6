"""Run the user's own git to read one repository: no hooks, no filters, no network, with a deadline."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from towline import aio
from towline.errors import Reason, SourceError
from towline.source.process import ProcessResult, TooMuchOutputError
from towline.source.transport import GitCommand

SECONDS = 60.0
"""How long one command that reads may take."""

_CHUNK = 256 * 1024
_COMPLAINT_BYTES = 64 * 1024

READING = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("log.showSignature", "false"),
    ("log.mailmap", "false"),
    ("blame.ignoreRevsFile", ""),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)
"""What a repository's own configuration must not say while it is read: what runs a program, and what changes output."""

_QUIET = (
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_PAGER", "cat"),
    ("LC_ALL", "C"),
    ("LANGUAGE", "C"),
)
_READS_ONLY = (
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_GRAFT_FILE", os.devnull),
)
"""A clone may say that a commit has other parents or another content than it has: the operator applied what it has."""

_ELSEWHERE = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_EXTERNAL_DIFF",
        "GIT_GRAFT_FILE",
        "GIT_SHALLOW_FILE",
        "GIT_REPLACE_REF_BASE",
        "GIT_ATTR_SOURCE",
    }
    | {f"GIT_{kind}_PATHSPECS" for kind in ("LITERAL", "GLOB", "NOGLOB", "ICASE")}
)
"""Variables that name a repository, or change what a commit or a path means."""

_TRACED = ("GIT_TRACE", "GIT_CURL_VERBOSE")


class LocalGit:
    """Runs git commands that read a repository on this machine; it is what `source.reader.Reader` reads through.

    Args:
        environment: that of the user; what it says of other repositories (`GIT_DIR` and the like) is left out.
        seconds: how long each command may take.
    """

    def __init__(self, environment: Mapping[str, str], seconds: float = SECONDS) -> None:
        self._environment = quiet(environment) | dict(_READS_ONLY)
        self._seconds = seconds

    async def run(self, call: GitCommand) -> ProcessResult:
        """Run one command on its repository, a Git folder by its path.

        It runs in that folder: in one of a work tree, paths would begin there where the configuration names the work
        tree, as that of a submodule does.

        Raises:
            SourceError: git is not installed, or it took too long.
            TooMuchOutputError: it wrote more than `call.limit`.
        """
        folder = _absolute(call.repository)
        environment = self._environment | {"GIT_DIR": str(folder)}
        return await run(
            ("-C", os.fsencode(folder), *settings(READING), *call.arguments),
            environment=environment,
            seconds=self._seconds,
            stdin=call.stdin,
            limit=call.limit,
        )

    async def here(self, folder: Path, *arguments: str) -> ProcessResult:
        """Run a command in a folder, in whatever repository git finds there by the user's own rules.

        Raises:
            SourceError: git is not installed, or it took too long.
        """
        return await run(
            ("-C", os.fsencode(folder), *settings(READING), *arguments),
            environment=self._environment,
            seconds=self._seconds,
        )


def _absolute(folder: Path) -> Path:
    """Return a folder as it is named from anywhere."""
    return folder.absolute()


def quiet(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the user's environment for a git that asks nothing and speaks English.

    What names a repository is left out: a command that is run by a Git hook would read that one.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name not in _ELSEWHERE and not name.startswith(_TRACED)
    }
    return kept | dict(_QUIET)


def settings(pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return options that set configuration for one command."""
    return tuple(word for name, value in pairs for word in ("-c", f"{name}={value}"))


async def run(
    arguments: Sequence[str | bytes],
    *,
    environment: Mapping[str, str],
    seconds: float,
    stdin: bytes = b"",
    limit: int = 1024**2,
) -> ProcessResult:
    """Run git until it ends; whatever ends this call ends git and all its children.

    Raises:
        SourceError: git is not installed, or it took longer than `seconds`.
        TooMuchOutputError: it wrote more than `limit` bytes.
    """
    git = shutil.which("git", path=environment.get("PATH"))
    if git is None:
        raise SourceError(Reason.GIT_UNAVAILABLE, "git is not installed: install it, so that Git can be read")
    child = await asyncio.create_subprocess_exec(
        git,
        *map(_encoded, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,  # so that nothing asks at the terminal, and all of it can be ended
    )
    said = asyncio.create_task(_first(child.stderr))
    sent = asyncio.create_task(_sent(child.stdin, stdin))
    try:
        async with asyncio.timeout(seconds):
            out = await _whole(child.stdout, limit)
            complaint = await said
            code = await child.wait()
    except TimeoutError as error:
        command = next((word for word in arguments if word in _NAMED), "command")
        raise SourceError(Reason.GIT_TIMEOUT, f"git {command} did not end within {seconds:g} s") from error
    finally:
        await _ended(child)
        await aio.end(said, sent)
    return ProcessResult(code=code, out=out, complaint=complaint.decode("utf-8", "replace"))


def _encoded(word: str | bytes) -> bytes:
    """Return an argument as Git takes paths in commits, whatever the locale; those on disk are bytes already."""
    return word if isinstance(word, bytes) else word.encode("utf-8", "surrogateescape")


_NAMED = frozenset({"blame", "fetch", "log", "ls-tree", "cat-file", "rev-list", "diff-tree", "rev-parse"})


async def _whole(pipe: asyncio.StreamReader | None, limit: int) -> bytes:
    content = bytearray()
    while pipe and (chunk := await pipe.read(_CHUNK)):
        content += chunk
        if len(content) > limit:
            raise TooMuchOutputError
    return bytes(content)


async def _first(pipe: asyncio.StreamReader | None) -> bytes:
    content = bytearray()
    while pipe and (chunk := await pipe.read(_CHUNK)):
        content += chunk[: _COMPLAINT_BYTES - len(content)]
    return bytes(content)


async def _sent(pipe: asyncio.StreamWriter | None, content: bytes) -> None:
    if pipe is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(content)
        await pipe.drain()
        pipe.close()
        await pipe.wait_closed()


async def _ended(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
