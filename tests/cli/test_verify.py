from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from towline.api import recordbody
from towline.cli.verify import history

from tests.records import syncs


def listed() -> dict[str, Any]:
    items = [recordbody.to_body(made) for made in syncs.history(1, 1200, 1)]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def verify(content: Any, *options: str) -> Result:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return CliRunner().invoke(history, ["verify", *options], input=text)


def test_an_untouched_history_is_well() -> None:
    answer = verify(listed())
    assert (answer.exit_code, answer.stdout, answer.stderr) == (0, "", "4 records, 0 problems\n")


def test_it_reads_a_file_as_well(tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text(json.dumps(listed()))
    assert CliRunner().invoke(history, ["verify", str(path)]).exit_code == 0


def test_an_edited_record_is_named() -> None:
    content = listed()
    content["items"][1]["spec"]["operator"] = "somebody"
    answer = verify(content)
    assert answer.exit_code == 1
    assert "app-0b6a0c3e-00000002: its digest is not that of its content" in answer.stdout


def test_the_name_of_an_edited_record_hides_no_problem_on_a_terminal() -> None:
    content = listed()
    content["items"][1]["spec"]["operator"] = "somebody"
    content["items"][1]["metadata"]["name"] = "x\n\x1b[1A\x1b[2K\r"
    text = json.dumps(content).encode()
    told = CliRunner().invoke(history, ["verify"], input=text, color=True).stdout
    assert all(line.isprintable() for line in told.split("\n"))
    assert "x [1A [2K : its digest is not that of its content" in told.split("\n")


def test_a_gap_is_a_problem_unless_gaps_are_allowed() -> None:
    content = listed()
    del content["items"][1]
    assert verify(content).exit_code == 1
    allowed = verify(content, "--allow-missing")
    assert allowed.exit_code == 0
    assert "the records 2 to 2 before it are missing" in allowed.stdout


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", {}, {"items": []}, {"items": [1]}, {"items": None}]
)
def test_what_holds_no_records_is_a_mistake_of_the_caller(content: Any) -> None:
    answer = verify(content)
    assert answer.exit_code == 2
    assert "the input" in answer.stderr
