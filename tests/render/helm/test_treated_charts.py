"""Values that SOPS has encrypted, variables, and what of both must be shown nowhere."""

from __future__ import annotations

import json
from pathlib import Path

from towline.fields.hidden.hidden_values import HiddenValues
from towline.fields.mask import Mask
from towline.model import Key
from towline.render.helm.chart_builds import BuiltCharts
from towline.render.helm.value_layers import NamedLayer
from towline.render.sops import keyring
from towline.render.variables.substitution import Substitution, Types
from towline.render.variables.treatment import Treatment

from e2e.scenes import sops_files
from tests.render.helm.charts import SETTINGS, chart
from tests.render.helm.yard import Yard, options, told

KEYS = keyring.keyring({"x.agekey": sops_files.PRIVATE.encode()}, "Secret team/age")
VALUES = sops_files.yaml_file({"login": {"password": "correct horse"}}, "")


def shown(found: BuiltCharts) -> str:
    """Return the objects of a chart as records and rows show them."""
    assert told(found) == []
    hidden, key = HiddenValues(), Key("team", "app")
    hidden.learn(key, frozenset(), found.built.manifests)
    return json.dumps([Mask(b"k" * 32, hidden).masked(one.body) for one in found.built.manifests])


async def test_encrypted_values_are_decrypted_and_hidden_wherever_they_land(tmp_path: Path) -> None:
    files = {**chart(templates__s_yaml=SETTINGS), "secrets.yaml": VALUES}
    given = options({"valuesFiles": ["secrets.yaml"]}, treatment=Treatment(keys=KEYS), mark="keys")
    found = await Yard(tmp_path).charts(files, given)
    assert "correct horse" not in shown(found)
    (one,) = found.built.manifests
    assert json.loads(one.body["data"]["all"]) == {"login": {"password": "correct horse"}}


async def test_what_helm_says_shows_no_encrypted_value(tmp_path: Path) -> None:
    files = {**chart(templates__s_yaml="{{ fail .Values.login.password }}\n"), "secrets.yaml": VALUES}
    given = options({"valuesFiles": ["secrets.yaml"]}, treatment=Treatment(keys=KEYS), mark="keys")
    (failure,) = told(await Yard(tmp_path).charts(files, given))
    assert "helm refuses it" in failure
    assert "correct" not in failure


async def test_a_value_of_a_secret_is_hidden_wherever_it_lands_and_names_nothing(tmp_path: Path) -> None:
    layers = (
        NamedLayer(where="Secret team/a", values={"a": {"b": "hunter2hunter2"}}, is_secret=True),
        NamedLayer(where="Secret team/b", target="word", text="dragon5dragon5", is_secret=True),
    )
    yard = Yard(tmp_path)
    text = shown(await yard.charts(chart(templates__s_yaml=SETTINGS), options(layers=layers)))
    assert [word for word in ("hunter2", "dragon5") if word in text] == []
    named = chart(templates__s_yaml=SETTINGS.replace("name: settings", "name: x-{{ .Values.word }}"))
    (failure,) = told(await yard.charts(named, options(layers=layers)))
    assert "a value that is secret is part of the name of an object" in failure
    assert "dragon5" not in failure


async def test_a_plain_word_that_a_secret_holds_too_may_be_in_a_name(tmp_path: Path) -> None:
    layers = (NamedLayer(where="Secret team/a", values={"environment": "settings"}, is_secret=True),)
    found = await Yard(tmp_path).charts(chart(templates__s_yaml=SETTINGS), options(layers=layers))
    assert told(found) == []


async def test_variables_are_filled_into_what_a_chart_declares(tmp_path: Path) -> None:
    given = Substitution(values={"PLACE": "north"}, strict=True, types=Types.FLUX, secret_names=frozenset())
    files = chart(
        templates__s_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {place: 'in ${PLACE}'}\n"
    )
    found = await Yard(tmp_path).charts(files, options(treatment=Treatment(substitution=given), mark="v"))
    assert [one.body["data"] for one in found.built.manifests] == [{"place": "in north"}]
