from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from structlog.testing import capture_logs
from towline.__main__ import main
from towline.api import recordbody
from towline.model import Body
from towline.read.evidence import record_export
from towline.read.evidence.record_export import Period
from towline.records import chain, newest
from towline.records.checkpoints import Checkpoints
from towline.records.signing import CheckpointKey

from tests.kube.api_of_bodies import ApiOfBodies, command
from tests.records import syncs

UNSIGNED = (
    "no checkpoint was compared: records that were cut off at the end, and a chain that was written anew as a whole,"
    " are not noticed without one. Name some kept elsewhere with --checkpoints, and the operator's --public-key\n"
)


def listed() -> dict[str, Any]:
    items = [recordbody.to_body(made) for made in syncs.history(1, 1200, 1)]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def verify(content: Any, *options: str) -> Result:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return CliRunner().invoke(main, ["verify", "-", *options], input=text)


def test_an_untouched_history_is_well() -> None:
    answer = verify(listed())
    assert (answer.exit_code, answer.stdout, answer.stderr) == (0, "", f"{UNSIGNED}4 records, 0 problems\n")


def test_it_reads_a_file_as_well(tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text(json.dumps(listed()))
    assert CliRunner().invoke(main, ["verify", str(path)]).exit_code == 0


def test_what_is_piped_into_it_is_read_without_a_file_name() -> None:
    answer = CliRunner().invoke(main, ["verify"], input=json.dumps(listed()))
    assert (answer.exit_code, answer.stderr) == (0, f"{UNSIGNED}4 records, 0 problems\n")


def test_the_old_words_still_work_and_say_what_the_new_ones_are() -> None:
    for words in (
        ["history", "verify"],
        ["history", "verify", "--allow-missing"],
        ["history", "verify", "-"],
    ):
        answer = CliRunner().invoke(main, words, input=json.dumps(listed()))
        said, unsigned, counted = answer.stderr.splitlines()
        assert f"{unsigned}\n" == UNSIGNED
        assert (answer.exit_code, answer.stdout, counted) == (0, "", "4 records, 0 problems")
        assert "is now `towline verify`" in said


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
    told = CliRunner().invoke(main, ["verify"], input=text, color=True).stdout
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


def test_problems_can_be_read_by_a_program() -> None:
    content = listed()
    del content["items"][1]
    told = json.loads(verify(content, "-o", "json").stdout)
    assert told["records"] == 3
    assert {(each["record"], each["missing"]) for each in told["problems"]} == {
        ("app-0b6a0c3e-00000003", True)
    }


def test_problems_can_be_read_as_yaml_and_as_names() -> None:
    content = listed()
    del content["items"][1]
    told = yaml.safe_load(verify(content, "-o", "yaml").stdout)
    assert told == json.loads(verify(content, "-o", "json").stdout)
    assert verify(content, "-o", "name").stdout == "syncrecord.towline.dev/app-0b6a0c3e-00000003\n"
    assert verify(content, "-o", "name", "--allow-missing").stdout == ""


ALWAYS = Period()
THOUSAND = tuple(recordbody.to_body(made) for made in syncs.history(*[1] * 1000))


def lines(bodies: Sequence[Body] = THOUSAND, period: Period = ALWAYS) -> list[str]:
    """Return what `towline export` prints."""
    header, chosen = record_export.export(bodies, period)
    return [json.dumps(line) for line in (record_export.header_body(header), *chosen)]


def checked(exported: Sequence[str]) -> Result:
    return CliRunner().invoke(main, ["verify", "-"], input="\n".join(exported) + "\n")


def test_an_export_of_a_thousand_records_verifies() -> None:
    answer = checked(lines())
    assert (answer.exit_code, answer.stdout, answer.stderr) == (
        0,
        "",
        f"{UNSIGNED}1000 records, 0 problems\n",
    )


def test_a_part_of_a_chain_verifies_and_so_does_one_record_and_none() -> None:
    for bodies, count in ((THOUSAND[400:600], "200 records"), (THOUSAND[7:8], "1 record"), ((), "0 records")):
        answer = checked(lines(bodies))
        assert (answer.exit_code, answer.stderr) == (0, f"{UNSIGNED}{count}, 0 problems\n")


def test_a_gap_that_the_cluster_had_is_no_problem_of_the_export() -> None:
    assert checked(lines((*THOUSAND[:400], *THOUSAND[410:]))).exit_code == 0


def edited(line: str, place: str, field: str, value: Any) -> str:
    body = json.loads(line)
    body[place][field] = value
    return json.dumps(body)


def forged(after: str) -> str:
    """Make a record with a digest of its own that continues another one."""
    body = json.loads(after)
    body["spec"] |= {
        "sequence": body["spec"]["sequence"] + 1,
        "previous": body["status"]["digest"],
        "operator": "x",
    }
    body["metadata"]["name"] = f"app-0b6a0c3e-{body['spec']['sequence']:08}"
    body["status"]["digest"] = chain.digest(body)
    return json.dumps(body)


Tamper = Callable[[list[str]], list[str]]


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        pytest.param(lambda kept: kept[:50] + kept[51:], "the records 50 to 50 were taken out", id="deleted"),
        pytest.param(lambda kept: [kept[0], *kept[11:]], "the records 1 to 10 were taken out", id="front"),
        pytest.param(lambda kept: kept[:-10], "the records 51 to 60 were taken out", id="end"),
        pytest.param(lambda kept: kept[:30] + kept[40:], "the records 30 to 39 were taken out", id="inside"),
        pytest.param(
            lambda kept: [*kept[:9], edited(kept[9], "spec", "operator", "x"), *kept[10:]],
            "app-0b6a0c3e-00000009: its digest is not that of its content",
            id="edited",
        ),
        pytest.param(
            lambda kept: [*kept[:9], edited(kept[9], "status", "outcome", "Failed"), *kept[10:]],
            "app-0b6a0c3e-00000009: its digest is not that of its content",
            id="edited outcome",
        ),
        pytest.param(
            lambda kept: [
                *kept[:9],
                edited(kept[9], "metadata", "name", "app-0b6a0c3e-00000008"),
                *kept[10:],
            ],
            "app-0b6a0c3e-00000008: was renamed: by its content it is app-0b6a0c3e-00000009",
            id="renamed",
        ),
        pytest.param(
            lambda kept: [*kept[:9], kept[10], kept[9], *kept[11:]],
            "app-0b6a0c3e-00000009: is out of order: it was moved behind app-0b6a0c3e-00000010",
            id="reordered",
        ),
        pytest.param(
            lambda kept: [*kept[:10], forged(kept[9]), *kept[10:]],
            "app-0b6a0c3e-00000010: has the sequence of app-0b6a0c3e-00000010",
            id="inserted",
        ),
        pytest.param(
            lambda kept: [*kept[:10], forged(kept[9]), *kept[11:]],
            "app-0b6a0c3e-00000011: does not follow app-0b6a0c3e-00000010: one of them was replaced",
            id="replaced",
        ),
        pytest.param(
            lambda kept: [*kept, forged(kept[-1])],
            "app-0b6a0c3e-00000061: was put into the export",
            id="appended",
        ),
        pytest.param(
            lambda kept: [*kept[:-1], forged(kept[-2])],
            "app-0b6a0c3e-00000060: is not the record that the export ended with",
            id="last replaced",
        ),
        pytest.param(
            lambda kept: [*kept[:9], edited(kept[9], "spec", "repository", {"uid": "x"}), *kept[10:]],
            "app-0b6a0c3e-00000009: the first line of the export knows no such repository",
            id="of another repository",
        ),
        pytest.param(
            lambda kept: ['{"kind": "SyncRecordExport"}', *kept[1:]], "first line of the export", id="header"
        ),
    ],
)
def test_what_was_done_to_an_export_is_named(tamper: Tamper, named: str) -> None:
    answer = checked(tamper(lines(THOUSAND[:60])))
    assert answer.exit_code == 1
    assert named in answer.stdout


def test_a_line_that_was_cut_off_is_told_with_its_number() -> None:
    exported = lines(THOUSAND[:3])
    answer = checked([*exported[:-1], exported[-1][:100]])
    assert answer.exit_code == 2
    assert "line 4 of the input is not JSON" in answer.stderr


@pytest.mark.parametrize(
    ("place", "field", "value", "told"),
    [
        ("spec", "sequence", "x", 'spec.sequence must be a whole number, and is "x"'),
        ("spec", "sequence", None, "spec.sequence must be a whole number, and is null"),
        ("spec", "repository", [], "spec.repository must be a map, and is a list"),
        (
            "spec",
            "repository",
            {"namespace": "a", "name": "b"},
            "spec.repository.uid must be a string, and is missing",
        ),
        ("spec", "part", 3, "spec.part must be a map, and is 3"),
        ("spec", "digestVersion", "x", 'spec.digestVersion must be a whole number, and is "x"'),
        (
            "spec",
            "digestVersion",
            99,
            "spec.digestVersion is 99, and this towline knows those from 1 to 7: upgrade it",
        ),
    ],
)
def test_a_record_that_cannot_be_read_is_told_with_file_line_field_and_what_to_do(
    tmp_path: Path, place: str, field: str, value: Any, told: str
) -> None:
    path = tmp_path / "export.jsonl"
    exported = lines(THOUSAND[:3])
    path.write_text("\n".join([*exported[:2], edited(exported[2], place, field, value), exported[3]]))
    answer = CliRunner().invoke(main, ["verify", str(path)])
    (line,) = (each for each in answer.stdout.splitlines() if "cannot be read" in each)
    assert answer.exit_code == 1
    assert told in line
    assert f"{path}:3" in line
    assert "again" in line or "upgrade" in line
    assert "Error(" not in answer.output


def test_a_record_of_a_list_that_cannot_be_read_is_told_with_its_place() -> None:
    content = listed()
    content["items"][2]["spec"] = "x"
    answer = verify(content)
    assert 'spec must be a map, and is "x"' in answer.stdout
    assert "(standard input, .items[2])" in answer.stdout


def test_the_first_line_of_an_export_is_told_with_the_field_that_is_wrong() -> None:
    exported = lines(THOUSAND[:3])
    header = json.loads(exported[0])
    header["chains"][0]["last"] = "x"
    answer = checked([json.dumps(header), *exported[1:]])
    assert answer.exit_code == 1
    assert 'chains[0].last must be a whole number, and is "x"' in answer.stdout
    del header["records"]
    assert (
        "records must be a whole number, and is missing"
        in checked([json.dumps(header), *exported[1:]]).stdout
    )


@pytest.mark.parametrize("forge", [{"last": 10**15}, {"gaps": [[5, 10**15]]}])
def test_a_first_line_that_names_very_many_records_takes_no_longer(forge: dict[str, Any]) -> None:
    exported = lines(THOUSAND[:3])
    header = json.loads(exported[0])
    header["chains"][0] |= forge
    answer = checked([json.dumps(header), *exported[1:]])
    told = "the records 4 to 1000000000000000 were taken out" if "last" in forge else ""
    assert (answer.exit_code, told in answer.stdout) == (int("last" in forge), True)


def test_a_line_that_is_no_map_is_told_with_its_number() -> None:
    exported = lines(THOUSAND[:3])
    answer = checked([*exported[:2], "17", exported[3]])
    assert answer.exit_code == 2
    assert "standard input:3 is not a map" in answer.stderr


SIGNS = CheckpointKey(b"k" * 32)


def signed(*more: str) -> list[str]:
    """Return the log of an operator that closed four records."""
    known = Checkpoints(SIGNS, lambda: datetime(2026, 6, 1, tzinfo=UTC))
    with capture_logs() as logs:
        for made in syncs.history(1, 1200, 1)[-1:]:
            known.closed(syncs.UID, newest.of((made,)))
        known.stop()
    return ["a line of the interpreter", *map(json.dumps, logs), *more]


def verified(tmp_path: Path, items: list[Any], *options: str, log: Sequence[str] = ()) -> Result:
    path = tmp_path / "operator.log"
    path.write_text("\n".join(log or signed()))
    content = {"kind": "List", "items": items}
    return verify(content, "--checkpoints", str(path), *options)


def test_records_that_were_cut_off_are_missed_by_a_checkpoint_of_the_log(tmp_path: Path) -> None:
    items = listed()["items"]
    trusted = ("--public-key", SIGNS.public)
    well = verified(tmp_path, items, *trusted)
    assert (well.exit_code, well.stderr) == (0, "1 checkpoint compared\n4 records, 0 problems\n")
    cut = verified(tmp_path, items[:2], *trusted)
    assert cut.exit_code == 1
    assert "the records 3 to 4 after it are missing: they were signed at 2026-06-01T00:00:00Z" in cut.stdout


def test_a_checkpoint_whose_key_is_not_named_is_told_to_be_left_out(tmp_path: Path) -> None:
    answer = verified(tmp_path, listed()["items"][:2])
    assert answer.exit_code == 0
    assert "1 checkpoint not compared: name the public key" in answer.stderr
    assert UNSIGNED in answer.stderr


KEY_OF_STATUS = (
    "that it is the operator's was not checked. Name the one of the operator's log with --public-key"
)


async def live(tmp_path: Path, items: Sequence[Body], made: Any, *options: str) -> Result:
    """Verify the records of a cluster whose GitRepository has a checkpoint."""
    repository = {
        "apiVersion": "towline.dev/v1alpha1",
        "kind": "GitRepository",
        "metadata": {"namespace": "shop", "name": "app", "uid": syncs.UID, "generation": 1},
        "spec": {"url": "https://git.example/app"},
        "status": {"lastRecord": "app-0b6a0c3e-00000004", **({"checkpoint": made} if made else {})},
    }
    return await command(ApiOfBodies(repository, *items), tmp_path, "verify", *options)


async def test_a_cluster_whose_key_nobody_named_is_verified_with_a_sentence_that_says_so(
    tmp_path: Path,
) -> None:
    items = listed()["items"]
    known = Checkpoints(SIGNS, lambda: datetime(2026, 6, 1, tzinfo=UTC))
    known.closed(syncs.UID, newest.of((recordbody.from_body(items[-1]),)))
    made = dict(known.newest(syncs.UID, {}) or {})
    named = ("--public-key", SIGNS.public)
    believed = await live(tmp_path, items, made)
    assert believed.exit_code == 0
    assert believed.stderr.splitlines()[0].endswith(KEY_OF_STATUS)
    assert believed.stderr.splitlines()[1:] == ["1 checkpoint compared", "4 records, 0 problems"]
    trusted = await live(tmp_path, items, made, *named)
    assert (trusted.exit_code, trusted.stderr) == (0, "1 checkpoint compared\n4 records, 0 problems\n")
    alone = await live(tmp_path, items, None, *named)
    assert (alone.exit_code, alone.stderr) == (0, f"{UNSIGNED}4 records, 0 problems\n")


@pytest.mark.parametrize("options", [(), ("--public-key", SIGNS.public)], ids=["without key", "with key"])
async def test_what_was_done_to_the_records_of_a_cluster_is_named(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    items = listed()["items"]
    known = Checkpoints(SIGNS, lambda: datetime(2026, 6, 1, tzinfo=UTC))
    known.closed(syncs.UID, newest.of((recordbody.from_body(items[-1]),)))
    made = dict(known.newest(syncs.UID, {}) or {})
    changed = json.loads(edited(json.dumps(items[1]), "spec", "operator", "x"))
    told = {
        "its digest is not that of its content": ([items[0], changed, *items[2:]], made),
        "the records 2 to 2 before it are missing": ([items[0], *items[2:]], made),
        "names it as the newest, and it is not there": (items[:-1], made),
        "after it are missing: they were signed at": (items[:-1], made),
        "it is not the record that was signed at": (
            [*items[:-1], json.loads(forged(json.dumps(items[-2])))],
            made,
        ),
        "its checkpoint is forged: nobody signed it": (items, {**made, "sequence": 3}),
    }
    for problem, (records, checkpoint) in told.items():
        answer = await live(tmp_path, records, checkpoint, *options)
        assert (answer.exit_code, problem in answer.stdout) == (1, True), answer.stdout
        assert "--public-key" in answer.stderr or options


def test_a_checkpoint_of_an_exported_status_is_read_as_well(tmp_path: Path) -> None:
    (line,) = (json.loads(line) for line in signed() if line.startswith("{"))
    repositories = {
        "items": [{"kind": "GitRepository", "status": {"checkpoint": line}}, {"kind": "GitRepository"}]
    }
    options = ("--public-key", SIGNS.public)
    answer = verified(tmp_path, listed()["items"][:2], *options, log=[json.dumps(repositories)])
    assert answer.exit_code == 1
    forged = json.dumps({"event": "checkpoint", **line, "sequence": 2})
    answer = verified(tmp_path, listed()["items"], *options, log=[forged])
    assert "its checkpoint is forged" in answer.stdout


def test_a_public_key_must_be_one(tmp_path: Path) -> None:
    answer = verified(tmp_path, listed()["items"], "--public-key", "ssh-ed25519 AAAA")
    assert answer.exit_code == 2
    assert "must be base64 of 32 bytes" in answer.stderr


def test_an_export_carries_the_newest_checkpoint_against_a_chain_that_was_written_anew() -> None:
    bodies = [dict(body) for body in THOUSAND[:5]]
    known = Checkpoints(SIGNS, lambda: datetime(2026, 6, 1, tzinfo=UTC))
    known.closed(syncs.UID, newest.of((recordbody.from_body(bodies[-1]),)))
    newest_ones = {syncs.UID: dict(known.newest(syncs.UID, {}) or {})}
    options = ["verify", "-", "--public-key", SIGNS.public]

    def exported(records: Sequence[Body]) -> str:
        header, chosen = record_export.export(records, ALWAYS, newest_ones)
        return "\n".join(json.dumps(line) for line in (record_export.header_body(header), *chosen))

    well = CliRunner().invoke(main, options, input=exported(bodies))
    assert (well.exit_code, well.stderr) == (0, "1 checkpoint compared\n5 records, 0 problems\n")
    anew = [*bodies[:-1], json.loads(forged(json.dumps(bodies[-2])))]
    answer = CliRunner().invoke(main, options, input=exported(anew))
    assert answer.exit_code == 1
    assert "it is not the record that was signed" in answer.stdout


def test_an_export_that_ends_before_the_newest_checkpoint_misses_nothing() -> None:
    known = Checkpoints(SIGNS, lambda: datetime(2026, 6, 1, tzinfo=UTC))
    known.closed(syncs.UID, newest.of((recordbody.from_body(THOUSAND[9]),)))
    newest_ones = {syncs.UID: dict(known.newest(syncs.UID, {}) or {})}
    header, chosen = record_export.export(THOUSAND[:5], ALWAYS, newest_ones)
    told = "\n".join(json.dumps(line) for line in (record_export.header_body(header), *chosen))
    assert CliRunner().invoke(main, ["verify", "-", "--public-key", SIGNS.public], input=told).exit_code == 0
