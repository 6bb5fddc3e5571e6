"""Each leaf of an object has the lines in which it is written, and those through which it is there."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from towline.model import Origin
from towline.render.documents import YamlLimits
from towline.render.written import leaf_lines
from towline.render.written.leaf_lines import LeafLines


def found(text: str, document: int = 0, item: int = -1) -> Mapping[str, LeafLines]:
    return leaf_lines.leaf_lines(text.encode(), Origin("a.yaml", 1, document, item), YamlLimits())


def own(text: str, document: int = 0, item: int = -1) -> dict[str, tuple[int, int]]:
    return {path: (lines.own.first, lines.own.last) for path, lines in found(text, document, item).items()}


def through(text: str) -> dict[str, tuple[tuple[int, int], ...]]:
    return {
        path: tuple((part.first, part.last) for part in each.through)
        for path, each in found(text).items()
        if each.through
    }


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a: 1\nb:\n  c: 2\n", {"/a": (1, 1), "/b/c": (3, 3)}),
        ("a:\n- 1\n- b: 2\n  c: 3\n", {"/a/0": (2, 2), "/a/1/b": (3, 3), "/a/1/c": (4, 4)}),
        ("a: |\n  x\n  y\n\n# more\nb: 1\n", {"/a": (1, 3), "/b": (6, 6)}),
        ("a: |+\n  x\n\n\nb: 1\n", {"/a": (1, 4), "/b": (5, 5)}),
        ("a: >-\n  x\n\n  y\nb: 1", {"/a": (1, 4), "/b": (5, 5)}),
        ("a: |\n  x\n\n  y", {"/a": (1, 4)}),
        ("a: |  # why\n  x\n", {"/a": (1, 2)}),
        ('a: "x\n  y"\nb: p\n  q\n', {"/a": (1, 2), "/b": (3, 4)}),
        ("a:\n  long\nb:\nc: {}\nd: [\n]\n", {"/a": (1, 2), "/b": (3, 3), "/c": (4, 4), "/d": (5, 6)}),
        ("a: {b: 1,\n  c: 2}\n", {"/a/b": (1, 1), "/a/c": (2, 2)}),
        ("- a\n- |\n  b\n  c\n- d\n", {"/0": (1, 1), "/1": (2, 4), "/2": (5, 5)}),
        ('{"a": [1,\n 2],\n "b": {\n"c": "x"}}', {"/a/0": (1, 1), "/a/1": (2, 2), "/b/c": (4, 4)}),
        ('a: "x\u2028y"\nb: 1\n', {"/a": (1, 1), "/b": (2, 2)}),
        ("a/b~c: 1\n", {"/a~1b~0c": (1, 1)}),
    ],
)
def test_a_leaf_is_written_from_its_key_to_the_end_of_its_value(
    text: str, lines: dict[str, tuple[int, int]]
) -> None:
    assert own(text) == lines


def test_lines_count_from_the_beginning_of_the_file_in_every_document_and_item_of_a_list() -> None:
    text = "a: 1\n---\n# x\nitems:\n- b: 1\n- b: 2\n  c: |\n    x\n---\n---\nd: 1\n"
    assert own(text, 1, 1) == {"/b": (6, 6), "/c": (7, 8)}
    assert own(text, 2) == {"/d": (11, 11)}
    assert own(text, 7) == {}
    assert own(text, 1, 9) == {}


def test_what_an_alias_brings_is_written_at_its_anchor_and_there_through_the_alias() -> None:
    text = "a: &one\n  b:\n    c: 1\nd: *one\ne: &two |\n  x\n  y\nf: *two\n"
    assert own(text) == {"/a/b/c": (3, 3), "/d/b/c": (3, 3), "/e": (5, 7), "/f": (8, 8)}
    assert through(text) == {"/d/b/c": ((4, 4),), "/f": ((5, 7),)}


def test_what_a_merge_key_brings_is_there_through_it_and_what_the_map_has_itself_is_not() -> None:
    text = "a: &one\n  b: 1\n  c: 2\nd: &two\n  <<: *one\n  c: 3\ne:\n  <<: *two\n  f: 4\n"
    assert own(text) == {
        "/a/b": (2, 2),
        "/a/c": (3, 3),
        "/d/b": (2, 2),
        "/d/c": (6, 6),
        "/e/b": (2, 2),
        "/e/c": (6, 6),
        "/e/f": (9, 9),
    }
    assert through(text) == {"/d/b": ((5, 5),), "/e/b": ((5, 5), (8, 8)), "/e/c": ((8, 8),)}


def test_a_merge_key_behind_a_key_replaces_it_with_its_lines() -> None:
    text = "a: &one\n  b: 1\nc:\n  b: 2\n  <<: *one\n"
    assert own(text)["/c/b"] == (2, 2)
    assert through(text) == {"/c/b": ((5, 5),)}


def test_of_a_list_of_merged_maps_each_key_has_the_lines_of_the_map_that_wins() -> None:
    text = "- &one\n  a: 1\n- &two\n  a: 2\n  b: 3\n- <<: [*one, *two]\n"
    assert {path: lines for path, lines in own(text).items() if path.startswith("/2")} == {
        "/2/a": (2, 2),
        "/2/b": (5, 5),
    }
