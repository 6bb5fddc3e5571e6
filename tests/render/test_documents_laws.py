"""YAML that nobody thought of, read by kubectl and by us."""

from __future__ import annotations

from typing import Any

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from towline.render.documents import DocumentErrors, YamlLimits, parse

from tests.render import kubectl

HEAD = b"apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: NAME}\n"

STRICTER = (
    "is in line",
    "a tag is not one",
    "64 bits",
    "content after the end",
    "base64 of UTF-8",
    "whitespace or line break while scanning a tag",
)
"""What is refused although kubectl reads it: it drops, rounds or guesses there."""

fragments = st.sampled_from(
    [
        "a",
        "b",
        "c: ",
        "k: ",
        "- ",
        "? ",
        ": ",
        ":",
        "[",
        "]",
        "{",
        "}",
        ", ",
        '"x"',
        "'it''s'",
        '"a\\nb"',
        "|\n  t\n",
        ">-\n  t\n  u\n\n  v\n",
        "|+\n  t\n\n",
        "|2\n   t\n",
        "&x ",
        "*x",
        "<<: ",
        "!!str ",
        " # c",
        "\n",
        "\n  ",
        "\n    ",
        "\t",
        "\r\n",
        "\r",
        "1",
        "0x1",
        "1.5",
        "~",
        "no",
        "a:b",
        "a#b",
        "a?",
        "-a",
        "--",
        "[a: b]",
        "{a}",
        '{"a":1}',
        "{a: , b}",
        "{? a : 1}",
        "[1, 2,]",
        "é",
        "\u2028",
        "\\",
        "%",
        "@",
        "=",
        "...",
    ]
)
soups = st.lists(fragments, min_size=1, max_size=8).map("".join).filter(lambda text: "---" not in text)

leads = st.sampled_from(
    ["a: ", "b: ", "- ", "c:", "- d: ", "", "? ", ": ", "e: |", "f: >-", "g: &x", "h: *x", "# c"]
)
spaces = st.sampled_from(["", "", "  ", "  ", "    ", " "])
lines = st.builds("{}{}{}".format, spaces, leads, st.one_of(st.just(""), fragments))
blocks = st.lists(lines, min_size=1, max_size=6).map("\n".join).filter(lambda text: "---" not in text)

scalars = st.sampled_from(
    ["a", "1", "0x1", "1.5", "1e3", "no", "~", '"1"', "x y", "2001-01-01", "''", "<<", "!!str 1"]
)
keys = st.sampled_from(["a", "b", "1", "0x1", "1.5", "on", "<<", "'<<'"])


def _named(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    anchored = st.builds("&{} {}".format, st.sampled_from("xy"), inner)
    return st.one_of(inner, inner, anchored, st.sampled_from(["*x", "*y"]))


def _collections(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    entries = st.builds("{}: {}".format, keys, _named(inner))
    return st.one_of(
        st.lists(_named(inner), max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(entries, max_size=4).map(lambda items: f"{{{', '.join(items)}}}"),
    )


flows = st.recursive(scalars, _collections, max_leaves=12)
merges = st.builds(
    "v: &x {}\nw: &y {}\nu: {}\nt: {}\n".format,
    st.sampled_from(["{a: 1, b: 2}", "{<<: {a: 7}, z: 1}", "5", "[{a: 1}, {a: 2, c: 3}]", "1.5e7"]),
    st.sampled_from(["{a: 8, d: 2}", "{<<: *x, a: 0}", "{a: 0, <<: *x}", "{<<: [{b: 1}, *x]}", "*x", "{}"]),
    flows,
    flows,
)


def read(content: bytes) -> list[Any] | tuple[str, ...]:
    try:
        return [document.value for document in parse(content, YamlLimits())]
    except DocumentErrors as error:
        return tuple(fault.message for fault in error.faults)


@settings(max_examples=8, phases=[Phase.generate])  # to shrink a batch takes minutes
@given(st.lists(st.one_of(soups, blocks, merges, merges), min_size=120, max_size=120))
def test_kubectl_reads_the_same_or_it_is_refused(texts: list[str]) -> None:
    whole = [HEAD + text.encode() for text in texts]
    for index, (content, theirs) in enumerate(zip(whole, kubectl.objects(whole), strict=True)):
        ours = read(kubectl.named(content, index))
        if isinstance(ours, tuple):
            stricter = any(reason in message for reason in STRICTER for message in ours)
            assert stricter or not theirs, (content, ours)
        else:
            assert kubectl.canonical(ours) == kubectl.canonical(theirs), content


@given(st.one_of(soups, blocks, merges))
def test_reading_twice_gives_the_same(text: str) -> None:
    assert repr(read(text.encode())) == repr(read(text.encode()))


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_with_lines_of_the_file(content: bytes) -> None:
    last = content.count(b"\n") + content.count(b"\r") + 2
    lines: list[int] = []
    try:
        lines = [document.line for document in parse(content, YamlLimits())]
    except DocumentErrors as error:
        lines = [fault.line for fault in error.faults]
    assert all(1 <= line <= last for line in lines)


@example(["|+\n  t\n\n", "a"], 0)
@given(st.lists(st.one_of(soups, blocks), min_size=1, max_size=5), st.integers(0, 5))
def test_a_document_reads_the_same_wherever_it_stands(texts: list[str], before: int) -> None:
    ended = [f"{text}\n" for text in texts]  # a break before `---` is part of a scalar that begins with `|+`
    alone = [read(text.encode()) for text in ended]
    joined = "---\n".join(["k: 1\n"] * before + ended)
    found = read(joined.encode())
    if all(isinstance(one, list) for one in alone):
        expected = [{"k": 1}] * before + [value for one in alone for value in one]
        assert kubectl.canonical(found) == kubectl.canonical(expected)
    else:
        assert isinstance(found, tuple)
