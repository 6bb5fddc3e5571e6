"""`towline log`, `show` and `export`: what the records of one short history tell."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from towline.__main__ import main
from towline.read.evidence import change_rows

from tests.cli import documented, told_history
from tests.cli.json_shapes import LIST, MAYBE_TEXT, TEXT, Shape, misshapen
from tests.kube.api_of_bodies import ApiOfBodies, command
from tests.records import syncs

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def api(**more: Any) -> ApiOfBodies:
    return ApiOfBodies(told_history.repository(), *told_history.bodies(), **more)


def plain(printed: str) -> str:
    return TIME.sub("TIME", printed)


@pytest.mark.parametrize(
    "call",
    [
        "towline log app",
        "towline log app -o json --commit 2b3c4d5",
        "towline show 2b3c4d5",
        "towline show 2b3c4d5 -o json",
    ],
)
async def test_the_page_shows_what_a_command_prints(tmp_path: Path, call: str) -> None:
    ended = await command(api(), tmp_path, *call.split()[1:])
    assert plain(ended.stdout) == plain(documented.output(call))
    assert ended.exit_code == 0


async def test_the_other_word_for_log_prints_the_same(tmp_path: Path) -> None:
    log = await command(api(), tmp_path, "log", "app", "--since", "7d")
    history = await command(api(), tmp_path, "history", "app", "--since", "7d")
    assert (history.stdout, history.exit_code) == (log.stdout, 0)


@pytest.mark.parametrize(
    ("options", "records"),
    [
        ((), "54321"),
        (("--object", "cm/settings"), "5321"),
        (("--object", "ConfigMap/shop/settings"), "5321"),
        (("--object", "ConfigMap/blog/settings"), ""),
        (("--author", "bob@example"), "32"),
        (("--commit", "3C4D"), "4"),
        (("--path", "app"), "54321"),
        (("--path", "app/other.yaml"), ""),
        (("--since", "6d"), "5"),
        (("--since", "2999-01-01"), ""),
        (("--author", "bob", "--object", "cm/settings", "--since", "7d12h"), "3"),
    ],
)
async def test_entries_are_chosen_by_what_they_have(
    tmp_path: Path, options: tuple[str, ...], records: str
) -> None:
    ended = await command(api(), tmp_path, "log", "app", "-o", "name", *options)
    assert "".join(line[-1] for line in ended.stdout.splitlines()) == records
    assert ended.exit_code == 0


async def test_a_log_without_a_name_is_that_of_all_repositories_of_the_namespace(tmp_path: Path) -> None:
    ended = await command(api(), tmp_path, "log")
    rows = [line.split()[0] for line in ended.stdout.splitlines()]
    assert rows == ["REPOSITORY", *["shop/app"] * 5]


async def test_records_outlive_their_repository(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(*told_history.bodies()), tmp_path, "log", "app", "-o", "name")
    assert len(ended.stdout.splitlines()) == 5


async def test_records_in_a_namespace_of_their_own_are_found(tmp_path: Path) -> None:
    moved = [
        {**body, "metadata": {**body["metadata"], "namespace": "archive"}} for body in told_history.bodies()
    ]
    ended = await command(
        ApiOfBodies(told_history.repository(), *moved), tmp_path, "log", "app", "-o", "name"
    )
    assert len(ended.stdout.splitlines()) == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("log", "nope"), 'no GitRepository "nope" in namespace shop'),
        (("show", "nope"), 'no record in namespace shop is called "nope"'),
        (("show", "ffff"), "towline log lists what there is"),
        (("log", "--graph"), "give the NAME of a repository"),
        (("log", "app", "-A"), "leave -A and -l out"),
        (("log", "--since", "soon"), "must be a date"),
        (("log", "--object", "settings"), "must be KIND/NAME"),
        (("log", "--object", "nokind/settings"), 'serves no kind "nokind"'),
        (("export", "--from", "soon"), "must be a date"),
    ],
)
async def test_what_is_wrong_is_said_with_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = await command(api(), tmp_path, *arguments)
    assert ended.exit_code == 2
    assert said in ended.stderr


async def test_a_user_who_may_not_read_records_is_told_so(tmp_path: Path) -> None:
    path = "/apis/towline.dev/v1alpha1/namespaces/shop/syncrecords"
    ended = await command(api(forbidden=(path,)), tmp_path, "log", "app")
    assert ended.exit_code == 2
    assert "you may not list syncrecords.towline.dev in namespace shop" in ended.stderr


async def test_a_failed_sync_is_shown_with_what_failed(tmp_path: Path) -> None:
    ended = await command(api(), tmp_path, "show", "3c4d5e6")
    assert ended.exit_code == 1
    assert "Failures:\n  WrongType: app/settings.yaml:6: data.limit must be a string" in ended.stdout


async def test_the_verdict_on_signatures_is_shown(tmp_path: Path) -> None:
    bodies = told_history.bodies()
    bodies[1]["spec"]["verification"] = {
        "mode": "Head",
        "secret": "signers",
        "verdict": "Refused",
        "total": 1,
        "signatures": [
            {
                "sha": told_history.CHANGE.sha,
                "kind": "commit",
                "trust": "RevokedKey",
                "format": "GPG",
                "key": "F00D",
            }
            | {"signer": "Bob <bob@example.com>"}
        ],
    }
    signed = ApiOfBodies(told_history.repository(), *bodies)
    shown = await command(signed, tmp_path, "show", "app-0b6a0c3e-00000002")
    assert (
        "Signatures: Refused (Head, keys of Secret signers)\n"
        "  commit 2b3c4d5: RevokedKey, GPG key F00D of Bob <bob@example.com>\n"
    ) in shown.stdout
    whole = json.loads(
        (await command(signed, tmp_path, "show", "app-0b6a0c3e-00000002", "-o", "json")).stdout
    )
    assert whole["verification"] == bodies[1]["spec"]["verification"]
    log = json.loads((await command(signed, tmp_path, "log", "app", "-o", "json")).stdout)
    assert [entry["verification"] for entry in log] == [None, None, None, "Refused", None]
    exported = await command(signed, tmp_path, "export", "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert {row["verification"] for row in rows if row["record"] == "app-0b6a0c3e-00000002"} == {"Refused"}


async def test_what_prints_the_name_of_a_record_tells_show_which(tmp_path: Path) -> None:
    names = (await command(api(), tmp_path, "log", "app", "-o", "name")).stdout.split()
    shown = await command(api(), tmp_path, "show", names[0])
    assert shown.stdout.startswith(f"Record: {names[0].partition('/')[2]}\n")


async def test_a_repair_is_shown_with_who_had_changed_the_field_and_when(tmp_path: Path) -> None:
    ended = await command(api(), tmp_path, "show", "app-0b6a0c3e-00000003")
    assert re.search(r"    data.limit: 99 -> 20 \(by kubectl-edit, 20[^)]+\)", ended.stdout)
    assert [line.split(":")[0] for line in ended.stdout.splitlines()[4:7]] == ["Changed", "Began", "Ended"]


async def test_an_export_is_verified_without_a_cluster(tmp_path: Path) -> None:
    exported = await command(api(), tmp_path, "export")
    assert exported.exit_code == 0
    ended = CliRunner().invoke(main, ["verify", "-"], input=exported.stdout)
    unsigned, counted = ended.stderr.splitlines()
    assert (ended.exit_code, counted) == (0, "5 records, 0 problems")
    assert unsigned.startswith("no checkpoint was compared: ")


async def test_an_export_holds_the_records_of_its_period_alone(tmp_path: Path) -> None:
    moments = [body["spec"]["startedAt"] for body in told_history.bodies()]
    exported = await command(api(), tmp_path, "export", "--from", moments[1], "--to", moments[3])
    header, *records = map(json.loads, exported.stdout.splitlines())
    assert [body["spec"]["sequence"] for body in records] == [2, 3]
    assert (header["records"], header["chains"][0]["first"], header["chains"][0]["last"]) == (2, 2, 3)
    assert header["chains"][0]["previous"] == told_history.bodies()[0]["status"]["digest"]
    assert CliRunner().invoke(main, ["verify", "-"], input=exported.stdout).exit_code == 0


async def test_an_export_of_records_that_were_edited_says_so(tmp_path: Path) -> None:
    bodies = told_history.bodies()
    bodies[1]["spec"]["operator"] = "x"
    exported = await command(ApiOfBodies(*bodies), tmp_path, "export")
    assert exported.exit_code == 1
    assert "app-0b6a0c3e-00000002: its digest is not that of its content" in exported.stderr
    assert len(exported.stdout.splitlines()) == 6


async def test_a_spreadsheet_gets_a_row_for_each_field(tmp_path: Path) -> None:
    exported = await command(api(), tmp_path, "export", "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert [(row["sequence"], row["field"], row["old"], row["new"], row["by"]) for row in rows] == [
        ("1", "", "", "", ""),
        ("2", "/data/limit", "10", "20", ""),
        ("3", "/data/limit", "99", "20", "kubectl-edit"),
        ("4", "", "", "", ""),
        ("5", "/data/limit", "20", "10", ""),
    ]
    assert rows[3]["failureMessage"] == "app/settings.yaml:6: data.limit must be a string"
    assert rows[1]["pullRequest"] == "#12"


@pytest.mark.parametrize(
    "value",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\uff1d1",
        "|calc",
        "%0A",
        "\u200b=1",
        -1,
    ],
)
def test_no_cell_of_a_spreadsheet_can_become_a_formula(value: Any) -> None:
    assert change_rows.cell(value).startswith("'")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("web:1", "web:1"),
        (1, "1"),
        (None, ""),
        ({"a": [1]}, '{"a":[1]}'),
        ("a\x1b[31m", "a [31m"),
        ("***", "***"),
    ],
)
def test_a_cell_holds_its_value(value: Any, shown: str) -> None:
    assert change_rows.cell(value) == shown


async def test_the_records_of_a_cluster_are_verified_against_its_statuses(tmp_path: Path) -> None:
    whole = await command(api(), tmp_path, "verify")
    unsigned, counted = whole.stderr.splitlines()
    assert (whole.exit_code, counted) == (0, "5 records, 0 problems")
    assert unsigned.startswith("no checkpoint was compared: ")
    cut = await command(
        ApiOfBodies(told_history.repository(), *told_history.bodies()[:-1]), tmp_path, "verify"
    )
    assert cut.exit_code == 1
    assert cut.stdout == (
        f"app-{syncs.UID[:8]}-00000005: the status of its repository names it as the newest, and it is not there\n"
    )


async def test_a_namespace_without_records_has_nothing_to_verify(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(), tmp_path, "verify")
    assert ended.exit_code == 2
    assert "there are no SyncRecords in namespace shop" in ended.stderr


async def test_records_of_a_newer_towline_are_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    bodies = told_history.bodies()
    bodies[2]["spec"]["trigger"] = "Moon"
    ended = await command(ApiOfBodies(*bodies), tmp_path, "log", "app", "-o", "name")
    assert ended.exit_code == 2
    assert len(ended.stdout.splitlines()) == 4
    assert "a newer Towline has written are not shown: app-0b6a0c3e-00000003" in ended.stderr


ENTRY: Shape = {
    "at": TEXT,
    "repository": TEXT,
    "outcome": TEXT,
    "commit": MAYBE_TEXT,
    "author": MAYBE_TEXT,
    "mergedBy": MAYBE_TEXT,
    "pullRequest": MAYBE_TEXT,
    "subject": MAYBE_TEXT,
    "trailers": LIST,
    "record": MAYBE_TEXT,
    "trigger": MAYBE_TEXT,
    "verification": MAYBE_TEXT,
    "changed": LIST,
    "failures": LIST,
}


async def test_each_entry_of_the_json_form_has_the_keys_of_the_contract(tmp_path: Path) -> None:
    entries = json.loads((await command(api(), tmp_path, "log", "-o", "json")).stdout)
    wrong = [misshapen(each, ENTRY) for each in entries]
    wrong += [misshapen(one, {"object": TEXT, "action": TEXT}) for each in entries for one in each["changed"]]
    wrong += [
        misshapen(one, {"object": MAYBE_TEXT, "reason": TEXT, "message": TEXT})
        for each in entries
        for one in each["failures"]
    ]
    wrong += [misshapen(one, {"name": TEXT, "value": TEXT}) for each in entries for one in each["trailers"]]
    assert len(wrong) > len(entries) == 5
    assert not any(wrong), wrong
