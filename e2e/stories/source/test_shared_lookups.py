"""Repositories of one url share what its server says."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.repositories import Repository
from e2e.scenes import head_lookups, manifests

pytestmark = pytest.mark.usefixtures("operator")

MANY, INTERVAL, TIMES = 12, 3.0, 4


def test_many_repositories_of_one_url_ask_its_server_once_an_interval_and_all_see_a_commit(
    git_server: GitServer, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit({f"{each}/a.yaml": config_map(each) for each in range(MANY)})
    apps = [git_repository(f"app-{each}", path=str(each), interval=f"{INTERVAL:g}s") for each in range(MANY)]
    for app in apps:
        app.until_ready(sha, deadline=60)

    began = time.monotonic()
    head_lookups.wait(git_server, repo, TIMES)
    assert time.monotonic() - began > (TIMES - 1) * INTERVAL * 0.8

    sha = repo.commit({f"{each}/a.yaml": config_map(each, colour="red") for each in range(MANY)})
    for app in apps:
        app.until_ready(sha, deadline=60)


def config_map(number: int, **entries: str) -> str:
    """One ConfigMap as a file."""
    return manifests.text(manifests.config_map(f"a-{number}", **entries))
