"""What the tests of the Git door share: a real Git server, and mirrors in a folder of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from towline.source.mirror import Mirrors

from e2e.harness import gitserver
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with gitserver.serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def repo(server: GitServer, request: pytest.FixtureRequest) -> Repo:
    number = len(list(server.folder.iterdir()))
    return server.create(f"{number}-{request.node.name.partition('[')[0]}")


@pytest.fixture
async def mirrors(tmp_path: Path) -> AsyncIterator[Mirrors]:
    made = Mirrors(tmp_path / "data")
    yield made
    await made.aclose()
