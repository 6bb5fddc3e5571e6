"""Objects written as YAML mean the same to whoever reads them back."""

from __future__ import annotations

from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from towline.render import dump
from towline.render.documents import YamlLimits, parse

from tests.render import kubectl

tricky = st.sampled_from(
    [
        "017",
        "0o17",
        "1e3",
        "y",
        "no",
        "on",
        "~",
        "null",
        "<<",
        "=",
        "1_000",
        "0b1",
        "12:30",
        "2001-01-01",
        ".5",
        ".inf",
        "9" * 30,
        "- a",
        "a: b",
        "# c",
        "a # b",
        " a",
        "a ",
        "'",
        '"',
        "\\",
        "---",
        "...",
        "%x",
        "@",
        "`",
        "&a",
        "*a",
        "!x",
        "",
        "\n",
        "a\n",
        "\n a",
        " a\n b",
        "a\n\nb\n\n",
        "\ta",
        "a\tb",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x00",
        "\x1b[31m",
        "é",
        "😀",
        "a\n---\nb",
        "x" * 200,
        "x " * 100,
        "a\r\nb",
        "a \nb",
        "#\n",
        "k" * 1100,
    ]
)
texts = st.one_of(tricky, st.text(max_size=12))
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer()),
        texts,
        texts,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, max_size=4))
def test_what_is_written_is_read_back(body: dict[str, Any]) -> None:
    (document,) = parse(dump.written(body).encode(), YamlLimits())
    assert kubectl.canonical(document.value) == kubectl.canonical(body)
    assert list(document.value) == list(body)


@settings(max_examples=6, phases=[Phase.generate])  # to shrink a batch takes minutes
@given(st.lists(texts, min_size=40, max_size=40))
def test_kubectl_reads_it_back_in_the_same_way(found: list[str]) -> None:
    head = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "NAME"}}
    files = [dump.written({**head, "v": [text, {text: 1}]}).encode() for text in found]
    for text, objects in zip(found, kubectl.objects(files), strict=True):
        assert [one["v"] for one in objects] == [[text, {text: 1}]]


def test_text_is_quoted_only_where_it_would_mean_something_else() -> None:
    body = {"a": "plain text", "b": "017", "y": "yes", "d": "a\nb\n", "e": 17, "f": "v1.2"}
    assert dump.written(body) == 'a: plain text\nb: "017"\n"y": "yes"\nd: |\n  a\n  b\ne: 17\nf: v1.2\n'
