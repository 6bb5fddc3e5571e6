"""What a person reads who starts the operator in a way that cannot work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def operator(*flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "towline", "operator", *flags],
        env={"PATH": os.environ["PATH"], "HOME": os.devnull, **environment},
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


def kubeconfig(**user: object) -> str:
    return json.dumps(
        {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
            "users": [{"name": "u", "user": user}],
        }
    )


PLUGIN = {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "config does not exist"),
        ("clusters: [", "config cannot be read"),
        ("", "config: Invalid kube-config"),
        ("{clusters: [], contexts: [], users: []}", "Expected key current-context"),
        (kubeconfig(exec=PLUGIN), 'the program "no-such-plugin" that the kubeconfig names was not found'),
    ],
)
def test_a_kubeconfig_that_cannot_be_loaded_ends_the_operator_with_one_sentence(
    tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    ended = operator("--data-dir", str(tmp_path / "data"), KUBECONFIG=str(path))
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert said in json.loads(line)["error"]
