from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from towline.api import recordbody
from towline.controller import data_folder
from towline.controller.keys import Keys
from towline.records.spool import SpoolFolder

from tests.records import syncs

FIRST, LATER = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))


def test_the_keys_are_made_once_and_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    found = data_folder.own_keys(folder, FIRST)
    assert (len(found.mask), len(found.owner), found.since) == (32, 32, "2026-01-01T00:00:00Z")
    assert found.mask != found.owner
    assert data_folder.own_keys(folder, LATER) == found
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600] * 3
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["mask.key", "owner.key", "checkpoint.key"])
def test_a_key_that_is_damaged_is_replaced(tmp_path: Path, name: str) -> None:
    before = data_folder.own_keys(tmp_path, FIRST)
    (tmp_path / name).write_bytes(b"short")
    after = data_folder.own_keys(tmp_path, LATER)
    assert (len(after.mask), len(after.owner), len(after.checkpoint)) == (32, 32, 32)
    assert (after.checkpoint == before.checkpoint) == (name != "checkpoint.key")
    assert (after.mask == before.mask, after.owner == before.owner) == (
        name != "mask.key",
        name != "owner.key",
    )
    assert after.since == ("2026-01-02T00:00:00Z" if name == "owner.key" else before.since)


def test_a_folder_from_before_owner_stamps_keeps_its_masking_key(tmp_path: Path) -> None:
    (tmp_path / "mask.key").write_bytes(b"k" * 32)
    found = data_folder.own_keys(tmp_path, FIRST)
    assert (found.mask, found.since) == (b"k" * 32, "2026-01-01T00:00:00Z")


def test_the_keys_that_all_operators_share_are_kept_for_the_next_start(tmp_path: Path) -> None:
    data_folder.own_keys(tmp_path, FIRST)
    shared = Keys(mask=b"k" * 32, owner=b"o" * 32, since="2025-06-01T00:00:00Z", checkpoint=b"c" * 32)
    data_folder.keep(tmp_path, shared)
    assert data_folder.own_keys(tmp_path, FIRST) == shared
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600] * 3


def test_two_folders_have_different_keys(tmp_path: Path) -> None:
    one, other = (data_folder.own_keys(tmp_path / name, FIRST) for name in "ab")
    assert one.mask != other.mask
    assert one.owner != other.owner


def test_a_kept_record_is_found_by_the_next_process_in_its_last_state(tmp_path: Path) -> None:
    first, second = syncs.history(1, 1)
    SpoolFolder(tmp_path).put(second)
    SpoolFolder(tmp_path).put(type(first)(namespace=first.namespace, name=first.name, intent=first.intent))
    SpoolFolder(tmp_path).put(first)
    found = SpoolFolder(tmp_path).all()
    assert [recordbody.to_body(made) for made in found] == [
        recordbody.to_body(first),
        recordbody.to_body(second),
    ]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "records").iterdir()} == {0o600}


def test_a_record_whose_name_is_longer_than_a_file_name_is_kept(tmp_path: Path) -> None:
    [made] = syncs.history(1)
    one, other = (replace(made, namespace="n" * 63, name=f"{'r' * 240}-{number:08d}") for number in (1, 2))
    folder = SpoolFolder(tmp_path)
    folder.put(one)
    folder.put(other)
    assert {found.name for found in SpoolFolder(tmp_path).all()} == {one.name, other.name}
    folder.drop(one)
    folder.put_aside(other)
    assert folder.all() == ()


def test_a_record_that_was_dropped_or_put_aside_is_not_found_again(tmp_path: Path) -> None:
    first, second = syncs.history(1, 1)
    folder = SpoolFolder(tmp_path)
    folder.put(first)
    folder.put(second)
    folder.drop(first)
    folder.drop(first)
    folder.put_aside(second)
    assert folder.all() == ()
    assert [path.suffix for path in (tmp_path / "records").iterdir()] == [".refused"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"metadata": {}}', b"\xff"])
def test_a_file_that_is_no_record_keeps_no_other_from_being_found(tmp_path: Path, content: bytes) -> None:
    [made] = syncs.history(1)
    folder = SpoolFolder(tmp_path)
    folder.put(made)
    (tmp_path / "records" / "broken.json").write_bytes(content)
    assert [found.name for found in folder.all()] == [made.name]


def test_a_record_with_a_part_of_another_type_keeps_no_other_from_being_found(tmp_path: Path) -> None:
    [made] = syncs.history(1)
    folder = SpoolFolder(tmp_path)
    folder.put(made)
    body = recordbody.to_body(made)
    damaged = {**body, "status": {**body["status"], "counts": []}}
    (tmp_path / "records" / "damaged.json").write_text(json.dumps(damaged))
    assert folder.all() == (made,)


def test_a_folder_without_records_holds_none(tmp_path: Path) -> None:
    assert SpoolFolder(tmp_path / "nowhere").all() == ()
