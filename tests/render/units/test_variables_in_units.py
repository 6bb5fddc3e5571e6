"""Variables are filled into what a unit declares, after its build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from towline.fields.hidden.hidden_values import HiddenValues
from towline.fields.mask import Mask
from towline.model import Key
from towline.render.units.built_units import Built
from towline.render.units.unit_settings import UnitSettings
from towline.render.variables.substitution import Substitution, Types
from towline.render.variables.treatment import Treatment

from tests.render.units.trees import Yard, told

OPEN = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: open\ndata:\n  colour: ${COLOUR}\n"
FILES = {
    "app/kustomization.yaml": "resources: [open.yaml]\nnamePrefix: a-\n"
    "configMapGenerator: [{name: made, literals: ['place=${PLACE:=north}']}]\n",
    "app/open.yaml": f"---\n{OPEN}",
}


def how(
    *, strict: bool = True, types: Types = Types.FLUX, secret: frozenset[str] = frozenset(), **values: str
) -> UnitSettings:
    given = Substitution(values=values, strict=strict, types=types, secret_names=secret)
    treatment = Treatment(substitution=given)
    return UnitSettings(treatment=treatment, mark=treatment.fingerprint(b"k"))


def data(built: Built) -> dict[str, Any]:
    assert told(built) == []
    return {one.ref.name.split("-")[1]: one.body["data"] for one in built.manifests}


async def test_variables_are_filled_in_after_the_build_and_another_value_starts_no_child(
    tmp_path: Path,
) -> None:
    yard = Yard(tmp_path)
    red = await yard.build(FILES, how=how(COLOUR="red"))
    assert data(red) == {"open": {"colour": "red"}, "made": {"place": "north"}}
    blue = await yard.build(FILES, how=how(COLOUR="blue"))
    assert data(blue)["open"] == {"colour": "blue"}
    assert {one.digest for one in red.manifests} != {one.digest for one in blue.manifests}
    assert yard.children == 1
    assert (await yard.build(FILES, how=how(COLOUR="red"))).manifests == red.manifests
    assert data(await yard.build(FILES)) == {
        "open": {"colour": "${COLOUR}"},
        "made": {"place": "${PLACE:=north}"},
    }


async def test_a_missing_variable_names_the_file_that_declares_the_object(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    (failure,) = (await yard.build(FILES, how=how())).failures
    assert (failure.file, failure.line) == ("app/open.yaml", 7)
    assert failure.field == "/data/colour"
    assert failure.message == "variable COLOUR is not set (write $${COLOUR} for a literal)"
    assert data(await yard.build(FILES, how=how(strict=False)))["open"] == {"colour": ""}


async def test_an_object_opts_out_and_types_follow_the_spec(tmp_path: Path) -> None:
    opted = OPEN.replace(
        "  name: open\n", "  name: open\n  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}\n"
    )
    left = await Yard(tmp_path).build({**FILES, "app/open.yaml": opted}, how=how(COLOUR="red"))
    assert data(left)["open"] == {"colour": "${COLOUR}"}
    for types, value in ((Types.FLUX, 3), (Types.KEEP, "3")):
        built = await Yard(tmp_path).build(FILES, how=how(types=types, COLOUR="3"))
        assert data(built)["open"] == {"colour": value}


async def test_a_variable_of_a_secret_is_hidden_in_what_a_unit_declares(tmp_path: Path) -> None:
    built = await Yard(tmp_path).build(FILES, how=how(COLOUR="hunter two", secret=frozenset({"COLOUR"})))
    assert data(built)["open"] == {"colour": "hunter two"}
    hidden = HiddenValues()
    hidden.learn(Key("team", "app"), frozenset(), built.manifests)
    assert "hunter" not in json.dumps([Mask(b"k" * 32, hidden).masked(one.body) for one in built.manifests])
