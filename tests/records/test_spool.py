from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from towline.api import recordbody
from towline.controller import data_folder
from towline.records.spool import SpoolFolder

from tests.records import syncs


def test_the_masking_key_is_made_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    key = data_folder.mask_key(folder)
    assert (len(key), data_folder.mask_key(folder)) == (32, key)
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_masking_key_that_is_damaged_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "mask.key").write_bytes(b"short")
    assert len(data_folder.mask_key(tmp_path)) == 32


def test_a_key_that_all_operators_share_is_kept_for_the_next_start(tmp_path: Path) -> None:
    data_folder.mask_key(tmp_path)
    data_folder.keep_mask_key(tmp_path, b"k" * 32)
    assert data_folder.mask_key(tmp_path) == b"k" * 32
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


def test_two_folders_have_different_masking_keys(tmp_path: Path) -> None:
    assert data_folder.mask_key(tmp_path / "a") != data_folder.mask_key(tmp_path / "b")


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
