"""One scalar at a time, against the table of what Kubernetes reads, and against kubectl itself."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from towline.render import scalars
from towline.render.documents import DocumentErrors, YamlLimits, parse

from tests.render import kubectl

HEAD = b"apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: NAME}\n"

VALUES: dict[str, Any] = {
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"], True),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"], False),
    **{text: text for text in ["tRue", "yEs", "nUll", "oN", "nO", "Yn"]},
    **dict.fromkeys(["~", "null", "Null", "NULL", ""], None),
    **{text: text for text in ("2001-01-01", "2001-12-14t21:59:43.10-05:00")},
    **{text: text for text in ("12:30:45", "1:30", "190:20:30.15")},
    "017": 15,
    "01234567": 342391,
    "0o17": 15,
    "0O17": 15,
    "08": 8,
    "089": 89,
    "00": 0,
    "00.5": 0.5,
    "0b1010": 10,
    "0x1F": 31,
    "-0x1F": -31,
    "+0b101": 5,
    "0b-101": -5,
    "-017": -15,
    "0B11": 3,
    "1_000": 1000,
    "0xDEAD_BEEF": 3735928559,
    "1_0.5": 10.5,
    "1_": 1,
    "_1": "_1",
    ".5_0": 0.5,
    "._5": "._5",
    **dict.fromkeys(["1e3", "1E3", "1e+3", "1.e3"], 1000),
    "12e03": 12000,
    "1.5e3": 1500,
    "1e": "1e",
    "1e+": "1e+",
    "0x1p4": "0x1p4",
    "5.": 5,
    "1.0": 1,
    "-0.0": 0,
    ".5": 0.5,
    "-.5": -0.5,
    "+.5": 0.5,
    "1.10": 1.1,
    ".": ".",
    "+": "+",
    "1e400": "1e400",
    "-1e400": "-1e400",
    "1e-400": 0,
    "4.9e-324": 5e-324,
    "9223372036854775807": 2**63 - 1,
    "-9223372036854775808": -(2**63),
    "=": "=",
    "<<": "<<",
    "1e20": 1e20,
    "12e19": 1.2e20,
    "1e18": 10**18,
    "1234567890123456789.0": 1234567890123456800,
    **{
        text: text for text in ("100m", "1Gi", "1e5Gi", "v1.2", "1.2.3", "12.34.56", "nan", "inf", "Infinity")
    },
    "0x" + 40 * "f": "0x" + 40 * "f",
    "0b12": "0b12",
    "0o8": "0o8",
    "0x": "0x",
    "--1": "--1",
    "!!binary aGVsbG8=": "hello",
    "!!str 5": "5",
    "!!int '5'": 5,
    "!!float 5": 5,
    "!!bool 'no'": False,
    '"5"': "5",
    "'yes'": "yes",
    '""': "",
    "|\n  5": "5\n",
    ">-\n  yes": "yes",
    "|\n  x": "x\n",
    '"\\x41\\u00e9\\U0001F600\\0"': "Aé😀\0",
    '"a\n\n  b"': "a\nb",
    "'it''s'": "it's",
}

REFUSED = {
    **dict.fromkeys((".inf", "-.inf", "+.INF", ".nan", ".NaN"), ".inf and .nan"),
    **dict.fromkeys(
        (
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "0xFFFFFFFFFFFFFFFF",
            "01777777777777777777777",
            "99999999999999999999999999",
            "9" * 5000,
        ),
        "64 bits",
    ),
    **dict.fromkeys(("!thing 5", "!!python/object:os.system 5", "!!set {a}", "!!omap [a: 1]", "! 5"), "tag"),
    **dict.fromkeys(
        ("!!int abc", "!!bool 1", "!!float true", "!!null x", "!!int 1.5"), "does not match its tag"
    ),
    **dict.fromkeys(("!!binary aGVsbG8", "!!binary gIGC", "!!binary a b"), "base64"),
}

KEYS = {
    "8080": "8080",
    "0x10": "16",
    "017": "15",
    "1.50": "1.5",
    "1e3": "1000",
    "on": "true",
    "no": "false",
    "2001-01-01": "2001-01-01",
    "12:30:45": "12:30:45",
    '"8080"': "8080",
    "a b": "a b",
    '""': "",
    "1e6": "1e+06",
    "1234567.0": "1.234567e+06",
    "0.00001": "1e-05",
    "0.1": "0.1",
    "1e-50": "0",
    "-0.0": "-0",
    "16777217.0": "1.6777216e+07",
    "3.1415926535": "3.1415927",
    "1e39": ".inf",
    "-.inf": "-.inf",
    ".nan": ".nan",
    "0.000244140625": "0.00024414063",
    "27118.5625": "27118.562",
    "1.2379400392853803e+27": "1.2379401e+27",
    "? a": "a",
    "!!str 5": "5",
    "!!binary aGVsbG8=": "hello",
    "~x": "~x",
}

KEYS_REFUSED = {
    **dict.fromkeys(("~", "null", "?", '!!null ""'), "null"),
    **dict.fromkeys(("[a]", "{a: 1}", "? [a]", "? - a"), "a list or a map"),
    "9223372036854775808": "64 bits",
    "!thing a": "tag",
}


def read(text: bytes) -> Any:
    (document,) = parse(text, YamlLimits())
    return document.value


@pytest.mark.parametrize("text", VALUES)
def test_a_scalar_means_what_kubernetes_reads(text: str) -> None:
    assert kubectl.canonical(read(b"v: " + text.encode())) == kubectl.canonical({"v": VALUES[text]})


@pytest.mark.parametrize("text", REFUSED)
def test_a_scalar_without_a_safe_value_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(DocumentErrors, match=REFUSED[text]) as refused:
        parse(b"a: 1\nv: " + text.encode(), YamlLimits())
    assert [fault.line for fault in refused.value.faults] == [2]


@pytest.mark.parametrize("text", KEYS)
def test_a_key_becomes_the_text_that_kubernetes_makes_of_it(text: str) -> None:
    assert read(text.encode() + (b"\n: 1" if text.startswith("?") else b": 1")) == {KEYS[text]: 1}


@pytest.mark.parametrize("text", KEYS_REFUSED)
def test_a_key_that_is_no_text_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(DocumentErrors, match=KEYS_REFUSED[text]) as refused:
        parse(b"a: 1\n" + text.encode() + (b"\n: 1" if text.startswith("?") else b": 1"), YamlLimits())
    assert refused.value.faults[0].line == 2


def test_kubectl_reads_every_scalar_of_the_table_in_the_same_way() -> None:
    files = [HEAD + b"v: " + text.encode() for text in VALUES]
    for text, content, objects in zip(VALUES, files, kubectl.objects(files), strict=True):
        assert [one.get("v") for one in objects] == [VALUES[text]], text
        assert kubectl.canonical(objects[0].get("v")) == kubectl.canonical(read(content)["v"]), text


def test_kubectl_spells_every_key_of_the_table_in_the_same_way() -> None:
    files = [HEAD + text.encode() + (b"\n: 1" if text.startswith("?") else b": 1") for text in KEYS]
    for text, objects in zip(KEYS, kubectl.objects(files), strict=True):
        assert [one.get(KEYS[text]) for one in objects] == [1], text


def test_kubectl_refuses_every_key_that_is_refused_for_its_kind() -> None:
    kinds = [text for text, why in KEYS_REFUSED.items() if why != "tag"]
    files = [HEAD + text.encode() + (b"\n: 1" if text.startswith("?") else b": 1") for text in kinds]
    assert kubectl.objects(files) == [[] for _ in kinds]


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.from_regex(r"[-+]?0[xobXOB]?[-+]?[0-9a-f_]{1,20}", fullmatch=True),
    st.from_regex(r"[-+]?[0-9_]{0,4}\.?[0-9_]{0,4}([eE][-+]?[0-9_]{1,2})?", fullmatch=True),
)
words = st.text("yYnNoOeEsStTrRuUfFaAlL~.", min_size=1, max_size=5)


@settings(max_examples=4, phases=[Phase.generate])  # to shrink a batch takes minutes
@given(st.lists(st.one_of(numbers, words), min_size=150, max_size=150))
def test_kubectl_agrees_on_scalars_nobody_thought_of(texts: list[str]) -> None:
    files = [HEAD + f"v: {text}\n{text or 'a'}: 1\n".encode() for text in texts]
    for text, content, objects in zip(texts, files, kubectl.objects(files), strict=True):
        try:
            ours = read(content)
        except DocumentErrors as error:
            about_size = all("64 bits" in fault.message for fault in error.faults)
            assert not objects or about_size, f"{text!r} is refused, and kubectl reads it"
            continue
        (theirs,) = objects
        assert kubectl.canonical({**theirs, "metadata": 0}) == kubectl.canonical({**ours, "metadata": 0}), (
            text
        )


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_in_json_is_the_same_number(number: float) -> None:
    value = scalars.value(number)
    assert isinstance(value, int | float)
    assert value == pytest.approx(number, rel=1e-15)
    assert isinstance(value, int) == (number.is_integer() and abs(value) < 2**63)


@given(st.floats(width=32))
def test_a_key_that_is_a_number_names_that_number(number: float) -> None:
    text = scalars.key(number)
    back = float(text.replace(".inf", "inf").replace(".nan", "nan"))
    assert back == pytest.approx(number, rel=1e-6, nan_ok=True) or math.isnan(number)
