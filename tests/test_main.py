"""What a person reads who starts the operator in a way that cannot work."""

from __future__ import annotations

import os
import subprocess
import sys


def operator(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "towline", "operator", *flags],
        env={"PATH": os.environ["PATH"], "HOME": os.devnull},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_an_address_that_is_none_is_refused_by_the_name_of_its_flag() -> None:
    ended = operator("--listen", "everywhere")
    assert ended.returncode == 2
    assert "'--listen': it must be HOST:PORT" in ended.stderr


def test_an_own_object_that_is_none_is_refused_by_the_name_of_its_flag() -> None:
    ended = operator("--own-object", "towline")
    assert ended.returncode == 2
    assert "'--own-object': 'towline' is not Kind.group/namespace/name" in ended.stderr


def test_a_data_folder_that_cannot_be_made_is_named_in_one_line() -> None:
    ended = operator("--data-dir", f"{os.devnull}/data")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert f"{os.devnull}/data" in line
