"""Children are limited from their first instruction on, and get no variable of the operator."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence

import pytest
from towline.shares import children
from towline.shares.children import Limiter, Limits, NoShellError

MIB = 1024**2


def ran(limits: Limits, *command: str, environment: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    limited = Limiter().limited(limits, environment, command)
    return subprocess.run(limited, capture_output=True, text=True, check=False)


def test_a_child_may_use_what_it_is_allowed() -> None:
    limits = Limits(memory=64 * MIB, seconds=7, file_bytes=MIB, descriptors=20)
    told = ran(
        limits, "/bin/sh", "-c", "ulimit -d; ulimit -S -t; ulimit -H -t; ulimit -f; ulimit -n; ulimit -c"
    )
    assert told.stdout.split() == [str(64 * 1024), "7", "12", "2048", "20", "0"]


def test_what_is_not_limited_is_as_the_operator_has_it() -> None:
    ask = "ulimit -f; ulimit -n"
    own = subprocess.run(["/bin/sh", "-c", ask], capture_output=True, text=True, check=True)
    assert ran(Limits(memory=64 * MIB, seconds=7), "/bin/sh", "-c", ask).stdout == own.stdout


def test_a_child_that_computes_for_too_long_is_ended_by_a_signal_of_its_own() -> None:
    assert ran(Limits(memory=64 * MIB, seconds=1), "/bin/sh", "-c", "while :; do :; done").returncode == (
        -signal.SIGXCPU
    )


def test_a_child_has_the_variables_that_it_is_given_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "of-the-operator")
    limits = Limits(memory=64 * MIB, seconds=7)
    assert ran(limits, "/usr/bin/env", environment=["A=b c", "D="]).stdout == "A=b c\nD=\n"


def test_a_command_and_its_arguments_are_never_read_by_the_shell() -> None:
    odd = "$(exit 1) 'a' \"b\" ; `c` *"
    assert ran(Limits(memory=64 * MIB, seconds=7), "/bin/echo", odd).stdout == f"{odd}\n"


def test_without_a_shell_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoShellError):
        Limiter().limited(Limits(memory=MIB, seconds=1), (), ("/bin/true",))


@pytest.mark.parametrize(
    ("complaint", "starved"),
    [
        ("fatal: Out of memory, malloc failed", True),
        ("runtime: cannot allocate memory", True),
        ("fatal: not a git repository", False),
    ],
)
def test_who_needed_more_memory_is_known_by_its_words(complaint: str, *, starved: bool) -> None:
    assert children.is_starved(complaint) == starved
