"""The small sums behind the benchmark's table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from e2e.bench import counting, machine, procfs, rows, table
from e2e.bench.machine import Machine
from e2e.bench.rows import Row, Section, Unit
from e2e.harness import identity
from e2e.harness.audit import AuditEvent

MACHINE = Machine(
    cpu="A processor",
    cores=2,
    mebibytes=2048,
    kernel="6.1",
    python="3.11",
    kubernetes="1.37.2",
    etcd="3.7.0",
    git="2.39.5",
    load=0.25,
    day="2026-01-01",
)


def test_a_median_stands_beside_its_lowest_and_highest_sample() -> None:
    row = rows.median("until then", [3.0, 1.0, 2.0], Unit.SECONDS, at_most=2.0)
    assert (row.figure, row.spread, row.goal, row.verdict) == (
        "2.00 s",
        "1.00 to 3.00",
        "at most 2.00 s",
        "met",
    )


def test_what_must_never_be_more_is_judged_by_its_highest_sample() -> None:
    assert rows.highest("memory", [100.0, 130.0], Unit.MEBIBYTES, at_most=120).verdict == "missed"


def test_a_figure_without_a_goal_has_no_verdict_and_one_sample_has_no_spread() -> None:
    assert (Row(what="requests", value=1003).figure, Row(what="requests", value=1).verdict) == ("1,003", "")
    assert rows.median("once", [1.0]).spread == ""


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_a_sample_that_is_not_less_than_its_share(share: float, expected: float) -> None:
    assert rows.percentile(range(100, 0, -1), share) == expected


def test_a_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no samples"):
        rows.percentile([], 0.5)


def test_a_line_of_the_kernel_is_read_whatever_the_process_is_called() -> None:
    rest = " ".join(map(str, range(4, 50)))
    found = procfs.parse_stat(f"17 (a (strange) name) S 4 {rest}")
    assert (found.pid, found.parent) == (17, 4)


def test_children_that_live_and_children_that_have_ended_both_count() -> None:
    stats = [
        procfs.Stat(pid=1, parent=0, own=10, reaped=5),
        procfs.Stat(pid=2, parent=1, own=20, reaped=0),
        procfs.Stat(pid=3, parent=2, own=40, reaped=1),
        procfs.Stat(pid=4, parent=0, own=80, reaped=0),
    ]
    used = procfs.used(1, {stat.pid: stat for stat in stats})
    assert (used.own * procfs.TICKS, used.children * procfs.TICKS) == (10, 66)


def test_what_a_child_of_a_child_holds_counts_as_memory() -> None:
    hold = "held = bytearray(b'x') * 64 * 2**20; print(flush=True); input()"
    shell = ("sh", "-c", '"$0" -c "$1"; true', sys.executable, hold)
    with subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        held = procfs.shared_out(process.pid)
    assert 64 < held < 128


def test_one_line_of_a_status_is_found_by_its_name() -> None:
    text = "Name:\tpython\nVmHWM:\t  2048 kB\n"
    assert procfs.kibibytes(text, "VmHWM") == 2048
    assert procfs.kibibytes(text, "Pss") == 0


def test_the_processor_is_named_as_it_names_itself() -> None:
    assert machine.model(["processor : 0", "model name\t: A fast one"]) == "A fast one"


def test_the_table_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"# Head\n{table.BEGIN}\nold\n{table.END}\nfoot\n")
    row = rows.median("until then", [1.0], Unit.SECONDS, at_most=2.0)
    table.save(page, table.markdown(MACHINE, [Section(title="One thing", rows=(row,))]))
    text = page.read_text()
    assert "old" not in text
    assert text.startswith("# Head\n")
    assert text.endswith("foot\n")
    assert "| until then | 1.00 s |  | at most 2.00 s | met |" in text


def test_no_title_is_broken_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    title = "First sync of 1,000 objects without preflight"
    row = rows.median("until the last object is written", [1.0, 2.0], Unit.SECONDS, at_most=1.3)
    table.show(MACHINE, [Section(title=title, rows=(row,))])
    assert any(title in line for line in capsys.readouterr().out.splitlines())


def test_a_page_without_a_place_for_the_table_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("# Nothing here\n")
    with pytest.raises(ValueError, match="lacks"):
        table.save(page, "")


def written(status: dict[str, object]) -> AuditEvent:
    return AuditEvent(
        verb="patch",
        group="towline.dev",
        resource="gitrepositories",
        subresource="status",
        namespace="shop",
        name="app",
        user=identity.OPERATOR,
        user_agent="towline",
        code=200,
        request_uri="/",
        query={},
        body=[
            {"op": "replace", "path": "/metadata/resourceVersion", "value": "1"},
            {"op": "add", "path": "/status", "value": status},
        ],
        time="2026-01-01T00:00:00.000000Z",
    )


def test_the_echo_of_what_asked_for_a_pass_is_no_news_and_all_else_in_a_status_is() -> None:
    before = {"commit": {"applied": "1"}, "lastHandledReconcile": "a"}
    echo = written({**before, "lastHandledReconcile": "b"})
    news = written({"commit": {"applied": "2"}, "lastHandledReconcile": "c"})
    assert counting.echoes([echo, news, news, echo], before) == (echo, news)
