"""What is told of a commit that does not build."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.errors import Failure, Reason
from towline.render import build_report
from towline.source.exclusion import Exclusion


def fault(file: str, line: int = 1, message: str = build_report.NO_OBJECT) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=file, line=line)


def in_place(*files: str) -> dict[str, str]:
    """Files that no symlink leads to."""
    return {file: file for file in files}


def test_a_file_behind_a_symlink_is_excluded_by_the_path_through_it() -> None:
    files = {"base/values.yaml": "s/apps/values.yaml", "base/web.yaml": "s/apps/web.yaml"}
    error = build_report.build_error([fault("base/values.yaml")], files, "s", "c0ffee")
    assert "base/values.yaml:1: not a Kubernetes object" in error.message
    assert "(read as s/apps/values.yaml, through a symlink)" in error.message
    assert "write spec.exclude: ['/apps/values.yaml']" in error.message


def test_the_first_ten_faults_are_of_ten_files_where_there_are_as_many() -> None:
    faults = [fault(f"{name}.yaml", line, "bad") for name in "abcdefghijkl" for line in (1, 2, 3)]
    error = build_report.build_error(faults, {}, ".", "c0ffee")
    assert [one.file[0] for one in error.failures[:13]] == [*"abcdefghijkl", "a"]
    assert sorted(error.failures, key=lambda one: (one.file, one.line)) == [
        Failure(reason=Reason.BUILD_FAILED, message="bad", file=one.file, line=one.line, commit="c0ffee")
        for one in faults
    ]


@pytest.mark.parametrize(
    ("bad", "good", "way_out"),
    [
        (
            ["s/a/values.yaml"],
            ["s/a/web.yaml"],
            "1 file holds no Kubernetes object: write spec.exclude: ['/a/values.yaml']",
        ),
        (
            ["s/a/values.yaml", "s/b/values.yaml"],
            ["s/a/web.yaml", "s/b/web.yaml"],
            "write spec.exclude: ['values.yaml']",
        ),
        (["s/boards/a.json", "s/boards/x/b.json"], ["s/web.json"], "write spec.exclude: ['/boards/']"),
        (["s/a.json", "s/x/b.json"], ["s/web.yaml"], "write spec.exclude: ['*.json']"),
        (
            ["s/b/x.json", "s/b/y.json", "s/z.yaml"],
            ["s/web.yaml", "s/a.json"],
            "write spec.exclude: ['/b/'] for 2 of them",
        ),
        (["s/[x].json"], [], "name them in spec.exclude"),
    ],
)
def test_files_without_an_object_are_counted_with_a_pattern_that_fits(
    bad: list[str], good: list[str], way_out: str
) -> None:
    message = build_report.build_error(map(fault, bad), in_place(*bad, *good), "s", "c0ffee").message
    assert f"{way_out}, or spec.skipNonManifests: true" in message


NAMES = st.lists(st.sampled_from(["a", "b", "c.d", "x.yaml", "y.json"]), min_size=1, max_size=4).map("/".join)


@given(st.sets(NAMES, min_size=1), st.sets(NAMES))
def test_the_pattern_excludes_no_file_that_is_good(bad: set[str], good: set[str]) -> None:
    advice = build_report.advice(map(fault, sorted(bad)), in_place(*bad, *good), ".")
    if "['" in advice:
        exclusion = Exclusion([advice.partition("['")[2].partition("']")[0]])
        assert not [file for file in good - bad if exclusion.covers(file)]
        assert [file for file in bad if exclusion.covers(file)]


def test_other_faults_come_without_advice() -> None:
    assert build_report.advice([fault("a.yaml", 1, "bad")], in_place("a.yaml"), ".") == ""
