"""Threads that parse take turns: few at a time, and who has waited longest comes first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count

import pytest
from towline.render.parse_turns import ParseTurns

DEADLINE = 30.0


def ticking() -> Callable[[], float]:
    """Return a clock by which every look is a long time later."""
    return map(float, count()).__next__


def run(*work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=each, daemon=True) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_who_waits_has_a_turn_before_a_long_work_ends() -> None:
    turns = ParseTurns(width=1, clock=ticking())
    begun, done = threading.Event(), threading.Event()

    def long() -> None:
        with turns.one() as give_way:
            begun.set()
            until = time.monotonic() + DEADLINE
            while not done.is_set() and time.monotonic() < until:
                give_way()
            assert done.is_set()

    def short() -> None:
        begun.wait(DEADLINE)
        with turns.one():
            done.set()

    run(long, short)


def test_no_more_than_the_width_work_at_the_same_time() -> None:
    turns = ParseTurns(width=2, clock=ticking())
    working: set[int] = set()
    most = 0

    def work() -> None:
        nonlocal most
        with turns.one() as give_way:
            for _ in range(200):
                working.add(threading.get_ident())
                most = max(most, len(working))
                working.discard(threading.get_ident())
                give_way()

    run(*(work for _ in range(6)))
    assert most <= 2


def test_a_work_that_fails_hands_its_turn_on() -> None:
    turns = ParseTurns(width=1, clock=ticking())
    ended: list[str] = []

    def fails() -> None:
        with pytest.raises(ZeroDivisionError), turns.one():
            ended.append(str(1 // 0))
        ended.append("failed")

    def follows() -> None:
        with turns.one():
            ended.append("followed")

    run(fails, follows, follows)
    assert sorted(ended) == ["failed", "followed", "followed"]
