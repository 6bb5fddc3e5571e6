"""Where a field stands: in which line, by a JSON pointer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.render.documents import YamlLimits, locate_all, parse

WEB = b"""\
# the web server
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {example.org/a: x, a~b: y,
    z: z}
spec:
  template:
    spec:
      containers:
        - name: web
          image: web:1
          env:
            - {name: A, value: "1"}
            - name: B
        -
          name: side
---
apiVersion: v1
kind: List
items:
  - kind: A
    spec: {}
  - kind: B
    spec:
      x: 1
---
base: &base
  port: 1
copy: *base
merged:
  <<: *base
  own: 2
"""

JSON = b"""{
  "a": {
    "b": [
      1,
      {"c":
        2}
    ]
  }
}
{"d": 1,
 "e": [[1],
  [2]]}"""


def locate(content: bytes, document: int, item: int, pointer: str) -> int:
    return locate_all(content, [(document, item, pointer)])[0]


@pytest.mark.parametrize(
    ("document", "item", "pointer", "line"),
    [
        (0, -1, "", 2),
        (0, -1, "/kind", 3),
        (0, -1, "/metadata/name", 5),
        (0, -1, "/metadata/annotations/example.org~1a", 6),
        (0, -1, "/metadata/annotations/a~0b", 6),
        (0, -1, "/metadata/annotations/z", 7),
        (0, -1, "/spec/template/spec/containers/0/image", 13),
        (0, -1, "/spec/template/spec/containers/0/env/1/name", 16),
        (0, -1, "/spec/template/spec/containers/1", 18),
        (0, -1, "/spec/template/spec/containers/1/name", 18),
        (1, -1, "", 20),
        (1, 0, "", 23),
        (1, 1, "/spec/x", 27),
        (2, -1, "/copy/port", 30),
        (2, -1, "/merged/port", 30),
        (2, -1, "/merged/own", 34),
    ],
)
def test_a_field_is_found_in_its_line(document: int, item: int, pointer: str, line: int) -> None:
    assert locate(WEB, document, item, pointer) == line


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("/spec/template/spec/containers/0/ports/0/containerPort", 12),
        ("/spec/template/spec/containers/7/name", 11),
        ("/spec/template/spec/containers/name", 11),
        ("/spec/template/spec/containers/99999999999999999999", 11),
        ("/spec/replicas", 8),
        ("/metadata/name/x/y", 5),
        ("/nothing", 2),
        ("/metadata/annotations/~2", 6),
    ],
)
def test_a_field_that_is_not_there_is_placed_at_its_nearest_parent(pointer: str, line: int) -> None:
    assert locate(WEB, 0, -1, pointer) == line


@pytest.mark.parametrize(
    ("document", "pointer", "line"),
    [(0, "", 1), (0, "/a/b", 3), (0, "/a/b/0", 4), (0, "/a/b/1/c", 5), (1, "/d", 10), (1, "/e/1/0", 12)],
)
def test_a_field_of_json_is_found_in_its_line(document: int, pointer: str, line: int) -> None:
    assert locate(JSON, document, -1, pointer) == line


def test_what_the_api_server_calls_data_is_found_where_it_is_written() -> None:
    secret = b"kind: Secret\nstringData:\n  a: x\n  b: y\n"
    assert locate(secret, 0, -1, "/data/b") == 4


def test_many_fields_are_found_at_once() -> None:
    fields = [(1, item, "/kind") for item in (0, 1)] + [(0, -1, "/kind")]
    assert locate_all(WEB, fields) == (23, 25, 3)


def test_an_item_of_a_list_that_an_alias_repeats_stands_where_the_alias_stands() -> None:
    content = b"items:\n- &a\n  kind: A\n- *a\n"
    assert locate(content, 0, 1, "") == 4
    assert locate(content, 0, 1, "/kind") == 3


names = st.text("abc/~01 ", min_size=1, max_size=4)
trees = st.recursive(
    st.integers(0, 9),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3), st.dictionaries(names, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(names, trees, min_size=1, max_size=3))
def test_every_field_is_found_where_it_was_written(tree: dict[str, object]) -> None:
    written: list[str] = ["{"]
    expected: dict[str, int] = {}
    _write(tree, "", written, expected)
    content = "\n".join(written).encode()
    assert parse(content, YamlLimits())[0].value == tree
    assert {pointer: locate(content, 0, -1, pointer) for pointer in expected} == expected


def _write(value: object, pointer: str, written: list[str], expected: dict[str, int]) -> None:
    """Write flow YAML with one entry in each line, below an opened bracket, and note the lines."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, entry in entries:
        key = f"'{name}': " if isinstance(name, str) else ""
        at = f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"
        opened = "{" if isinstance(entry, dict) else "[" if isinstance(entry, list) else f"{entry},"
        written.append(key + opened)
        expected[at] = len(written)
        if opened in "{[":
            _write(entry, at, written, expected)
            written[-1] += ","
    written.append("}" if isinstance(value, dict) else "]")
