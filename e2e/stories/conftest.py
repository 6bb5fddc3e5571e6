"""What stories about single writes share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from towline.cluster import credentials
from towline.cluster.credentials import Access

from e2e.harness import desk as desks
from e2e.harness.controlplane import ControlPlane
from e2e.harness.desk import Desk


@pytest.fixture
async def access(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Access:
    """Where the API server is, and the administrator's credentials."""
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig()))
    return await asyncio.to_thread(credentials.load)


@pytest.fixture
async def desk(access: Access, namespace: str) -> AsyncIterator[Desk]:
    """A repository of one's own in a namespace of one's own."""
    async with desks.opened(access, namespace) as opened:
        yield opened
