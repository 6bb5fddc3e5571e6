"""Waiting for the operator's looks at the head of a repository, by what its Git server was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.waiting import eventually

CAP = 40.0
"""Seconds: the longest pause between two tries where the interval is short, and the try itself."""


def wait(server: GitServer, repo: Repo, times: int) -> None:
    """Wait until that many more looks have begun: all but the last of them, and the passes behind them, are over."""
    wanted = _count(server, repo) + times
    eventually(
        lambda: _count(server, repo) >= wanted, deadline=CAP, message=f"{times} more looks at the head"
    )


@contextmanager
def one_more(server: GitServer, repo: Repo) -> Iterator[None]:
    """Wait after the block until a look has begun that the block asked for, which may be over before the block is."""
    before = _count(server, repo)
    yield
    eventually(lambda: _count(server, repo) > before, deadline=CAP, message="the look at the head")


def fetches(server: GitServer, repo: Repo) -> int:
    """Return how many fetches have arrived: each asks twice, for refs and for objects; a look only reads."""
    return sum(request.path == "/git-upload-pack" for request in server.requests(repo.path.stem)) // 2


def _count(server: GitServer, repo: Repo) -> int:
    return sum(request.path == "/info/refs" for request in server.requests(repo.path.stem))
