"""Variables are filled in as Flux fills them in; `flux.json` holds what its own code made of 550 random texts.

They were made once with fluxcd/pkg/envsubst 1.4.0 and sigs.k8s.io/yaml 1.6.0, the two that kustomize-controller uses:
a `raw` text was only expanded, a `body` was written as YAML, expanded, and read again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.render.variables import expansion, substitution
from towline.render.variables.expansion import ExpansionError
from towline.render.variables.operators import Budget
from towline.render.variables.substitution import Substitution, Types

FLUX = json.loads(Path(__file__).with_name("flux.json").read_text())
VARIABLES: dict[str, str] = FLUX["variables"]
REFUSED = object()


def expanded(text: str, *, strict: bool = True, values: dict[str, str] | None = None) -> object:
    try:
        done = expansion.expand(text, values or VARIABLES, Budget(10**6), strict=strict)
    except ExpansionError:
        return REFUSED
    return REFUSED if done.missing else done.text


def filled(body: Any, values: dict[str, str], *, strict: bool = True, types: Types = Types.FLUX) -> Any:
    """Return an object with its variables filled in."""
    found, complaints = substitution.substituted(
        body, Substitution(values=values, strict=strict, types=types)
    )
    assert not complaints
    return found


def complaints(body: Any, values: dict[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    _, found = substitution.substituted(body, Substitution(values=values))
    return [(each.message, each.path) for each in found]


def outcome(case: dict[str, Any]) -> object:
    strict = case.get("strict", False)
    if "raw" in case:
        return expanded(case["raw"], strict=strict)
    body, found = substitution.substituted(case["body"], Substitution(values=VARIABLES, strict=strict))
    return REFUSED if found else body


def test_every_text_becomes_what_flux_makes_of_it() -> None:
    different = [
        (case, found)
        for case in FLUX["cases"]
        if (found := outcome(case)) is not (REFUSED if "error" in case else found)
        or ("error" not in case and json.dumps(found) != json.dumps(case["value"]))
    ]
    assert different == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$A", "$A"),
        ("$${A}", "${A}"),
        ("$$A", "$A"),
        ("$$", "$"),
        ("$(A)", "$(A)"),
        ("${A}", "3"),
        ("${MISSING:-d}", "d"),
        ("${MISSING:=d}", "d"),
        ("${MISSING:-${A}}", "3"),
        ("${MISSING:-${GONE:-${B}}}", "abc"),
        ("${B:0:1}", "a"),
        ("${B:1}", "bc"),
        ("${B^^}", "ABC"),
        ("${U^^}", "ÄÖß"),
        (r"${P//\//_}", "a_b_c.txt.gz"),
        ("${P##*/}", "c.txt.gz"),
        ("${P%.*}", "a/b/c.txt"),
        ("${#B}", "3"),
        ("${E}", ""),
        ("${E-d}", REFUSED),
        ("${A.b}", REFUSED),
        ("${X[0]}", REFUSED),
        ("${A", REFUSED),
        ("${}", REFUSED),
        ("${MISSING}", REFUSED),
        ("${B:0:-1}", REFUSED),
        ("${U:1}", REFUSED),
    ],
)
def test_each_form_means_what_it_means_in_flux(text: str, wanted: object) -> None:
    assert expanded(text) == wanted


def test_a_variable_without_a_value_is_empty_where_strict_is_off() -> None:
    assert filled({"a": "x${GONE}y"}, {}, strict=False) == {"a": "xy"}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("3", 3), ("true", True), ('"3"', "3"), ("[a, b]", ["a", "b"]), ("a # b", "a"), ("", None), ("017", 15)],
)
def test_a_text_that_is_only_a_variable_becomes_what_yaml_makes_of_its_value(
    value: str, wanted: object
) -> None:
    assert filled({"a": "${V}", "l": ["${V}"]}, {"V": value}) == {"a": wanted, "l": [wanted]}


def test_texts_stay_texts_where_types_are_kept() -> None:
    body = {"a": "${V}", "l": ["${W}"], "${V}": "x"}
    assert filled(body, {"V": "3", "W": "[a"}, types=Types.KEEP) == {"a": "3", "l": ["[a"], "3": "x"}


def test_keys_are_filled_in_as_well() -> None:
    assert filled({"${K}.yaml": {"x": 1}}, {"K": "app"}) == {"app.yaml": {"x": 1}}


def test_what_holds_no_variable_stays_what_it_is() -> None:
    body = {"a": "017", "b": [True, None, 1.5, {"c": "$HOME $(x) y"}]}
    assert filled(body, {"a": "b"}) == body


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_an_object_can_opt_out(field: str) -> None:
    body = {"metadata": {field: {substitution.OPT_OUT: "disabled"}}, "data": {"run.sh": "echo ${x} ${y[0]}"}}
    assert filled(body, {}) is body


def test_line_breaks_are_cut_from_values() -> None:
    assert filled({"a": "${V}"}, {"V": "a\nb: c\n"}, types=Types.KEEP) == {"a": "ab: c"}


@pytest.mark.parametrize(
    ("name", "good"), [("A_1", True), ("_", True), ("1A", False), ("a.b", False), ("", False), ("ä", False)]
)
def test_names_are_those_of_a_shell(name: str, good: bool) -> None:  # noqa: FBT001  a row of the table
    assert substitution.is_name(name) is good


def test_every_missing_variable_is_named_with_its_field_and_its_line_in_a_script() -> None:
    body = {"data": {"run.sh": "#!/bin/sh\necho ${ONE}\n${TWO}\n"}, "l": ["${ONE}"]}
    assert complaints(body, {}) == [
        ("variable ONE is not set in line 2 of the text (write $${ONE} for a literal)", ("data", "run.sh")),
        ("variable TWO is not set in line 3 of the text (write $${TWO} for a literal)", ("data", "run.sh")),
        ("variable ONE is not set (write $${ONE} for a literal)", ("l", "0")),
    ]


def test_a_missing_brace_is_named_with_its_line_in_a_script() -> None:
    (message, path), *_ = complaints({"data": {"run.sh": "a\nb ${C\n"}}, {})
    assert message.startswith('a "${" has no closing brace behind its name in line 2 of the text')
    assert path == ("data", "run.sh")


def test_a_value_that_breaks_the_yaml_is_refused_without_being_quoted() -> None:
    ((message, path),) = complaints({"spec": {"a": "${V}"}}, {"V": "s3cr3t: x: y"})
    assert path == ("spec", "a")
    assert "Keep" in message
    assert "s3cr3t" not in message


def test_a_value_cannot_add_a_field() -> None:
    for end in ("\r", "\u2028", "\x85"):
        assert complaints({"a": "${V}"}, {"V": f"1{end}b: 2"})


def test_two_keys_that_become_one_are_refused() -> None:
    ((message, path),) = complaints({"${A}": 1, "${B}": 2}, {"A": "x", "B": "x"})
    assert "the same" in message
    assert path == ("${B}",)


BOMBS = {
    "many texts": ({"a": ["${V}"] * 50_000}, {"V": "x"}),
    "long values": ({"a": ["${V}" * 1000] * 1}, {"V": "x" * 100_000}),
    "replacements in replacements": ({"a": "${V//x/" * 25 + "y" + "}" * 25}, {"V": "x" * 50}),
    "a wildcard": ({"a": "${V##*a*b*c*d*e*f*g*}" * 2000}, {"V": "abcdefg" * 20_000}),
    "YAML aliases": ({"a": "${V}"}, {"V": "[&a [x,x,x,x,x,x,x,x,x]" + "".join(
        f",&{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]" for n in range(12)
    ) + "]"}),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_what_a_few_characters_expand_to_is_limited(name: str) -> None:
    body, values = BOMBS[name]
    assert complaints(body, values)


def test_what_aliases_share_is_filled_in_once() -> None:
    shared: list[Any] = ["${V}"]
    for _ in range(10):
        shared = [shared, shared]
    found = filled({"a": shared}, {"V": "x"})
    assert found["a"][0] is found["a"][1]


@given(st.text(alphabet="ab ${}:-/#%^,\n'\"\\|>ä😀", max_size=30), st.text(max_size=10))
def test_any_text_is_filled_in_or_refused(text: str, value: str) -> None:
    for types in Types:
        given = Substitution(values={"a": value}, strict=False, types=types)
        substitution.substituted({"k": [text], text: "v"}, given)


@given(st.text(alphabet="ab ${}:-/#%^,\n'\"\\|>ä😀", max_size=30))
def test_a_literal_survives(text: str) -> None:
    body = {"a": text.replace("$", "$$")}
    assert filled(body, {}) == {"a": text}
    assert filled(body, {}, types=Types.KEEP) == {"a": text}
