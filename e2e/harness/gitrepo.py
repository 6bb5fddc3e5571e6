"""Bare Git repositories whose commits a test writes in one call, by `git fast-import`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias


class Who(NamedTuple):
    """An author or committer."""

    name: str
    email: str


class Entry(NamedTuple):
    """What is no plain file: `mode` 100755, 120000 (the content is the target), 160000 and 040000 (a sha)."""

    mode: str
    content: str | bytes


ALICE = Who("Alice Author", "alice@example.com")
BOB = Who("Bob Builder", "bob@example.com")
FORGE = Who("Forge", "noreply@forge.example")

Content: TypeAlias = str | bytes | Entry | None
"""What a path becomes; None removes it, and so does the name of a folder with all below it."""

MAIN = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """One bare repository; `url` is where the Git server offers it, `clock` gives the dates of commits."""

    path: Path
    url: str = ""
    clock: Callable[[], float] = field(default=time.time)

    def commit(
        self,
        files: Mapping[str, Content],
        *,
        message: str = "Change",
        author: Who = ALICE,
        committer: Who | None = None,
        branch: str = MAIN,
        merge_of: str = "",
    ) -> str:
        """Put a commit with these changes on top of `branch`, made where it is missing; returns the sha.

        `merge_of` names a branch or commit that becomes the second parent; the tree is that of `branch`
        with `files`.
        """
        return self._import(
            _commit(branch, message, author, committer or author, int(self.clock())),
            self._parent(branch),
            f"merge {self.sha(merge_of)}\n".encode() if merge_of else b"",
            *(_change(path, content) for path, content in files.items()),
        )

    def commits(self, changes: Iterable[Mapping[str, Content]], *, branch: str = MAIN) -> str:
        """Put one commit for each of these changes on top of `branch`, all in one go; returns the last sha."""
        when, parts = int(self.clock()), [b""]
        for number, files in enumerate(changes):
            parts.append(_commit(branch, f"Change {number}", ALICE, ALICE, when + number))
            parts += [self._parent(branch)] if number == 0 else []
            parts += (_change(path, content) for path, content in files.items())
        return self._import(*parts)

    def rewrite(
        self, files: Mapping[str, Content], *, message: str = "Start again", branch: str = MAIN
    ) -> str:
        """Force `branch` to a new history of one commit that holds exactly `files`; returns the sha."""
        self.delete_branch(branch)
        return self.commit(files, message=message, branch=branch)

    def rename(self, old: str, new: str, *, message: str = "Rename", branch: str = MAIN) -> str:
        """Move a file or folder without a change of content; returns the sha."""
        commit = _commit(branch, message, ALICE, ALICE, int(self.clock()))
        return self._import(commit, self._parent(branch), f"R {_quoted(old)} {_quoted(new)}\n".encode())

    def clear(self, *, message: str = "Remove everything", branch: str = MAIN) -> str:
        """Commit an empty tree; returns the sha."""
        commit = _commit(branch, message, ALICE, ALICE, int(self.clock()))
        return self._import(commit, self._parent(branch), b"deleteall\n")

    def merge_pull_request(
        self, number: int, head: str, *, title: str = "", merged_by: Who = BOB, branch: str = MAIN
    ) -> str:
        """Merge the branch `head` the way a forge does: two parents, its subject, the forge as committer.

        The tree is that of `head`: the pull request is up to date with `branch`. Returns the sha.
        """
        message = f"Merge pull request #{number} from example/{head}\n\n{title or head}"
        merged = self.sha(head)
        return self._import(
            _commit(branch, message, merged_by, FORGE, int(self.clock())),
            self._parent(branch),
            f"merge {merged}\n".encode(),
            b"deleteall\n",
            f'M 040000 {self.git("rev-parse", f"{merged}^{{tree}}")} ""\n'.encode(),
        )

    def branch(self, name: str, *, at: str = MAIN) -> str:
        """Make a branch, or move it, to a commit, branch or tag; returns the sha."""
        sha = self.sha(at)
        self.git("update-ref", f"refs/heads/{name}", sha)
        return sha

    def delete_branch(self, name: str) -> None:
        """Remove a branch."""
        self.git("update-ref", "-d", f"refs/heads/{name}")

    def tag(self, name: str, *, at: str = MAIN, message: str = "") -> str:
        """Make a tag, or move it: annotated where there is a message; returns the sha of the commit."""
        sha = self.sha(at)
        annotation = ["-a", "-m", message] if message else []
        self.git("tag", "-f", *annotation, name, sha)
        return sha

    def sha(self, name: str = MAIN) -> str:
        """Return the commit that a branch, tag or abbreviated sha names."""
        return self.git("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")

    def git(self, *arguments: str, stdin: str = "") -> str:
        """Run git in the repository and return what it prints, without the last line end."""
        return _git(self.path, *arguments, stdin=stdin)

    def _parent(self, branch: str) -> bytes:
        known = self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return f"from {known}\n".encode() if known else b""

    def _import(self, *parts: bytes) -> str:
        answer = subprocess.run(
            ["git", "fast-import", "--quiet", "--force", "--date-format=raw"],
            input=b"".join((*parts, b"\nget-mark :1\n", b"done\n")),
            cwd=self.path,
            env=_environment(),
            capture_output=True,
            check=False,
        )
        if answer.returncode:
            raise ValueError(answer.stderr.decode(errors="replace"))
        return answer.stdout.decode().strip()


def create(path: Path, *, url: str = "", clock: Callable[[], float] = time.time) -> Repo:
    """Make an empty bare repository whose HEAD is `main`; it accepts pushes over http."""
    path.mkdir(parents=True)
    _git(path, "init", "--quiet", "--bare", f"--initial-branch={MAIN}", ".")
    _git(path, "config", "http.receivepack", "true")
    _git(path, "config", "uploadpack.allowAnySHA1InWant", "true")
    return Repo(path=path, url=url, clock=clock)


def _commit(branch: str, message: str, author: Who, committer: Who, when: int) -> bytes:
    text = message.encode()
    head = (
        f"commit refs/heads/{branch}\nmark :1\n"
        f"author {author.name} <{author.email}> {when} +0000\n"
        f"committer {committer.name} <{committer.email}> {when} +0000\n"
        f"data {len(text)}\n"
    )
    return head.encode() + text + b"\n"


def _change(path: str, content: Content) -> bytes:
    if content is None:
        return f"D {_quoted(path)}\n".encode()
    entry = content if isinstance(content, Entry) else Entry("100644", content)
    raw = entry.content.encode() if isinstance(entry.content, str) else entry.content
    if entry.mode in {"160000", "040000"}:
        return f"M {entry.mode} ".encode() + raw + f" {_quoted(path)}\n".encode()
    return f"M {entry.mode} inline {_quoted(path)}\ndata {len(raw)}\n".encode() + raw + b"\n"


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _git(folder: Path, *arguments: str, stdin: str = "") -> str:
    answer = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=_environment(),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise ValueError(f"git {' '.join(arguments)}: {answer.stderr}")
    return answer.stdout.rstrip("\n")


def _environment() -> dict[str, str]:
    """Nothing of the user's own Git settings."""
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", FORGE.name), ("EMAIL", FORGE.email))
    }
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **who,
    }
