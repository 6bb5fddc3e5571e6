"""Where copies of files are while a tool renders them."""

from __future__ import annotations

from pathlib import Path

from towline.controller.render_folder import render_folder


def test_copies_are_in_memory_and_for_this_user_alone(tmp_path: Path) -> None:
    folder = render_folder(tmp_path / "data", tmp_path)
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_restart_finds_what_the_process_before_it_left(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert render_folder(data, tmp_path) == render_folder(data, tmp_path)
    assert render_folder(tmp_path / "other", tmp_path) != render_folder(data, tmp_path)


def test_a_folder_that_others_can_read_or_lead_elsewhere_is_not_used(tmp_path: Path) -> None:
    data = tmp_path / "data"
    found = render_folder(data, tmp_path)
    found.chmod(0o755)
    assert render_folder(data, tmp_path) == data / "renders"
    found.rmdir()
    found.symlink_to(tmp_path)
    assert render_folder(data, tmp_path) == data / "renders"


def test_a_machine_without_such_memory_uses_the_data_folder(tmp_path: Path) -> None:
    assert render_folder(tmp_path / "data", tmp_path / "shm") == tmp_path / "data" / "renders"
