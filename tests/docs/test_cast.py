"""The picture of the README: what it shows, and when it is out of date."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.picture import cast
from e2e.picture.cast import CastScene

PICTURE = Path(__file__).parents[2] / "docs" / "demo.svg"
SCENES = (
    CastScene(
        caption="One & all", command="kubectl get tgr", output=("NAME   STATUS", "shop   Applied <1a2b3c4>")
    ),
    CastScene(caption="Another", command="towline why shop", output=()),
)


def test_a_picture_shows_what_was_typed_and_printed_and_is_one_file() -> None:
    picture = cast.drawn(SCENES)
    assert cast.texts(picture) == [line for scene in SCENES for line in scene.lines()]
    assert "http" not in picture.replace(cast.SVG.strip("{}"), "")


def test_the_picture_of_the_readme_loads_nothing_and_is_small() -> None:
    picture = PICTURE.read_text()
    assert len(picture) < 60_000
    assert "http" not in picture.replace(cast.SVG.strip("{}"), "")
    assert "<script" not in picture


def test_a_line_that_is_too_long_is_cut() -> None:
    scene = CastScene(caption="", command="a", output=("x" * (cast.COLUMNS + 1),))
    assert cast.texts(cast.drawn([scene]))[-1] == "x" * (cast.COLUMNS - 1) + "…"


@pytest.mark.parametrize(
    ("line", "later"),
    [
        ("shop   True   1a2b3c4   7s   fine", "shop   True    9f8e7d6   3m20s   fine"),
        ("7s   Applied 1a2b3c4 a long te…", "12s   Applied 9f8e7d6 a long…"),
        ("done (since 2026-01-01T10:00:00Z)", "done (since 2026-02-02T11:22:33Z)"),
    ],
)
def test_commits_times_and_widths_are_no_difference(line: str, later: str) -> None:
    assert cast.steady(line) == cast.steady(later)


@pytest.mark.parametrize(
    "other", ["shop   False   1a2b3c4", "blog   True   1a2b3c4", "shop   True   1a2b3c4   more"]
)
def test_words_are_a_difference(other: str) -> None:
    assert cast.steady(other) != cast.steady("shop   True   1a2b3c4")
