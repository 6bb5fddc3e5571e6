"""Make a branch with reverts, and push it with the user's own git; the user's clone stays as it is."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from towline.errors import Reason, SourceError
from towline.read.git import local_git
from towline.read.rollback import revert_steps
from towline.read.rollback.revert_steps import RevertStep
from towline.source.process import ProcessResult

_SECONDS = 300.0
_BYTES = 16 * 1024**2


class RevertBranch:
    """A branch that begins at the head of the followed one, in a folder of its own.

    Args:
        objects: the Git folder that has the commits; it is only read.
        url: where it is pushed.
        name: of the branch.
        environment: that of the user.
    """

    def __init__(self, *, objects: Path, url: str, name: str, environment: Mapping[str, str]) -> None:
        self._objects = objects
        self._url = url
        self._name = name
        self._environment = local_git.quiet(environment) | {"GIT_LFS_SKIP_SMUDGE": "1"}

    async def pushed(self, head: str, steps: Sequence[RevertStep]) -> str:
        """Revert, push, and return the commit that was pushed. Nothing is overwritten: the branch must be a new one.

        Raises:
            SourceError: the name is none of a branch, a revert meets a conflict, or the server refuses the push.
        """
        if (await self._git(Path.cwd(), "check-ref-format", "--branch", self._name)).code != 0:
            raise SourceError(Reason.INVALID_REF, f"{self._name!r} cannot be the name of a branch")
        with tempfile.TemporaryDirectory(prefix="towline-rollback-") as made:
            folder = Path(made)
            form = "sha256" if len(head) == 64 else "sha1"
            await self._done(folder, "init", "--quiet", f"--object-format={form}")
            borrowed = folder / ".git" / "objects" / "info" / "alternates"
            await asyncio.to_thread(borrowed.write_text, f"{self._objects.resolve() / 'objects'}\n")
            await self._done(folder, "checkout", "--quiet", "-b", self._name, head)
            for _, *command in revert_steps.reverts(steps):
                await self._reverted(folder, command)
            new = f"--force-with-lease=refs/heads/{self._name}:"
            await self._done(folder, "push", "--quiet", new, "--", self._url, f"HEAD:refs/heads/{self._name}")
            return (await self._done(folder, "rev-parse", "HEAD")).out.decode().strip()

    async def _reverted(self, folder: Path, command: Sequence[str]) -> None:
        answer = await self._git(folder, *command)
        if answer.code == 0:
            return
        unmerged = await self._git(folder, "diff", "--name-only", "--diff-filter=U")
        files = ", ".join(unmerged.out.decode(errors="replace").split("\n")[:5]).strip(", ")
        if files:
            raise SourceError(
                Reason.BUILD_FAILED,
                f"the revert meets later changes in {files}: nothing was pushed. Run the commands by hand, and resolve"
                " them",
            )
        raise _failed("revert", answer)

    async def _done(self, folder: Path, *arguments: str) -> ProcessResult:
        answer = await self._git(folder, *arguments)
        if answer.code != 0:
            raise _failed(arguments[0], answer)
        return answer

    async def _git(self, folder: Path, *arguments: str) -> ProcessResult:
        words = ("-C", str(folder), *local_git.settings((("core.hooksPath", "/dev/null"),)), *arguments)
        return await local_git.run(words, environment=self._environment, seconds=_SECONDS, limit=_BYTES)


def _failed(command: str, answer: ProcessResult) -> SourceError:
    said = answer.complaint.strip() or f"it ended with {answer.code}"
    return SourceError(Reason.GIT_UNAVAILABLE, f"git {command} failed, and nothing was pushed: {said}")
