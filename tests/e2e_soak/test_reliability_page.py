"""docs/reliability.md says of each part of `make soak` what a run has written, and names commands that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from e2e.soak import __main__ as soak
from e2e.soak import page, parts
from e2e.soak.outcome import Outcome
from e2e.soak.page import Run
from e2e.soak.parts import PARTS

ROOT = Path(__file__).parents[2]
TEXT = page.PAGE.read_text()
CROSSINGS, ATTACKS = PARTS["crossings"], PARTS["attacks"]
BEFORE = page.with_all_parts(f"A page.\n{page.BEGIN}\n{page.END}\nIts end.\n")


def arguments(command: str) -> list[str]:
    """Return what the Makefile makes of `make soak …`."""
    make, target, *settings = shlex.split(command)
    assert (make, target) == ("make", "soak")
    given = dict(setting.split("=", 1) for setting in settings)
    named = [f"--{name.lower()}={value}" for name, value in given.items() if name != "PARTS"]
    return [*named, *given.get("PARTS", "").split()]


def run(name: str, *, size: int = 0, tried: int = 5, survived: int = 5) -> Run:
    return Run(
        part=PARTS[name],
        size=size,
        seed=7,
        outcome=Outcome(tried=tried, survived=survived, seconds=61.4),
        commit="0123456789",
        day="2026-11-30",
        conditions="Kubernetes 1.37.2, 2 cores, load 8",
    )


def test_the_page_has_exactly_the_rows_of_the_table_of_parts() -> None:
    assert page.with_all_parts(TEXT) == TEXT
    assert list(page.rows_of(TEXT)) == list(PARTS)


@pytest.mark.parametrize("name", PARTS)
def test_the_command_of_a_row_runs_its_part(name: str) -> None:
    asked = soak.parser().parse_args(arguments(page.rows_of(TEXT)[name][-1].strip("`")))
    assert asked.parts == [name]


def test_all_commands_of_the_page_and_the_makefile_are_understood() -> None:
    for command in re.findall(r"`(make soak [^`]*)`", TEXT):
        soak.parser().parse_args([word for word in arguments(command) if word != "--save=1"])
    (recipe,) = re.findall(r"^\t@.*-m e2e\.soak (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"--\w+", recipe)) == {"--save", "--size", "--seed"}


@pytest.mark.parametrize("part", PARTS.values(), ids=lambda part: part.name)
def test_a_part_names_stories_that_exist(part: parts.Part) -> None:
    module, _, test = part.path.partition("::")
    assert f"def {test}(" in (ROOT / module).read_text() if test else (ROOT / module).exists()
    assert (part.short > 0) == (part.full > 0)
    assert part.short <= part.full


def test_a_run_replaces_its_own_row_and_no_other() -> None:
    after = page.rows_of(page.with_run(BEFORE, run("crossings", size=64, tried=64, survived=63)))
    assert after["crossings"] == (
        "64 pairs of distributions",
        "63",
        "7",
        "61 s",
        "0123456789",
        "2026-11-30",
        "Kubernetes 1.37.2, 2 cores, load 8",
        "`make soak PARTS=crossings SIZE=64 SEED=7`",
    )
    others = page.rows_of(BEFORE)
    assert {**after, "crossings": others["crossings"]} == others


def test_what_no_seed_chooses_names_none() -> None:
    row = page.rows_of(page.with_run(BEFORE, run("attacks")))["attacks"]
    assert (row[2], row[-1]) == ("", "`make soak PARTS=attacks`")


def test_the_text_around_the_table_stays() -> None:
    after = page.with_run(BEFORE, run("attacks"))
    assert after.startswith("A page.\n")
    assert after.endswith("\nIts end.\n")


def test_a_story_knows_the_part_that_it_belongs_to() -> None:
    assert parts.of_story(f"{CROSSINGS.path}[one]") is CROSSINGS
    assert parts.of_story(f"{ATTACKS.path}::test_one") is ATTACKS
    assert not PARTS["kubernetes-1.34"].holds(f"{parts.STORIES}apply-more/test_one.py")
    with pytest.raises(LookupError, match="belongs to no part"):
        parts.of_story(f"{ATTACKS.path}x::test_one")
