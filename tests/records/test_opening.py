from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.api import recordbody
from towline.api.syncrecord import FieldChange, Flag, RecordedRepository
from towline.model import Action, ObjectRef, Trailer
from towline.records import chain, newest, opening

from tests.records import syncs
from tests.records.syncs import MASK, SHA, UID, change, entries, sync

SECRET = ObjectRef("", "Secret", "shop", "a")

CRD = Path(__file__).parents[2] / "crds" / "syncrecords.yaml"


def size(made: object) -> int:
    return len(json.dumps(made, ensure_ascii=False).encode())


def test_the_first_record_of_a_repository_has_sequence_1_and_follows_none() -> None:
    [first] = opening.opening(sync(), entries([change("a")]), None)
    assert first.name == "app-0b6a0c3e-00000001"
    assert (first.intent.sequence, first.intent.previous) == (1, "")


def test_the_next_record_holds_the_digest_of_the_one_before() -> None:
    before = syncs.completed()
    [first] = before
    [second] = opening.opening(sync(), entries([change("b")]), newest.of(before))
    assert first.closing
    assert (second.name, second.intent.previous) == ("app-0b6a0c3e-00000002", first.closing.digest)


def test_no_record_follows_one_that_is_still_open() -> None:
    still_open = opening.opening(sync(), (), None)
    with pytest.raises(ValueError, match="app-0b6a0c3e-00000001 is still open"):
        opening.opening(sync(), (), newest.of(still_open))


def test_a_created_object_is_recorded_with_commit_file_line_and_digest() -> None:
    [entry] = entries([change("a")])
    assert recordbody.change_body(entry) == {
        "object": "ConfigMap/shop/a",
        "action": "create",
        "file": "app/all.yaml",
        "line": 7,
        "commit": SHA,
        "digest": "new a",
    }


def test_an_updated_object_is_recorded_with_its_changed_fields() -> None:
    fields = (FieldChange(path="/data/a", old="1", new="2"), FieldChange(path="/data/b", old=None, new="3"))
    [entry] = entries([change("a", Action.UPDATE)], {syncs.ref("a"): fields})
    assert recordbody.change_body(entry)["fields"] == [
        {"path": "/data/a", "old": "1", "new": "2"},
        {"path": "/data/b", "new": "3"},
    ]


def test_a_pruned_object_is_recorded_with_the_commit_and_file_that_declared_it_last() -> None:
    [entry] = entries([change("a", Action.PRUNE)])
    assert (entry.commit, entry.file, entry.digest) == ("2" * 40, "old.yaml", "old")


def test_annotations_that_somebody_made_very_long_do_not_keep_a_record_out_of_the_cluster() -> None:
    pruned = change("a", Action.PRUNE)
    assert pruned.live
    edited = pruned.live._replace(commit="c" * 300, source="s" * 9000, digest="d" * 300)
    [entry] = entries([replace(pruned, live=edited)])
    schema = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    limits = schema["properties"]["spec"]["properties"]["changes"]["items"]["properties"]
    body = recordbody.change_body(entry)
    assert {name for name, value in body.items() if len(value) > limits[name].get("maxLength", 64)} == set()


def test_the_digest_of_a_secret_cannot_be_compared_with_a_guess() -> None:
    created, pruned = entries([change("a", kind="Secret"), change("b", Action.PRUNE, kind="Secret")])
    assert created.digest == MASK.digest("new a", SECRET) != "new a"
    assert pruned.digest == MASK.digest("old", SECRET) != "old"


def test_a_sync_of_ten_thousand_objects_is_recorded_whole_in_parts_below_half_a_mebibyte() -> None:
    changes = [change(f"object-{number}") for number in range(10_000)]
    parts = opening.opening(sync(), entries(changes), None)
    assert [part.intent.sequence for part in parts] == list(range(1, len(parts) + 1))
    assert {part.intent.part.of for part in parts} == {len(parts)}
    listed = [entry.object for part in parts for entry in part.intent.changes]
    assert listed == [str(each.ref) for each in changes]
    assert max(size(recordbody.to_body(part)) for part in parts) < 400 * 1024


def test_every_part_holds_the_digest_of_the_part_before_as_it_was_opened() -> None:
    parts = opening.opening(sync(), entries(change(f"o{number}") for number in range(2200)), None)
    for before, after in itertools.pairwise(parts):
        assert after.intent.previous == chain.opened(recordbody.to_body(before))


def test_many_large_fields_of_one_object_lose_none_and_overfill_no_record() -> None:
    fields = tuple(
        FieldChange(path=f"/data/k{number}", old="x" * 2000, new="y" * 2000) for number in range(400)
    )
    parts = opening.opening(sync(), entries([change("a", Action.UPDATE)], {syncs.ref("a"): fields}), None)
    told = [field for part in parts for entry in part.intent.changes for field in entry.fields]
    assert told == list(fields)
    assert max(size(recordbody.to_body(part)) for part in parts) < 400 * 1024


def test_the_newest_250_commits_are_listed_and_all_are_counted() -> None:
    commits = tuple(syncs.revision(f"{number:040x}", "subject " * 100) for number in range(300))
    [made] = opening.opening(sync(commits=commits, commits_total=900), (), None)
    assert [commit.sha for commit in made.intent.commits] == [commit.sha for commit in commits[:250]]
    assert made.intent.commits_total == 900
    assert size(recordbody.to_body(made)) < 400 * 1024


def test_every_part_names_the_newest_commit() -> None:
    commits = (syncs.revision("a" * 40), syncs.revision("b" * 40))
    parts = opening.opening(
        sync(commits=commits), entries(change(f"o{number}") for number in range(1200)), None
    )
    assert [[commit.sha[0] for commit in part.intent.commits] for part in parts] == [["a", "b"], ["a"]]


def test_a_subject_is_one_printable_line() -> None:
    [made] = opening.opening(sync(commits=(syncs.revision(subject="a\x1b[31m\nb" + "c" * 2000),)), (), None)
    subject = made.intent.commits[0].subject
    assert subject.startswith("a [31m b")
    assert len(subject.encode()) <= 512


def test_records_that_are_posted_later_say_so_and_stay_tied_together() -> None:
    parts = opening.opening(sync(), entries(change(f"o{number}") for number in range(2200)), None)
    late = opening.late(parts[1:])
    assert all(Flag.LATE in part.intent.flags for part in late)
    assert late[0].intent.previous == chain.opened(recordbody.to_body(parts[0]))
    assert late[1].intent.previous == chain.opened(recordbody.to_body(late[0]))


@settings(max_examples=60)
@given(st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", fullmatch=True), st.integers(1, 10**8 - 1))
def test_a_name_fits_and_ends_with_uid_and_sequence(repository: str, sequence: int) -> None:
    made = opening.name(RecordedRepository(namespace="shop", name=repository, uid=UID), sequence)
    assert len(made) <= 253
    assert made.endswith(f"-0b6a0c3e-{sequence:08d}")
    if len(repository) <= 235:
        assert made.startswith(f"{repository}-")


def test_two_long_names_that_begin_alike_have_different_records() -> None:
    names = {
        opening.name(RecordedRepository(namespace="shop", name="a" * 252 + end, uid=UID), 1)
        for end in ("b", "c")
    }
    assert len(names) == 2


def test_what_is_recorded_reads_back_as_it_was() -> None:
    [made] = syncs.completed(3, flags=(Flag.HISTORY_REWRITTEN,), source="9" * 40)
    again = recordbody.from_body(json.loads(json.dumps(recordbody.to_body(made))))
    assert again == replace(made, intent=replace(made.intent, commits=again.intent.commits))
    assert again.intent.commits == made.intent.commits


def test_trailers_of_very_many_commits_leave_room_for_the_changes() -> None:
    told = tuple(Trailer("Reviewed-by", f"Ann {number} <ann@example.com>") for number in range(20))
    commits = tuple(
        replace(syncs.revision(f"{number:040x}"), trailers=told) for number in range(opening.COMMITS)
    )
    draft = syncs.sync(commits=commits, commits_total=len(commits))
    (record,) = opening.opening(draft, syncs.entries([syncs.change("settings")]), None)
    assert record.intent.commits[0].trailers == told
    assert record.intent.commits[-1].trailers == ()
    assert size(recordbody.to_body(record)) < opening.PART_BYTES
    assert recordbody.from_body(recordbody.to_body(record)) == record
