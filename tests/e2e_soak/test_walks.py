"""Each field of the spec is walked, and each walk of `make soak` is one that the full size holds."""

from __future__ import annotations

from pathlib import Path

import yaml

from e2e.soak.parts import PARTS
from e2e.soak.walks import WALKS

CRD = Path(__file__).parents[2] / "crds" / "gitrepositories.yaml"


def test_every_field_of_the_spec_is_walked_to_what_is_refused_or_an_error() -> None:
    (version,) = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    fields = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert {walk.field for walk in WALKS if walk.ends != "Succeeded"} == set(fields)


def test_a_full_run_makes_every_walk_once() -> None:
    assert PARTS["spec-walks"].full == len(WALKS) == len({str(walk) for walk in WALKS})
