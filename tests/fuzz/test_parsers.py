"""Whatever a Git server, an author or a forger writes, each parser ends within bounds, or with its own error.

`make fuzz` goes on for a minute and prints its seed; FUZZ_SECONDS and FUZZ_SEED choose others.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from tests.fuzz import mutations
from tests.fuzz.targets import TARGETS, Target

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
SEED = int(os.environ.get("FUZZ_SEED") or (time.time_ns() % 10**6 if SECONDS else 1))
ROUNDS = 150

LONGEST = 10.0
"""Seconds of processor time for one input of at most 20 KB: far more than any takes, on a slow machine, too."""


class EndlessError(BaseException):
    """A parser does not end; no `except Exception` of a parser catches it."""


@contextmanager
def cut_off(seconds: float) -> Iterator[None]:
    """Raise EndlessError inside, each second anew, once the process has computed for so long.

    It counts processor time, so that a loaded machine changes nothing. Only for the main thread.
    """

    def end(_signal: int, _frame: object) -> None:
        raise EndlessError

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def check(target: Target, text: bytes, longest: float = LONGEST) -> None:
    """Give one input to one parser; what fails is told with the seed and the input."""
    told = f"FUZZ_SEED={SEED} {target.name}: {text[:2000]!r}"
    try:
        with cut_off(longest):
            size = len(repr(target.read(text)))
    except target.errors:
        return
    except EndlessError as error:
        raise AssertionError(f"after {longest} s no end of {told}") from error
    except Exception as error:
        raise AssertionError(told) from error
    assert size <= 500 * len(text) + 200_000, told


def inputs(target: Target) -> Iterator[bytes]:
    """Yield a number of inputs, or as many as there is time for."""
    chance = random.Random(f"{SEED} {target.name}")  # noqa: S311  to be repeated, not to be secret
    until = time.monotonic() + SECONDS / len(TARGETS)
    for number in count():
        if time.monotonic() > until if SECONDS else number == ROUNDS:
            return
        yield mutations.mutated(target.seeds, chance)


@pytest.fixture(scope="module", autouse=True)
def _seed(pytestconfig: pytest.Config) -> None:
    """Print the seed, with which a run can be repeated."""
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    if reporter and SECONDS:
        reporter.write_line(f"FUZZ_SEED={SEED}")


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_parser_ends_within_bounds_or_with_its_own_error(target: Target) -> None:
    for text in inputs(target):
        check(target, text)


def endless(text: bytes) -> object:
    while text:
        with suppress(Exception):
            text += b""
    return text


def test_a_parser_without_end_is_cut_off_and_told_with_seed_and_input() -> None:
    with pytest.raises(AssertionError, match=rf"no end of FUZZ_SEED={SEED} endless: b'some input'"):
        check(Target("endless", endless, ()), b"some input", longest=0.2)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_valid_input_is_read(target: Target) -> None:
    accepted = 0
    for text in target.seeds:
        try:
            target.read(text)
        except target.errors:
            continue
        accepted += 1
    assert accepted
