"""The harness starts, reads, stops and kills an operator process, and notices what it leaves behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.harness import operator as operators
from e2e.harness import processes
from e2e.harness.operator import Operator
from e2e.harness.processes import ProcessError
from e2e.harness.waiting import TimedOutError

STAND_IN = """
import json, os, signal, subprocess, sys, time

def say(**line):
    print(json.dumps(line), flush=True)

def end(*_):
    say(event="bye")
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
say(event="started", arguments=sys.argv[1:], variables=sorted(os.environ))
print("not json", flush=True)
if "child" in sys.argv:
    subprocess.Popen(["sleep", "600"], cwd=os.path.dirname(sys.argv[4]), start_new_session=True)
if "fails" in sys.argv:
    sys.exit("no cluster")
say(event="ready")
while True:
    time.sleep(0.02)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package called towline that knows how to log, wait and end."""
    folder = tmp_path / "package"
    (folder / "towline").mkdir(parents=True)
    (folder / "towline" / "__init__.py").touch()
    (folder / "towline" / "__main__.py").write_text(STAND_IN)
    return folder


@pytest.fixture
def operator(package: Path, tmp_path: Path) -> Iterator[Operator]:
    operator = _make(tmp_path, package)
    operator.start()
    operator.wait_for_log("ready")
    yield operator
    operator.kill()


def _make(tmp_path: Path, package: Path, *flags: str) -> Operator:
    kubeconfig = tmp_path / "kubeconfig"
    return operators.make(tmp_path / "one", kubeconfig, *flags, environment={"PYTHONPATH": str(package)})


def test_it_gets_its_folder_and_few_variables(operator: Operator, tmp_path: Path) -> None:
    line = operator.wait_for_log("started")
    assert line["arguments"] == ["operator", "--allow-http", "--data-dir", str(operator.data_folder)]
    assert "KUBECONFIG" in line["variables"]
    assert set(os.environ) & set(line["variables"]) <= {"PATH", "HOME", "TMPDIR", "KUBECONFIG", "LC_CTYPE"}


def test_lines_that_are_no_json_are_kept_as_they_are(operator: Operator) -> None:
    assert {"event": "not json", "level": "raw"} in operator.log()


def test_a_stop_returns_the_exit_code_after_the_last_word(operator: Operator) -> None:
    mark = operator.mark()
    assert operator.stop() == 0
    assert operator.log(mark) == ({"event": "bye"},)


def test_a_restart_keeps_the_folder_and_the_log(operator: Operator) -> None:
    mark = operator.mark()
    operator.restart()
    operator.wait_for_log("ready", mark=mark)
    assert [line["event"] for line in operator.log()].count("started") == 2


def test_waiting_for_a_line_that_never_comes_shows_the_log(operator: Operator) -> None:
    with pytest.raises(TimedOutError, match=r"the log line 'applied'; the log ends:\n[^$]*ready"):
        operator.wait_for_log("applied", deadline=0.1)


def test_an_operator_that_ended_by_itself_is_told_at_once(package: Path, tmp_path: Path) -> None:
    operator = _make(tmp_path, package, "fails")
    operator.start()
    with pytest.raises(ProcessError, match=r"operator ended with 1[^$]*no cluster"):
        operator.wait_for_log("ready")


def test_a_child_that_outlives_the_operator_is_noticed(package: Path, tmp_path: Path) -> None:
    operator = _make(tmp_path, package, "child")
    operator.start()
    operator.wait_for_log("ready")
    operator.kill()
    with pytest.raises(TimedOutError, match="sleep 600") as noticed:
        operator.leaves_nothing(deadline=0.2)
    (left,) = processes.leftovers(operator.folder)
    os.kill(left.pid, 9)
    operator.leaves_nothing()
    assert "operator's children" in str(noticed.value)
