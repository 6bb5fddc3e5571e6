"""The oracle: what Helm itself prints, which is what people test their charts with."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from e2e.controlplane import assemble


@cache
def binary() -> Path:
    """Return Helm, which is built once where it is not found."""
    return assemble.helm(os.environ)


class RefusedError(AssertionError):
    """Helm has refused something; the message is its own."""


def json_text(value: Any) -> str:
    return json.dumps(value)


def written(place: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)


def template(place: Path, chart: str, *flags: str) -> list[Any]:
    """Return the objects that `helm template` prints of a chart in a folder."""
    command = [
        str(binary()),
        "template",
        "web",
        chart,
        "--namespace",
        "shop",
        "--include-crds",
        "--skip-tests",
        *flags,
    ]
    answer = subprocess.run(command, cwd=place, env={"HOME": str(place)}, capture_output=True, check=False)
    if answer.returncode:
        raise RefusedError(answer.stderr.decode())
    return [one for one in yaml.safe_load_all(answer.stdout) if one]


def set_values(place: Path, flags: Sequence[str], values: str = "{}") -> Any:
    """Return the values of a release as Helm puts them together."""
    written(
        place,
        {
            "probe/Chart.yaml": "apiVersion: v2\nname: probe\nversion: 0.1.0\n",
            "probe/templates/values.yaml": "{{ toJson .Values }}\n",
            "given.yaml": values,
        },
    )
    (found,) = template(place, "probe", "--values", "given.yaml", *flags)
    return found


def read_json(text: str) -> Any:
    return json.loads(text)
