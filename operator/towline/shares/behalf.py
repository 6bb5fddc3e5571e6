"""Know on whose behalf code runs, so that whatever is shared out can be counted without being told at each call.

A context variable, as with log lines: it is set once around a pass, its tasks and threads inherit it, and a call that
nobody thought of is counted all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from towline.model import Key

OPERATOR = Key("", "")
"""Stands for the operator itself: what runs on behalf of no repository."""

_key: ContextVar[Key] = ContextVar("key", default=OPERATOR)


def key() -> Key:
    """Return the repository on whose behalf the caller runs."""
    return _key.get()


@contextmanager
def of(repository: Key) -> Iterator[None]:
    """Count what runs in this block, and what it starts, as work of a repository."""
    token = _key.set(repository)
    try:
        yield
    finally:
        _key.reset(token)
