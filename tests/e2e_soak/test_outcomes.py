"""What was tried and survived is what the stories counted, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.soak import __main__ as soak
from e2e.soak import effort, outcome
from e2e.soak.parts import PARTS

REPORT = """<testsuites><testsuite>
<testcase name="passed" time="1.5"/>
<testcase name="failed" time="2"><failure>no</failure></testcase>
<testcase name="broken" time="0.5"><error>no</error></testcase>
<testcase name="skipped" time="0"><skipped/></testcase>
{counted}
</testsuite></testsuites>"""
COUNTED = """<testcase name="counted" time="3"><properties>
<property name="seed" value="9"/><property name="tried" value="40"/><property name="survived" value="39"/>
</properties><failure>no</failure></testcase>"""


STORY = """
def test_counts(record_property):
    record_property("tried", 4)
    record_property("survived", 3)


def test_does_not():
    assert not "passes"
"""


def test_what_a_story_counts_is_in_the_report_of_its_run(tmp_path: Path) -> None:
    story, report = tmp_path / "test_story.py", tmp_path / "report.xml"
    story.write_text(STORY)
    assert not soak.play(str(story), report, {})
    found = outcome.read(report)
    assert (found.tried, found.survived) == (5, 3)


@pytest.mark.parametrize(
    ("counted", "tried", "survived", "seconds"), [("", 3, 1, 4.0), (COUNTED, 43, 40, 7.0)]
)
def test_a_story_is_one_point_unless_it_counts_them(
    tmp_path: Path, counted: str, tried: int, survived: int, seconds: float
) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT.format(counted=counted))
    assert outcome.read(report) == outcome.Outcome(tried=tried, survived=survived, seconds=seconds)


def test_a_point_that_fails_is_tried_and_not_survived_and_names_the_seed() -> None:
    begun = effort.begun(PARTS["crossings"], {effort.SEED: "7", effort.SIZE: "3"})
    with begun.point("first", counts=2):
        pass
    with pytest.raises(ValueError, match="no") as failed, begun.point("second"):
        raise ValueError("no")
    assert (begun.tried, begun.survived) == (3, 2)
    assert failed.value.__notes__ == ["TOWLINE_SEED=7 TOWLINE_SOAK_SIZE=3, point 3: second"]


def test_what_the_environment_does_not_choose_is_short_and_drawn_anew() -> None:
    drawn = [effort.begun(PARTS["crossings"], {}) for _ in range(3)]
    assert {each.size for each in drawn} == {PARTS["crossings"].short}
    assert len({each.seed for each in drawn}) > 1
