"""The Git server and the mirrors of the tests of the Git door."""

from __future__ import annotations

from tests.source.conftest import mirrors, repo, server

__all__ = ["mirrors", "repo", "server"]
