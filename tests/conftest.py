"""How properties are searched: no deadline for one example, because the machine is shared; and where a test is run."""

from __future__ import annotations

import time
from collections.abc import Iterator

import hypothesis
import pytest

hypothesis.settings.register_profile("towline", deadline=None, print_blob=True)
hypothesis.settings.load_profile("towline")


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is set back in the night to the last Sunday of October."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()
