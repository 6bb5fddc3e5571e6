"""What passes do with mirrors, for tests."""

from __future__ import annotations

import asyncio

from towline.api.gitrepository import Ref, RefKind
from towline.source import refs
from towline.source.access import Remote
from towline.source.mirror import Mirrors

from e2e.harness.gitrepo import Repo

MAIN = "refs/heads/main"
SECONDS = 20.0


async def fetched(mirrors: Mirrors, repo: Repo, ref: Ref | None = None) -> tuple[Remote, str]:
    """Do what a pass does: look, resolve, fetch."""
    remote = Remote(url=repo.url)
    name, sha = refs.resolve(ref or Ref(kind=RefKind.HEAD), await mirrors.look(remote, SECONDS))
    await mirrors.fetch(remote, name, sha, SECONDS)
    return remote, sha


async def stored(repo: Repo, kind: str, content: bytes) -> str:
    """Store a tree by what git would refuse to make, and let `main` be a commit of it."""
    arguments = (
        ("mktree", "-z")
        if kind == "mktree"
        else ("hash-object", "--literally", "-w", "-t", "tree", "--stdin")
    )
    process = await asyncio.create_subprocess_exec(
        "git", "-C", str(repo.path), *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    made = (await process.communicate(content))[0].decode().strip()
    sha = repo.git("commit-tree", made, "-m", "Odd")
    repo.git("update-ref", MAIN, sha)
    return sha
