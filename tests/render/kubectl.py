"""The oracle: what kubectl makes of files, which is what people test theirs with."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

KUBECTL = Path(sys.executable).with_name("kubectl")
NAME = b"NAME"
"""Stands for a name of its own in each file; without one, its objects could not be told from those of others."""


def objects(files: Sequence[bytes]) -> list[list[Any]]:
    """Return what kubectl reads in each file, nothing where it refuses; one process reads them all."""
    found: list[list[Any]] = [[] for _ in files]
    with tempfile.TemporaryDirectory() as folder:
        for index, content in enumerate(files):
            Path(folder, f"{index:05}.yaml").write_bytes(named(content, index))
        for one in _read(folder):
            found[int(one["metadata"]["name"].split("-")[1])].append(one)
    return found


def named(content: bytes, index: int) -> bytes:
    """Give the objects of one file their names: `file-<index>`, and what the file itself appends."""
    return content.replace(NAME, b"file-%d" % index)


def canonical(value: Any) -> str:
    """Spell a JSON value in one way, in which `1` and `true` differ; what is no 64-bit integer is a float."""
    return json.dumps(_floated(value), sort_keys=True)


def _floated(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _floated(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_floated(entry) for entry in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    return value


def _read(folder: str) -> Iterator[Any]:
    """Let kubectl change an annotation, which it does offline, and take the annotation off again."""
    answer = subprocess.run(
        [KUBECTL, "annotate", "--local", "-f", folder, "oracle=asked", "-o", "json"],
        env={"HOME": folder},
        capture_output=True,
        check=False,
        text=True,
    )
    decoder = json.JSONDecoder()
    text = answer.stdout.lstrip()
    while text:
        one, end = decoder.raw_decode(text)
        del one["metadata"]["annotations"]["oracle"]
        if not one["metadata"]["annotations"]:
            del one["metadata"]["annotations"]
        yield one
        text = text[end:].lstrip()
