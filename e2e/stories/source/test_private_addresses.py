"""An operator that serves strangers does not ask its own network on their behalf."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"])
def test_a_url_into_the_own_network_is_refused_and_nothing_is_asked_there(
    host: str,
    private_operator: Callable[..., Operator],
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    repo.commit(manifests.config_maps(["settings"]))
    private_operator("--deny-private-addresses").start()
    repository = git_repository(url=repo.url.replace("127.0.0.1", host))
    repository.until_reason("InvalidURL")
    assert repository.condition("Stalled")["status"] == "True"
    assert git_server.requests(repo.path.stem) == ()
