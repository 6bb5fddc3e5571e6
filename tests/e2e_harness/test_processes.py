"""Programs beside the tests end when they are told to, with all their children."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from e2e.harness import processes
from e2e.harness.processes import ProcessError, Program
from e2e.harness.waiting import TimedOutError, eventually, steadily

DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def shell(folder: Path) -> Iterator[Program]:
    """A shell with a child; both stand in `folder`."""
    program = _program(folder, "sleep 600 & echo started; wait")
    program.start()
    eventually(lambda: len(processes.leftovers(folder)) == 2, message="the shell and its child")
    yield program
    program.kill()


def _program(folder: Path, script: str) -> Program:
    return Program(
        name="shell",
        argv=["sh", "-c", script],
        log=folder / "log",
        environment={"PATH": os.environ["PATH"]},
        folder=folder,
    )


def test_stopping_a_program_ends_its_children_too(shell: Program, folder: Path) -> None:
    shell.stop()
    assert not shell.running()
    assert shell.exit_code() == -signal.SIGTERM
    eventually(lambda: not processes.leftovers(folder), message="the end of the child")


def test_killing_a_program_twice_is_harmless(shell: Program, folder: Path) -> None:
    shell.kill()
    shell.kill()
    assert shell.exit_code() == -signal.SIGKILL


def test_a_program_that_ended_by_itself_is_named_with_its_last_words(folder: Path) -> None:
    program = _program(folder, "echo no such port >&2; exit 3")
    program.start()
    assert program.wait() == 3
    with pytest.raises(ProcessError, match=r"shell ended with 3.*\nno such port"):
        program.check()


def test_a_program_that_ignores_sigterm_is_reported_by_wait(folder: Path) -> None:
    program = _program(folder, "trap '' TERM; echo deaf; while true; do sleep 0.1; done")
    program.start()
    eventually(lambda: "deaf" in program.tail(), message="the trap")
    program.send(signal.SIGTERM)
    with pytest.raises(ProcessError, match="still runs"):
        program.wait(0.2)
    program.kill()


def test_a_program_starts_again_on_the_same_log(shell: Program) -> None:
    shell.kill()
    shell.start()
    eventually(lambda: shell.tail() == "started\nstarted", message="the second start")


def test_a_thread_may_not_start_programs_because_they_die_with_it(folder: Path) -> None:
    said: list[str] = []

    def start() -> None:
        try:
            _program(folder, "true").start()
        except ProcessError as error:
            said.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert said == ["shell: only the main thread may start programs, they die with the thread"]


class _RungError(Exception):
    """Raised by a signal wherever the interpreter stands."""


def _ring(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _RungError


@pytest.fixture
def bell() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _ring)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("bell")
def test_a_program_can_be_stopped_wherever_a_signal_interrupted_looking_at_it(folder: Path) -> None:
    before = len(list(DESCRIPTORS.iterdir()))
    for microseconds in range(300, 700):  # so many, that some would fall into the lock of Popen.poll
        program = _program(folder, "exec sleep 600")
        program.start()
        with pytest.raises(_RungError):
            _watch_until_rung(program, microseconds / 1e6)
        signal.setitimer(signal.ITIMER_REAL, 5)
        program.kill()
        signal.setitimer(signal.ITIMER_REAL, 0)
    assert len(list(DESCRIPTORS.iterdir())) == before


def _watch_until_rung(program: Program, seconds: float) -> NoReturn:
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    while True:
        program.running()


def test_waiting_returns_the_first_true_answer() -> None:
    answers = iter([0, None, "", "ready"])
    assert eventually(lambda: next(answers), poll=0) == "ready"


def test_waiting_in_vain_says_for_what_and_what_was_seen() -> None:
    def look() -> bool:
        assert [] == ["web"], "no pods yet"
        return True

    with pytest.raises(TimedOutError, match=r"waited 0.05 s for pods; last seen: .*no pods yet"):
        eventually(look, deadline=0.05, message=lambda: "pods")


def test_what_must_hold_for_a_while_fails_as_soon_as_it_does_not() -> None:
    answers = iter([True, True, False, True])
    with pytest.raises(AssertionError, match="calm did not hold"):
        steadily(lambda: next(answers), seconds=60, poll=0, message="calm")
