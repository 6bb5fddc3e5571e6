"""Make a branch with reverts, and push it with the user's own git; the user's clone stays as it is."""

from __future__ import annotations

import asyncio
import re
import shutil
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
_REFUSED = re.compile(r"^ ! \[(?P<by>(?:remote )?rejected)\] .*\((?P<why>[^()]*)\)\s*$", re.MULTILINE)
_SHOWN = 1000
_AS_THEY_ARE = "-text -ident -filter -working-tree-encoding"
"""Attributes of a repository convert files in a work tree; what differs from its commit then stops a revert."""
_SAID = re.compile(r"^remote: *(\S.*?)\s*$", re.MULTILINE)


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
            await asyncio.to_thread(self._borrow, folder / ".git")
            await self._done(folder, "checkout", "--quiet", "-b", self._name, head)
            for _, *command in revert_steps.reverts(steps):
                await self._reverted(folder, command)
            new = f"--force-with-lease=refs/heads/{self._name}:"
            target = f"HEAD:refs/heads/{self._name}"
            answer = await self._git(folder, "push", "--quiet", new, "--", self._url, target)
            if answer.code != 0:
                raise self._unpushed(answer)
            return (await self._done(folder, "rev-parse", "HEAD")).out.decode().strip()

    def _borrow(self, git: Path) -> None:
        """Let a new Git folder read the commits where they are, and write files as they are in them.

        A shallow history ends for both at the same commits.
        """
        (git / "info").mkdir(exist_ok=True)  # which a template of the user may lack
        (git / "info" / "attributes").write_text(f"* {_AS_THEY_ARE}\n")
        (git / "objects" / "info" / "alternates").write_text(f"{self._objects.resolve() / 'objects'}\n")
        if (self._objects / "shallow").is_file():
            shutil.copyfile(self._objects / "shallow", git / "shallow")

    def _unpushed(self, answer: ProcessResult) -> SourceError:
        """Say why the server has no such branch now, and what to do."""
        refused = _REFUSED.search(answer.complaint)
        if refused is None:
            return _failed("push", answer)
        if refused["by"] == "rejected":
            return SourceError(
                Reason.INVALID_REF,
                f"git push failed, and nothing was pushed: the server has a branch {self._name} already. Name a new one"
                " with --push-branch",
            )
        said = "; ".join((*_SAID.findall(answer.complaint), refused["why"]))[:_SHOWN]
        return SourceError(
            Reason.ACCESS_DENIED,
            f"git push failed, and nothing was pushed: the server refused branch {self._name}: {said}. Name a branch"
            " that you may push with --push-branch, or run the commands by hand",
        )

    async def _reverted(self, folder: Path, command: Sequence[str]) -> None:
        answer = await self._git(folder, *command)
        if answer.code == 0:
            return
        unmerged = await self._git(folder, "diff", "--name-only", "--diff-filter=U")
        files = ", ".join(unmerged.out.decode(errors="replace").split("\n")[:5]).strip(", ")
        if files:
            stopped = await self._git(folder, "rev-parse", "--verify", "--quiet", "--short=7", "REVERT_HEAD")
            sha = stopped.out.decode().strip()
            raise SourceError(
                Reason.BUILD_FAILED,
                f"the revert of {sha} meets later changes in {files}: nothing was pushed. Run the commands by hand, and"
                " resolve them",
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
    said = " ".join(answer.complaint.split())[-_SHOWN:] or f"it ended with {answer.code}"
    return SourceError(Reason.GIT_UNAVAILABLE, f"git {command} failed, and nothing was pushed: {said}")
