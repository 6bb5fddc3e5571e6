"""Waiting for a condition with a deadline: the one place of tests and demo that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL = 0.05
"""Seconds between two looks."""


class TimedOutError(AssertionError):
    """A condition did not come true in time; the message says what was seen last."""


def eventually(
    look: Callable[[], T | None],
    *,
    deadline: float = 10.0,
    message: str | Callable[[], str] = "the condition",
    poll: float = POLL,
) -> T:
    """Call `look` until its answer is true, and return that answer.

    `deadline` and `poll` are seconds. An `AssertionError` of `look` counts as "not yet", and its text
    becomes part of the error. `message` says what was waited for; a callable is asked only when the
    deadline has passed. Raises `TimedOutError`.
    """
    end = time.monotonic() + deadline
    while True:
        seen: object
        try:
            answer = look()
        except AssertionError as error:
            seen = error
        else:
            if answer:
                return answer
            seen = answer
        if time.monotonic() >= end:
            said = message if isinstance(message, str) else message()
            raise TimedOutError(f"waited {deadline:g} s for {said}; last seen: {seen!r}")
        time.sleep(poll)


def steadily(look: Callable[[], object], *, seconds: float, message: str, poll: float = POLL) -> None:
    """Fail as soon as `look` is false within `seconds`: for what must not happen for a while."""
    end = time.monotonic() + seconds
    while True:
        if not look():
            raise AssertionError(f"{message} did not hold for {seconds:g} s")
        if time.monotonic() >= end:
            return
        time.sleep(poll)
