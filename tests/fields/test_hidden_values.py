"""Values that were encrypted or came from a Secret are hidden in whatever shows an object of their repository."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from towline.fields.hidden.hidden_values import HiddenValues, SecretTexts
from towline.fields.mask import Mask
from towline.model import Hidden, Key, Manifest, ObjectRef, Origin

APP, OTHER = Key("shop", "app"), Key("shop", "other")
REF = ObjectRef("", "ConfigMap", "shop", "settings")
SECRET = "hunter2-and-more"
HIDDEN = Hidden(places=frozenset({("data", "pin"), ("data", "list", "")}), texts=frozenset({SECRET}))
MANIFEST = Manifest(
    ref=REF, api_version="v1", content=b"{}", digest="d", origin=Origin("a.yaml", 1), hidden=HIDDEN
)


def config_map(name: str = "settings", **data: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"},
        "data": data,
    }


@pytest.fixture
def known() -> HiddenValues:
    found = HiddenValues()
    found.learn(APP, frozenset(), [MANIFEST])
    return found


@pytest.fixture
def mask(known: HiddenValues) -> Mask:
    return Mask(b"k" * 32, known)


@pytest.mark.parametrize("form", [SECRET, f"db://me:{SECRET}@db", base64.b64encode(SECRET.encode()).decode()])
def test_a_secret_is_masked_in_whatever_field_it_lands(mask: Mask, form: str) -> None:
    shown = mask.masked(config_map(a=form, b="plain"))["data"]
    assert shown["a"].startswith("***")
    assert shown["b"] == "plain"


def test_a_secret_place_is_masked_whatever_value_it_had_before(mask: Mask) -> None:
    one, other = (mask.masked(config_map(pin=pin, list=[pin]))["data"] for pin in ("1234", 77))
    assert one["pin"].startswith("***")
    assert one["list"][0].startswith("***")
    assert one["pin"] != other["pin"]


def test_a_secret_that_was_replaced_stays_hidden(known: HiddenValues, mask: Mask) -> None:
    newer = replace(MANIFEST, hidden=Hidden(texts=frozenset({"another-one"})))
    known.learn(APP, frozenset(), [newer])
    shown = mask.masked(config_map(a=SECRET, b="another-one"))["data"]
    assert all(value.startswith("***") for value in shown.values())


def test_a_message_about_an_object_quotes_none_of_them(mask: Mask) -> None:
    assert mask.text(f'"{SECRET}" is wrong, 98765 too', config_map(pin=98765)) == '"***" is wrong, *** too'


def test_the_digest_of_such_an_object_is_keyed_and_that_of_another_is_not(mask: Mask) -> None:
    assert mask.digest("sha", REF) == mask.keyed_digest("sha") != "sha"
    assert mask.digest("sha", REF._replace(name="other")) == "sha"


def test_nobody_else_can_check_a_guess_by_writing_it(known: HiddenValues, mask: Mask) -> None:
    assert mask.masked(config_map("mine", a=SECRET))["data"] == {"a": SECRET}
    assert known.told(OTHER, SECRET) == SECRET
    known.forget(APP)
    assert mask.masked(config_map(a=SECRET))["data"] == {"a": SECRET}


def test_the_messages_of_a_status_are_told_without_them_and_its_commits_stay(known: HiddenValues) -> None:
    status = {"commit": {"applied": SECRET}, "failures": [{"message": f"{SECRET}!", "line": 3}]}
    assert known.status(APP, status) == {
        "commit": {"applied": SECRET},
        "failures": [{"message": "***!", "line": 3}],
    }


def test_where_texts_overlap_all_of_both_is_hidden() -> None:
    assert SecretTexts({"abcdef", "defghi", "abcd"}).without("-abcdefghi-abc-") == "-***-abc-"
