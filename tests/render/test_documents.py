"""How a file is cut into documents, and what may stand in one, by a table and by kubectl."""

from __future__ import annotations

from typing import Any

import pytest
from towline.render.documents import DocumentErrors, YamlLimits, parse

from tests.render import kubectl


def values(content: bytes | str) -> list[Any]:
    raw = content if isinstance(content, bytes) else content.encode()
    return [document.value for document in parse(raw, YamlLimits())]


def faults(content: bytes | str) -> list[tuple[int, str]]:
    raw = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(DocumentErrors) as refused:
        parse(raw, YamlLimits())
    return [(fault.line, fault.message) for fault in refused.value.faults]


A, B = {"a": 1}, {"b": 2}

SPLIT = {
    "a: 1": [A],
    "a: 1\n---\nb: 2\n": [A, B],
    "---\na: 1\n---\n---\nb: 2\n---": [A, B],
    "--- # first\na: 1\n---# second\nb: 2": [A, B],
    "a: 1\n--- \t\nb: 2": [A, B],
    "a: 1\r\n---\r\nb: 2\r\n": [A, B],
    "a: 1\r---\rb: 2\r": [A, B],
    "a: 1\n...\n---\nb: 2\n...\n# end\n": [A, B],
    "# nothing\n---\n\n  # here\n---\na: 1": [A],
    "~\n---\nnull\n---\na: 1": [A],
    "": [],
    "\n \n\t\n# only this": [],
    "\ufeffa: 1": [A],
    "\ufeff---\na: 1\n---\n\ufeffb: 2": [A, B],
    '{"a": 1}{"b": 2}': [A, B],
    '{"a": 1}\n\n{"b":\n2}\n': [A, B],
    '\t{\t"a":\t1\n\t}\n': [A],
    '{"a": 1}\n---\nb: 2\n---\n{"a": 1}': [A, B, A],
    "a: |\n  ---\n  ...\n": [{"a": "---\n...\n"}],
    "- 1\n---\ntext\n---\n5": [[1], "text", 5],
}

VALUES = {
    "a: &x {k: 1}\nb: *x\nc: &x 2\nd: *x": {"a": {"k": 1}, "b": {"k": 1}, "c": 2, "d": 2},
    "a: &x [&x 1, *x]\nb: *x": {"a": [1, 1], "b": 1},
    "a: &x 1.5e7\n*x : 2": {"a": 15000000, "1.5e+07": 2},
    "v: &x {a: 1, b: 1}\nw: {<<: *x, b: 2}": {"v": {"a": 1, "b": 1}, "w": {"a": 1, "b": 2}},
    "v: &x {a: 1}\nw: {a: 2, <<: *x}": {"v": {"a": 1}, "w": {"a": 1}},
    "w: {<<: [{a: 1}, {a: 2, b: 2}], c: 3}": {"w": {"a": 1, "b": 2, "c": 3}},
    "w: {<<: {a: 1}, <<: {a: 2}}": {"w": {"a": 2}},
    'w: {"<<": {a: 1}}': {"w": {"<<": {"a": 1}}},
    "w: {!!merge <<: {a: 1}}": {"w": {"a": 1}},
    "v: &x {1: a}\nw: {<<: *x, true: b}": {"v": {"1": "a"}, "w": {"1": "a", "true": "b"}},
    "a: |2-\n   x\nb: >\n  y\n  z": {"a": " x", "b": "y z\n"},
    "a: 'x\n\n  y'\nb: \"c\\\n  d\"": {"a": "x\ny", "b": "cd"},
    "a: [1, 2,]\nb: {c, d: }": {"a": [1, 2], "b": {"c": None, "d": None}},
    "a:\tb\nc: d\t# e": {"a": "b", "c": "d"},
    "{'a': 1,\n\tb: [\n\t2]}": {"a": 1, "b": [2]},
    '{"a":1,"b":[true,null,-1.5e3,0.10]}': {"a": 1, "b": [True, None, -1500, 0.1]},
    '{"a":"\\ud83d\\ude00\\/\\u0000"}': {"a": "😀/\0"},
    '{"a":"x\u2028y","' + 2000 * "k" + '":1}': {"a": "x\u2028y", 2000 * "k": 1},
    '{"a":NaN,"b":017,"c":yes}': {"a": "NaN", "b": 15, "c": True},
    "? " + 2000 * "k" + "\n: 1": {2000 * "k": 1},
    "a: x\ufeffy": {"a": "x\ufeffy"},
    'a: "\\x80\\N"': {"a": "\x80\x85"},
}

TAB = "found character that cannot start any token while scanning for the next token"
BEHIND = "content after the end of the document; write a line with --- before it"
SEPARATOR = "a line that begins with --- separates documents and may hold only a comment"

REFUSED = {
    "a: 1\n--- {b: 2}\n": [(2, SEPARATOR)],
    "a: 1\n----\nb: 2": [(2, SEPARATOR)],
    "a: 1\n...\nb: 2": [(3, BEHIND)],
    "a: 1\n... b": [(2, BEHIND)],
    '{"a": 1}\nb: 2': [(2, BEHIND)],
    '{"a": 1} }': [(1, BEHIND)],
    "a: 1\nb: 1\na: 2": [(3, 'the key "a" is in line 1 already: remove one of them')],
    "8080: 1\n\n'8080': 2": [(3, 'the key "8080" is in line 1 already: remove one of them')],
    "on: 1\ntrue: 2": [(2, 'the key "true" is in line 1 already: remove one of them')],
    "a:\n  0x10: 1\n  16.0: 2": [(3, 'the key "16" is in line 2 already: remove one of them')],
    '{"a": 1,\n"a": 1}': [(2, 'the key "a" is in line 1 already: remove one of them')],
    "a: *b": [(1, "an alias has no anchor above it")],
    "a: &x 1\n---\nb: *x": [(3, "an alias has no anchor above it")],
    "a: &x\n  b: *x": [(2, "an alias is used inside the value that it names")],
    "a: &x [*x]": [(1, "an alias is used inside the value that it names")],
    "a: {<<: 1}": [(1, "<< takes a map, or a list of maps")],
    "x: &x [{a: 1}]\ny: {<<: *x}": [(2, "<< takes a map, or a list of maps")],
    "a: {<<: *x}": [(1, "an alias has no anchor above it")],
    "a: {<<: [*x, {b: 1}, *y]}": [(1, "an alias has no anchor above it")] * 2,
    "a: {<<: [*x, 1]}": [(1, "<< takes a map, or a list of maps"), (1, "an alias has no anchor above it")],
    "a: {<<: ~}": [(1, "<< takes a map, or a list of maps")],
    "x: &x !!python/name:os {}\ny: {<<: *x}": [(1, "a tag is not one that Kubernetes knows; remove it")],
    "x: &x !!python/name:os a\ny: {<<: *x}": [(1, "a tag is not one that Kubernetes knows; remove it")],
    "a: !!python/object:os.system {}": [(1, "a tag is not one that Kubernetes knows; remove it")],
    "a:\n\tb: 1": [(2, TAB)],
    "a: 1\n\tb: 1": [(2, "found a tab character that violates indentation while scanning a plain scalar")],
    "a: [1\nb: 2": [(1, '"[" is never closed, or a "," is missing in line 2')],
    "a: 'x\ny": [(3, "found unexpected end of stream while scanning a quoted scalar")],
    "%YAML 1.1\n---\na: 1": [(2, "did not find expected <document start>")],
    '{"a": 1e400}': [(1, "a value does not match its tag")],
    '{"a":\n"\\ud800"}': [(2, "found half of a surrogate pair")],
    'a: "\\ud800"': [(1, "found invalid Unicode character escape code while parsing a quoted scalar")],
    "a: 1\nb: x\0y": [(2, "the character U+0000 is not allowed in YAML")],
    "a: x\x85y": [(1, "the character U+0085 is not allowed in YAML")],
    "a: \x9b": [(1, "the character U+009B is not allowed in YAML")],
    "a: \x7f": [(1, "the character U+007F is not allowed in YAML")],
    "k" * 1100 + ": 1": [(1, "mapping values are not allowed in this context")],
}


@pytest.mark.parametrize("text", SPLIT)
def test_a_file_is_cut_into_documents_as_text(text: str) -> None:
    assert values(text) == SPLIT[text]


@pytest.mark.parametrize("text", VALUES)
def test_a_document_has_the_structure_that_kubernetes_reads(text: str) -> None:
    assert kubectl.canonical(values(text)) == kubectl.canonical([VALUES[text]])


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_clear_meaning_is_refused_with_its_line(text: str) -> None:
    found = faults(text)
    assert [line for line, _ in found] == [line for line, _ in REFUSED[text]]
    assert all(
        message.startswith(wanted) for (_, message), (_, wanted) in zip(found, REFUSED[text], strict=True)
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_a_byte_order_mark_is_decoded(encoding: str) -> None:
    assert values("\ufeffa: ä\r\n---\r\nb: 😀".encode(encoding)) == [{"a": "ä"}, {"b": "😀"}]


@pytest.mark.parametrize(
    "content",
    [
        b"a: 1\nb: \xff",
        b"a: 1\nb: \xed\xa0\x80",
        b"a: 1\nb: \xc3",
        "\ufeffa: 1\nb: ".encode("utf-16-le") + b"\x00\xd8",
    ],
)
def test_bytes_that_are_no_text_are_refused_with_their_line(content: bytes) -> None:
    assert faults(content) == [(2, "the text is not valid UTF-8")]


def test_utf_16_without_a_byte_order_mark_or_cut_in_half_is_refused() -> None:
    assert faults("a: 1".encode("utf-16-le"))[0][0] == 1
    assert faults("a: 1".encode("utf-16")[:-1])[0][0] == 1


def test_a_broken_document_does_not_hide_the_faults_of_the_following_ones() -> None:
    text = "a: [\n---\nb: 1\n---\nc: 1\nc: 2\nd: .inf\n--- x\ne: *e\n---\n\x00"
    assert [line for line, _ in faults(text)] == [2, 6, 7, 8, 9, 11]


def test_the_documents_that_can_be_read_are_known_beside_the_faults() -> None:
    with pytest.raises(DocumentErrors) as refused:
        parse(b"a: 1\n---\n[\n---\nb: 2", YamlLimits())
    assert [(one.value, one.line, one.index) for one in refused.value.documents] == [(A, 1, 0), (B, 5, 2)]


def test_a_document_knows_its_first_line_and_its_place_among_those_that_are_not_empty() -> None:
    found = parse(
        b'# head\n---\n\n# about a\na: 1\n---\n# nothing\n---\nb: 2\n---\n{}\n{"c": 3}', YamlLimits()
    )
    assert [(one.line, one.index) for one in found] == [(5, 0), (9, 1), (11, 2), (12, 3)]


def test_json_documents_behind_one_another_know_their_lines() -> None:
    found = parse(b'\n\n{"a":\n 1}{"b": 2}\n\n{"c": 3}', YamlLimits())
    assert [(one.line, one.index) for one in found] == [(3, 0), (4, 1), (6, 2)]


def test_a_message_names_keys_but_no_values() -> None:
    text = "password: hunter2\npassword: hunter3\ntoken: 99999999999999999999\nx: !!int hunter4\ny: 'hunter5"
    told = faults(text)
    assert len(told) == 4
    assert "hunter" not in str(told)
    assert "9999" not in str(told)


HEAD = "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: NAME-0}\n"
SECOND = HEAD.replace("-0", "-1")
JSON = '{"apiVersion":"example.org/v1","kind":"Thing","metadata":{"name":"NAME-0"}%s}'

FILES = (
    [HEAD + text for text in VALUES if not text.startswith("{")]
    + [JSON % f",{text[1:-1]}" for text in VALUES if text.startswith('{"')]
    + [
        HEAD + separator + SECOND
        for separator in ("---\n", "---\n---\n", "--- # x\n", "---#x\n", "...\n---\n")
    ]
    + [f"---\n{HEAD}---\n", f"{HEAD}...\n# x\n", f"\ufeff{HEAD}---\n\ufeff{SECOND}", f"~\n---\n{HEAD}"]
    + [text.replace("\n", "\r\n") for text in (HEAD, f"{HEAD}---\n{SECOND}", f"{HEAD}v: |\n  x\n  y")]
    + [
        HEAD.replace("\n", "\r"),
        f"{HEAD}v: |\n  x\r\r\n  y\r\r\r\n",
        f"{HEAD}v: |\n  x",
        f"{HEAD}v: |+\n  x\n\n",
    ]
    + [
        JSON % "" + JSON.replace("-0", "-1") % "",
        JSON % "" + "\n---\n" + SECOND,
        f"{HEAD}---\n" + JSON % ',"v":1',
    ]
    + [
        "\t" + JSON % "",
        "\n# x\n" + JSON % "",
        JSON.replace(",", ",\n\t") % ',"v":{"<<":[1.0,1e3,-0.0,1E-7]}',
    ]
    + [HEAD + text for text in ("v: x\ufeffy\u2028", 'v: "a\u2028 b"', "v: é😀", 'v: "\x09"')]
)

KUBECTL_REFUSES = (
    "a: 1\n--- {b: 2}\n",
    "a: 1\n----\nb: 2",
    "a: &x\n  b: *x",
    "a: *b",
    "a: {<<: 1}",
    "x: &x [{a: 1}]\ny: {<<: *x}",
    "a:\n\tb: 1",
    "a: [1\nb: 2",
    "a: x\0y",
    "a: \x9b",
    'a: "\\ud800"',
    "k" * 1100 + ": 1",
)


def test_kubectl_reads_every_good_file_in_the_same_way() -> None:
    files = [text.encode() for text in FILES]
    for index, (content, objects) in enumerate(zip(files, kubectl.objects(files), strict=True)):
        ours = values(kubectl.named(content, index))
        assert kubectl.canonical(ours) == kubectl.canonical(objects), content


def test_kubectl_refuses_what_is_not_refused_for_stricter_reasons() -> None:
    files = [HEAD.encode() + text.encode() for text in KUBECTL_REFUSES]
    assert [len(objects) for objects in kubectl.objects(files)] == [0 for _ in files]
