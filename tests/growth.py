"""Count the work that something takes, so that a test can say how it grows: a clock would tell of the machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

Work: TypeAlias = Callable[[], object]


def calls(work: Work) -> int:
    """Count the functions that some work calls, those written in C among them."""
    found = 0

    def count(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal found
        found += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found
