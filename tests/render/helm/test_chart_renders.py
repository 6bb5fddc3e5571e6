"""What charts declare, against Helm itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.render.helm import helm_cli
from tests.render.helm.charts import FIXTURES
from tests.render.helm.yard import VERSION, Yard


def sort(objects: list[Any]) -> list[Any]:
    return sorted(objects, key=lambda one: (one["kind"], one["metadata"]["name"]))


@pytest.mark.parametrize("name", FIXTURES)
async def test_a_chart_declares_what_helm_template_prints(tmp_path: Path, name: str) -> None:
    found = await Yard(tmp_path).objects(FIXTURES[name])
    place = tmp_path / "tree"
    helm_cli.written(place, FIXTURES[name])
    known = ("--kube-version", VERSION, "--api-versions", "example.com/v1/Thing")
    expected = helm_cli.template(place, "app", *known)
    assert expected
    assert sort(found) == sort(expected)
