"""Which git commands are run, for tests that count processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from subprocess import Popen
from typing import Any

import pytest
from towline.source.transport import Transport


@contextmanager
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note the commands of git that are started during the block, by any mirror."""
    told: list[str] = []
    run: Callable[..., Popen[bytes]] = Transport._started

    def noted(self: Transport, call: Any, *rest: Any) -> Popen[bytes]:
        told.append(call.arguments[0])
        return run(self, call, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(Transport, "_started", noted)
        yield told
