"""What stories of ownership share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.harness import repositories
from e2e.harness.cluster import Cluster


@pytest.fixture
def elsewhere(cluster: Cluster, namespace: str) -> Iterator[str]:
    """Another namespace."""
    with repositories.namespaced(cluster, f"{namespace}-elsewhere") as name:
        yield name
