"""Every field of Flux's and Argo CD's resources is carried over, or its rule says why it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from towline.importing.argo.argo_rules import APPLICATION, APPLICATION_SET, SOURCE
from towline.importing.field_rules import OFF, RuleTable, built_in, left, to
from towline.importing.flux.flux_rules import RULES

FIELDS = Path(__file__).parent / "peer_fields"
"""The fields of the CRDs of kustomize-controller 1.9, helm-controller 1.6, source-controller 1.9, Argo CD 3.6."""

TABLES = {**RULES, "Application": APPLICATION, "ApplicationSet": APPLICATION_SET, "source": SOURCE}

TABLE = RuleTable(
    {
        "spec.path": to("path"),
        "spec.images[].name": to("images"),
        "spec.parts[]": to("parts"),
        "spec.labels{}": to("labels"),
        "spec.test": left("tests are not run", unless=OFF),
        "spec.wait": built_in("always waits"),
    }
)


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_every_field_of_the_crd_has_a_rule(kind: str) -> None:
    names = (FIELDS / f"{kind}.txt").read_text().split()
    assert [name for name in names if TABLES[kind].find(name) is None] == []


def test_there_is_a_list_of_fields_for_every_kind() -> None:
    assert {file.stem for file in FIELDS.glob("*.txt")} == set(TABLES)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"path": "a"}, []),
        ({"test": {"enable": True, "filters": [1]}}, [(("spec", "test"), "tests are not run")]),
        ({"test": False}, []),
        ({"test": {}}, []),
        ({"wait": True}, [(("spec", "wait"), "always waits")]),
        ({"new": {"deep": [1]}}, [(("spec", "new", "deep", 0), None)]),
        ({"images": [{"name": "a", "newest": "b"}]}, [(("spec", "images", 0, "newest"), None)]),
        ({"images": []}, []),
        ({"parts": ["a", "b"], "labels": {"x": {"y": 1}}}, []),
        ({"strange": {}}, [(("spec", "strange"), None)]),
    ],
)
def test_what_is_left_out_and_what_is_not_known_is_told_with_its_place(spec: Any, told: list[Any]) -> None:
    found = [
        (one.path, one.rule.reason if one.rule else None)
        for one in TABLE.used(spec, "spec", ("spec",))
        if one.rule is None or one.rule.reason
    ]
    assert found == told


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({"path": "a", "images": [{"name": "a"}], "parts": ["a"], "labels": {}, "test": [1]}, []),
        ({"path": ["a"]}, [(("spec", "path"), "must be a plain value")]),
        ({"images": {"name": "a"}}, [(("spec", "images"), "must be a list")]),
        ({"images": ["a"]}, [(("spec", "images", 0), "must be a map")]),
        ({"parts": "a"}, [(("spec", "parts"), "must be a list")]),
        ({"parts": [{"a": 1}]}, [(("spec", "parts", 0), "must be a plain value")]),
        ({"labels": ["a"]}, [(("spec", "labels"), "must be a map")]),
        ("text", [(("spec",), "must be a map")]),
        ({"images": None, "new": {}}, []),
    ],
)
def test_a_field_of_another_shape_is_found_with_its_place(spec: Any, wrong: list[Any]) -> None:
    assert list(TABLE.misshapen(spec, "spec", ("spec",))) == wrong
