"""The operator works with no git that is older than the one that corrected known faults."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_START = "from pathlib import Path; from towline.source.mirror import Mirrors; Mirrors(Path('data'))"


def started(folder: Path, version: str) -> str:
    """Start with a git of this version; return what that ends with, empty where it goes well."""
    git = folder / "git"
    git.write_text(f"#!/bin/sh\necho 'git version {version}'\n")
    git.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", _START],
        cwd=folder,
        env={"PATH": f"{folder}:/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr


@pytest.mark.parametrize("version", ["2.39.3", "2.34.1", "2.39.2.windows.1"])
def test_a_git_below_the_floor_is_refused_with_what_to_install(tmp_path: Path, version: str) -> None:
    said = started(tmp_path, version)
    assert "the operator needs git 2.39.4 or later" in said
    assert "install" in said


@pytest.mark.parametrize("version", ["2.39.4", "2.39.5 (Apple Git-154)", "2.43.0", "3.0.0-rc1"])
def test_a_git_from_the_floor_on_is_used_also_where_its_number_is_short(tmp_path: Path, version: str) -> None:
    assert started(tmp_path, version) == ""
